"""Webhooks as they come in: their signature is checked before anything of them is believed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from clearhouse.client.errors import NotAuthentic

_HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True, slots=True)
class Message:
    """An authentic message.

    ``message_id`` is the same for every repetition: remember it. Of two messages about one object,
    the one with the larger ``version`` is newer, whenever they came.
    """

    message_id: str
    type: str
    timestamp: datetime
    version: int
    data: Mapping[str, Any]


class _Body(msgspec.Struct, frozen=True):
    type: str
    timestamp: datetime
    data: dict[str, Any]


def verify_webhook(secret: str | Sequence[str], headers: Mapping[str, str], body: bytes) -> Message:
    """The message in a request; ``secret`` may be several, while one replaces another.

    ``body`` are the raw bytes, as they came. Raises NotAuthentic.
    """
    given = {name.lower(): value for name, value in headers.items() if name.lower() in _HEADERS}
    secrets = [secret] if isinstance(secret, str) else secret
    for one in secrets:
        try:
            Webhook(one).verify(body, given)
        except (WebhookVerificationError, json.JSONDecodeError, UnicodeDecodeError):
            continue
        try:
            found = msgspec.json.decode(body, type=_Body)
            version = found.data["version"]
        except (msgspec.MsgspecError, KeyError):
            break
        return Message(given["webhook-id"], found.type, found.timestamp, version, found.data)
    raise NotAuthentic("The webhook's signature does not hold, or it is too old.")
