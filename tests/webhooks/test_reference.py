"""The reference shows what is sent: every type, and examples made by the code that sends them."""

import json
import re

import pytest
from tests.webhooks.examples import PAGE, examples, written

from clearhouse.webhooks.outgoing.messages import TYPES

AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]+)?")
MONEY = {"amount", "platform_fee", "fee_returned", "seller_share"}


def test_the_reference_shows_every_message_as_it_is_sent() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page), "python -m tests.webhooks.examples"
    assert set(examples()) == set(TYPES)


@pytest.mark.parametrize("kind", TYPES)
def test_every_message_keeps_the_promises_that_hold_for_all(kind: str) -> None:
    _, message = examples()[kind]
    payload = json.loads(message.payload)
    assert list(payload) == ["type", "timestamp", "data"]
    assert payload["timestamp"] == "2026-03-01T12:00:00.894211Z"
    data = payload["data"]
    assert next(iter(data)) == "version"
    assert data["version"] == message.version
    assert message.object_id in data.values()
    for name in MONEY & set(data):
        assert AMOUNT.fullmatch(data[name])
        assert "currency" in data
    inner = {name for name in data if name.endswith("_minor") or name in {"order_id", "xid"}}
    assert inner == set()
    assert message.seller_account == data.get("seller_account")
