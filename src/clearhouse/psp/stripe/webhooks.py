"""Stripe's webhooks: authenticated on their raw bytes, named by their event, read later."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, cast

import stripe

from clearhouse.psp.notices import NotAuthentic, Notification, NotReadable, RawWebhook, Received
from clearhouse.psp.stripe.events import THIN, notification
from clearhouse.psp.stripe.outcomes import mapping

HEADER: Final = "stripe-signature"
TOLERANCE: Final = timedelta(minutes=5)
"""How old a signature may be, as in the SDK, and how far in the future, which the SDK lets pass."""


class WebhookReader:
    """The protocol Webhooks.

    A webhook is good if it is signed with any of ``_webhook_secrets``, so that a secret can be
    rotated: Stripe signs with both for a day, and we know both as long.
    """

    _webhook_secrets: Sequence[str]

    def receive(self, webhook: RawWebhook, now: datetime) -> Received:
        """Authenticate, and take the event's id as the key."""
        header = webhook.headers.get(HEADER)
        if not header:
            raise NotAuthentic("The webhook has no Stripe-Signature header.")
        if not self._webhook_secrets:
            raise NotAuthentic(
                "No webhook secret of Stripe is set.",
                hint="Set CLEARHOUSE_PSP_STRIPE_WEBHOOK_SECRETS to the endpoint's whsec_...",
            )
        text = _text(webhook.body)
        if not any(_signed(text, header, secret) for secret in self._webhook_secrets):
            raise NotAuthentic("The webhook's signature is not Stripe's.")
        # Only a signed header is worth reading: its time is the one that was signed.
        if abs(now.timestamp() - _signed_at(header)) > TOLERANCE.total_seconds():
            raise NotAuthentic("The webhook was signed more than five minutes before or after now.")
        return _named(webhook.body)

    def read(self, body: bytes) -> Notification:
        """What the event says. Raises NotReadable."""
        return notification(_event(body))


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise NotAuthentic("The webhook is not UTF-8, which Stripe's are.") from None


def _signed(text: str, header: str, secret: str) -> bool:
    verify = cast("Callable[[str, str, str], bool]", stripe.WebhookSignature.verify_header)  # pyright: ignore[reportUnknownMemberType] - the SDK leaves one parameter without a type
    try:
        verify(text, header, secret)
    except Exception:  # noqa: BLE001 - the SDK stumbles over odd signatures in several ways
        return False
    return True


def _signed_at(header: str) -> int:
    """The time that was signed: the first ``t`` of the header, as the SDK reads it."""
    times = [item.split("=", 2) for item in header.split(",")]
    return next(int(item[1]) for item in times if item[0] == "t")


def _named(body: bytes) -> Received:
    """Key and kind; what has none gets the hash of its bytes, so that it is kept and seen."""
    try:
        event = _event(body)
        return Received(str(event["id"]), str(event["type"]))
    except (NotReadable, KeyError):
        return Received(blake2b(body, digest_size=16).hexdigest(), "unreadable")


def _event(body: bytes) -> Mapping[str, Any]:
    try:
        event = mapping(json.loads(body))
    except (ValueError, RecursionError):
        raise NotReadable("Stripe's webhook is not JSON.") from None
    if event.get("object") not in {"event", THIN}:
        raise NotReadable("Stripe's webhook is no event.")
    return event
