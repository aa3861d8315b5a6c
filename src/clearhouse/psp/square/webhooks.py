"""Square's webhooks: authenticated on their raw bytes, named by their event, read later."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from square.utils.webhooks_helper import (  # pyright: ignore[reportMissingTypeStubs] - it is typed
    verify_signature,
)

from clearhouse.psp.notices import NotAuthentic, Notification, NotReadable, RawWebhook, Received
from clearhouse.psp.square.events import notification
from clearhouse.psp.square.outcomes import mapping

HEADER: Final = "x-square-hmacsha256-signature"


class WebhookReader:
    """The protocol Webhooks.

    A webhook is good if it is signed with any of ``_signature_keys``, so that a key can be
    rotated. Square signs its own idea of our URL and the body, and no time: one that is brought
    again years later is known by its event's id, and by the object's version.
    """

    _signature_keys: Sequence[str]

    def receive(self, webhook: RawWebhook, now: datetime) -> Received:
        """Authenticate, and take the event's id as the key."""
        header = webhook.headers.get(HEADER)
        if not header:
            raise NotAuthentic("The webhook has no x-square-hmacsha256-signature header.")
        if not self._signature_keys:
            raise NotAuthentic(
                "No webhook signature key of Square is set.",
                hint="Set CLEARHOUSE_PSP_SQUARE_WEBHOOK_SIGNATURE_KEYS to the subscription's key.",
            )
        text = _text(webhook.body)
        if not any(_signed(text, header, key, webhook.url) for key in self._signature_keys):
            raise NotAuthentic(
                "The webhook's signature is not Square's.",
                hint="Square signs the URL as well: it must be the very one registered there.",
            )
        return _named(webhook.body)

    def read(self, body: bytes) -> Notification:
        """What the event says. Raises NotReadable."""
        return notification(_event(body))


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise NotAuthentic("The webhook is not UTF-8, which Square's are.") from None


def _signed(text: str, header: str, key: str, url: str) -> bool:
    try:
        return verify_signature(
            request_body=text, signature_header=header, signature_key=key, notification_url=url
        )
    except Exception:  # noqa: BLE001 - the SDK stumbles over odd headers and an empty URL
        return False


def _named(body: bytes) -> Received:
    """Key and kind; what has none gets the hash of its bytes, so that it is kept and seen."""
    try:
        event = _event(body)
    except NotReadable:
        return Received(blake2b(body, digest_size=16).hexdigest(), "unreadable")
    return Received(event["event_id"], event["type"])


def _event(body: bytes) -> Mapping[str, Any]:
    try:
        event = mapping(json.loads(body))
    except (ValueError, RecursionError):
        raise NotReadable("Square's webhook is not JSON.") from None
    if not all(isinstance(event.get(name), str) and event[name] for name in ("event_id", "type")):
        raise NotReadable("Square's webhook is no event.")
    return event
