"""The client believes nothing but what was signed for it, lately."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook
from tests.webhooks.examples import examples

from clearhouse.client import NotAuthentic, verify_webhook
from clearhouse.kernel.clock import SystemClock
from clearhouse.webhooks.outgoing.messages import TYPES

OLD, NEW = "whsec_" + "b2xk" * 8, "whsec_" + "bmV3" * 8


def signed(body: str, secret: str = NEW, ago: float = 0) -> dict[str, str]:
    now: datetime = SystemClock().now() - timedelta(seconds=ago)
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": Webhook(secret).sign("msg_1", now, body),
    }


@pytest.mark.parametrize("kind", TYPES)
def test_every_message_is_understood(kind: str) -> None:
    _, sent = examples()[kind]
    found = verify_webhook([OLD, NEW], signed(sent.payload), sent.payload.encode())
    assert (found.message_id, found.type, found.version) == ("msg_1", kind, sent.version)
    assert found.data == json.loads(sent.payload)["data"]
    assert found.timestamp.tzinfo is not None


BODY = '{"type": "a.b", "timestamp": "2026-03-01T12:00:00Z", "data": {"version": 1}}'
EVIL: list[tuple[dict[str, str], bytes]] = [
    ({}, BODY.encode()),
    (signed(BODY), BODY.replace("a.b", "a.c").encode()),
    (signed(BODY, OLD), BODY.encode()),
    (signed(BODY) | {"Webhook-Id": "msg_2"}, BODY.encode()),
    (signed(BODY) | {"Webhook-Signature": "v1,AAAA"}, BODY.encode()),
    (signed(BODY) | {"Webhook-Signature": ""}, BODY.encode()),
    (signed(BODY) | {"Webhook-Timestamp": "noon"}, BODY.encode()),
    (signed(BODY, ago=3600), BODY.encode()),
    (signed(BODY, ago=-3600), BODY.encode()),
    (signed("no json"), b"no json"),
    (signed("[]"), b"[]"),
    (signed("{}"), b"{}"),
    (signed(BODY), b"\xff"),
]


@pytest.mark.parametrize(("headers", "body"), EVIL)
def test_what_is_not_signed_for_us_is_refused(headers: Any, body: bytes) -> None:
    with pytest.raises(NotAuthentic):
        verify_webhook(NEW, headers, body)
