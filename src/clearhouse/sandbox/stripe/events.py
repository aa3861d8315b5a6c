"""Stripe's events: an object as it was at one moment, in the envelope that webhooks carry."""

from typing import Any, Final

import msgspec

from clearhouse.sandbox.core import Core
from clearhouse.sandbox.stripe.shapes import Json

PSP: Final = "stripe"
API_VERSION: Final = "2026-10-28.endive"


def emit(
    core: Core,
    kind: str,
    body: Json,
    *,
    previous: Json | None = None,
    request_id: str | None = None,
    key: str | None = None,
    delay: float = 0.0,
) -> None:
    """Have an event brought to all endpoints of Stripe; within ``truth.transaction()``.

    ``previous`` holds what an ``*.updated`` event says of the fields that changed. Events that no
    request caused have neither ``request_id`` nor ``key``.
    """
    if not any(endpoint.psp == PSP for endpoint in core.courier.endpoints()):
        return
    data: dict[str, Any] = {"object": body}
    if previous is not None:
        data["previous_attributes"] = previous
    event_id = f"evt_{core.name(24)}"
    event: Json = {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": core.now_us() // 1_000_000,
        "data": data,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": request_id, "idempotency_key": key},
        "type": kind,
    }
    core.courier.emit(PSP, event_id, kind, msgspec.json.encode(event), delay=delay)
