"""What merchants are told: every public event, with outer names and decimal amounts only."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from clearhouse.messaging.events import (
    CATALOGUE,
    JournalEntryPosted,
    PaymentOrderSucceeded,
    RefundFailed,
    type_of,
)
from clearhouse.webhooks.outgoing.messages import (
    PUBLIC,
    SOURCES,
    TYPES,
    is_filter,
    matches,
    message_of,
)

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
ID = UUID("019aa000-0000-7000-8000-000000000001")


def test_a_success_is_told_in_the_merchant_s_words() -> None:
    message = message_of(
        PaymentOrderSucceeded(
            aggregate_id=ID, version=3, occurred_at=NOON, payment_order_id="o-1",
            checkout_id="c-1", seller_account="lamps", amount_minor=12_50, fee_minor=61,
            currency="USD", psp="stripe", psp_reference="pi_1",
        )
    )  # fmt: skip
    assert message is not None
    assert (message.type, message.object_id, message.version) == (
        "payment_order.succeeded", "o-1", 3,
    )  # fmt: skip
    assert message.seller_account == "lamps"
    assert json.loads(message.payload) == {
        "type": "payment_order.succeeded",
        "timestamp": "2026-11-25T12:00:00Z",
        "data": {
            "version": 3,
            "payment_order_id": "o-1",
            "checkout_id": "c-1",
            "seller_account": "lamps",
            "amount": "12.50",
            "platform_fee": "0.61",
            "currency": "USD",
            "psp": "stripe",
            "psp_reference": "pi_1",
        },
    }


def test_inner_ids_stay_inside() -> None:
    message = message_of(
        RefundFailed(
            aggregate_id=ID, version=2, occurred_at=NOON, refund_id="r-1", order_id=ID,
            payment_order_id="o-1", seller_account="lamps", amount_minor=500,
            fee_returned_minor=0, currency="JPY", psp="square", reason="rejected_by_bank",
            had_succeeded=True,
        )
    )  # fmt: skip
    assert message is not None
    assert str(ID) not in message.payload
    assert "_minor" not in message.payload
    assert json.loads(message.payload)["data"]["amount"] == "500"


def test_what_is_ours_alone_is_not_told() -> None:
    event = JournalEntryPosted(
        aggregate_id=ID, version=1, occurred_at=NOON, kind="sale", source_id=ID, reference="o-1"
    )
    assert message_of(event) is None


@pytest.mark.parametrize("event", PUBLIC)
def test_every_public_event_is_of_the_catalogue_and_names_its_object(event: type) -> None:
    assert event in CATALOGUE
    shown = PUBLIC[event]
    assert {SOURCES.get(name, name) for name in shown.fields} <= set(event.__struct_fields__)
    assert shown.fields[0].endswith(("_id", "seller_account"))
    assert shown.says.endswith(".")
    assert type_of(event) in TYPES


FILTERS = [
    ((), "refund.failed", True),
    (("refund.failed",), "refund.failed", True),
    (("refund.*",), "refund.failed", True),
    (("refund.*",), "refunds.failed", False),
    (("payment_order.succeeded", "dispute.*"), "dispute.opened", True),
    (("payment_order.succeeded",), "payment_order.failed", False),
    (("refund",), "refund.failed", False),
]


@pytest.mark.parametrize(("filters", "kind", "through"), FILTERS)
def test_filters(filters: tuple[str, ...], kind: str, through: bool) -> None:
    assert matches(filters, kind) is through


@pytest.mark.parametrize("text", ["", "*", "refund", "refund.", "payout.lost", "journal_entry.*"])
def test_a_filter_that_lets_nothing_through_is_none(text: str) -> None:
    assert not is_filter(text)
