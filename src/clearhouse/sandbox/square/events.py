"""Square's events: an object as it was at one moment, in the envelope that webhooks carry."""

from typing import Any, Final

import msgspec

from clearhouse.sandbox.core import Core
from clearhouse.sandbox.square.endpoint import PSP
from clearhouse.sandbox.square.errors import Json
from clearhouse.sandbox.square.shapes import moment

MERCHANT: Final = "MSANDBOX"


def emit(core: Core, kind: str, name: str, body: Json) -> None:
    """Have an event brought to all endpoints of Square; within ``truth.transaction()``.

    ``name`` is what Square calls the object in the event (``payment``, ``order_updated``).
    """
    if not any(endpoint.psp == PSP for endpoint in core.courier.endpoints()):
        return
    event_id = str(core.ids.new())
    data: dict[str, Any] = {
        "type": name,
        "id": body.get("id") or body["order_id"],
        "object": {name: body},
    }
    event: Json = {
        "merchant_id": MERCHANT,
        "type": kind,
        "event_id": event_id,
        "created_at": moment(core.now_us()),
        "data": data,
    }
    if "location_id" in body:
        event["location_id"] = body["location_id"]
    core.courier.emit(PSP, event_id, kind, msgspec.json.encode(event))
