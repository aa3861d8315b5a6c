"""An example of every message to merchants, made by the code that makes the real ones.

``python -m tests.webhooks.examples`` writes them into the reference.
"""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints
from uuid import UUID

from clearhouse.messaging.events import Event, type_of
from clearhouse.webhooks.outgoing.lifecycle import EndpointState
from clearhouse.webhooks.outgoing.messages import (
    DISABLED,
    NOTICES,
    PUBLIC,
    Message,
    message_of,
    notice_of,
)
from clearhouse.webhooks.outgoing.model import Endpoint

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "outgoing-webhooks.md"
MARKERS = ("<!-- made by tests/webhooks/examples.py -->", "<!-- end -->")
NOON = datetime(2026, 3, 1, 12, 0, 0, 894211, tzinfo=UTC)
ID = UUID("019ca8d5-6f7b-7a11-8c2e-1f5d0b9e3a42")

VALUES: dict[str, Any] = {
    "checkout_id": "checkout-7f3a",
    "payment_order_id": "checkout-7f3a-lamps",
    "seller_account": "lamps-and-more",
    "refund_id": "re_019ca8d5a4c17d0e9b1e6a5f0c3b2d41",
    "dispute_id": "dp_019ca8d5a4c17d0e9b1e6a5f0c3b2d41",
    "payout_id": "po_019ca8d5a4c17d0e9b1e6a5f0c3b2d41",
    "currency": "EUR",
    "amount_minor": 4990,
    "fee_minor": 175,
    "fee_returned_minor": 0,
    "seller_minor": 4990,
    "psp": "stripe",
    "psp_reference": "pi_3QxYzAbCdEfGhIjK",
    "needs_approval": False,
    "was_paid": False,
    "period": None,
    "rail": "sepa",
    "reference": "E2E-019ca8d5a4c17d0e",
    "code": "C02",
    "last_four": "3000",
    "usable_from": datetime(2026, 3, 4, 12, tzinfo=UTC),
    "alert_id": "alert_019ca8d5a4c17d0e9b1e6a5f0c3b2d41",
    "redirect_url": "https://hooks.stripe.com/3d_secure_2/abc",
    "expires_at": datetime(2026, 3, 8, 12, tzinfo=UTC),
}
"""What a field of that name holds; another one holds something of its kind."""
PARTICULAR: dict[tuple[str, str], Any] = {
    ("payment_order.failed", "reason"): "insufficient_funds",
    ("payment_order.reversed", "reason"): "settlement_declined",
    ("refund.created", "reason"): "one lamp came broken",
    ("refund.failed", "reason"): "rejected_by_bank",
    ("refund.succeeded", "psp_reference"): "re_3QxYzAbCdEfGhIjK",
    ("stray_charge.found", "psp_reference"): "pi_3QxStrayAbCdEfGh",
    ("dispute.opened", "psp_reference"): "du_1QxYzAbCdEfGhIjK",
    ("dispute.opened", "reason"): "product_not_received",
    ("dispute.updated", "stage"): "under_review",
    ("dispute.closed", "stage"): "won",
    ("reconciliation.alert", "kind"): "unmatched_value",
    ("reconciliation.alert", "cause"): "",
    ("reconciliation.alert", "day"): "2026-02-28",
    ("reconciliation.alert", "basis_points"): 24,
    ("reconciliation.alert", "limit"): 10,
    ("payout.failed", "reason"): "account_closed",
    ("payout.returned", "reason"): "account_closed",
}
KINDS: dict[type, Any] = {str: "text", int: 1, bool: True, UUID: ID, datetime: NOON}

ENDPOINT = Endpoint(
    endpoint_id=UUID("019ca8d5-a4c1-7d0e-9b1e-6a5f0c3b2d41"),
    url="https://hooks.shop.com/clearhouse",
    description="",
    filters=(),
    seller_account=None,
    state=EndpointState.DISABLED,
    disabled_reason="it has taken nothing since 2026-02-24 11:58 UTC",
    failing_since=None,
    created_at=NOON,
    updated_at=NOON,
)


def an_event(kind: type[Event]) -> Event:
    """An event of a type, with values as they are in real ones."""
    hints = get_type_hints(kind)
    given: dict[str, Any] = {
        name: PARTICULAR.get((type_of(kind), name), VALUES.get(name, KINDS.get(hints[name])))
        for name in kind.__struct_fields__
    }
    given |= {"aggregate_id": ID, "version": 3, "occurred_at": NOON}
    return kind(**given)


def examples() -> dict[str, tuple[str, Message]]:
    """For each type what it says, and a message."""
    found: dict[str, tuple[str, Message]] = {}
    for kind, shown in PUBLIC.items():
        message = message_of(an_event(kind))
        assert message is not None
        found[message.type] = (shown.says, message)
    for name, says in NOTICES.items():
        version = 1 if name == DISABLED else 2
        found[name] = (says, notice_of(name, ENDPOINT, version, NOON))
    return found


def chapter() -> str:
    """All types, as the reference shows them."""
    parts: list[str] = []
    for name, (says, message) in examples().items():
        body = json.dumps(json.loads(message.payload), indent=2)
        parts.append(f"### `{name}`\n\n{says}\n\n```json\n{body}\n```\n")
    return "\n".join(parts)


def written(page: str) -> str:
    """A page with the chapter between its markers."""
    start, end = MARKERS
    whole = f"{start}\n\n{chapter()}\n{end}"
    return re.sub(f"{re.escape(start)}.*?{re.escape(end)}", lambda _: whole, page, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
