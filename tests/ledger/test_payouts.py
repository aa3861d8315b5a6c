"""How payouts are booked: each way that the money goes ends where it should."""

from collections import Counter
from itertools import count
from uuid import UUID

import pytest
from tests.ledger.books import MOMENT

from clearhouse.ledger.rules import entry_for
from clearhouse.messaging.events import (
    Event,
    PayoutApproved,
    PayoutCancelled,
    PayoutCreated,
    PayoutFailed,
    PayoutPaid,
    PayoutReturned,
    PayoutSubmitted,
)

PAYOUT = UUID(int=9)
_versions = count(1)
_WHAT = {
    "aggregate_id": PAYOUT, "occurred_at": MOMENT, "payout_id": "po_9", "seller_account": "ann",
    "amount_minor": 500, "currency": "EUR",
}  # fmt: skip


def told(kind: type[Event], **fields: object) -> Event:
    return kind(version=next(_versions), **_WHAT, **fields)  # pyright: ignore[reportArgumentType]


def created() -> Event:
    return told(PayoutCreated, needs_approval=False, created_by="schedule")


def paid(rail: str = "sepa", source: str = "bank") -> Event:
    return told(PayoutPaid, rail=rail, paid_from=source, reference="x")


def failed(*, was_paid: bool, rail: str = "sepa", source: str = "bank") -> Event:
    return told(
        PayoutFailed, rail=rail, paid_from=source, reason="account_closed", was_paid=was_paid
    )


def returned(*, was_back: bool = False) -> Event:
    return told(
        PayoutReturned, rail="sepa", paid_from="bank", reason="account_closed", was_back=was_back
    )


def cancelled() -> Event:
    return told(PayoutCancelled, cancelled_by="key:a", detail="")


# fmt: off
LIVES: list[tuple[str, list[Event], dict[str, int]]] = [
    ("under way",        [created()],
        {"seller_payable:ann:EUR": 500, "payouts_in_transit:ann:EUR": -500}),
    ("paid by a bank",   [created(), paid()],
        {"seller_payable:ann:EUR": 500, "bank:sepa:EUR": -500}),
    ("paid by a PSP",    [created(), paid("stripe", "psp")],
        {"seller_payable:ann:EUR": 500, "psp_receivable:stripe:EUR": -500}),
    ("cancelled",        [created(), cancelled()], {}),
    ("failed",           [created(), failed(was_paid=False)], {}),
    ("failed late",      [created(), paid("stripe", "psp"),
                          failed(was_paid=True, rail="stripe", source="psp")], {}),
    ("returned",         [created(), paid(), returned()], {}),
    ("failed, returned", [created(), failed(was_paid=False), returned(was_back=True)], {}),
]
# fmt: on


@pytest.mark.parametrize(("life", "events", "left"), LIVES, ids=[one[0] for one in LIVES])
def test_each_life_of_a_payout_leaves_what_it_should(
    life: str, events: list[Event], left: dict[str, int]
) -> None:
    balances: Counter[str] = Counter()
    kinds: list[str] = []
    for event in events:
        entry = entry_for(event)
        if entry is None:
            continue
        kinds.append(entry.kind)
        assert (entry.source_id, entry.reference) == (PAYOUT, "po_9")
        for line in entry.lines:
            balances[line.debit.code] += line.amount_minor
            balances[line.credit.code] -= line.amount_minor
    assert {code: minor for code, minor in balances.items() if minor} == left
    # One entry of a kind, so that a second one of any would be refused.
    assert len(kinds) == len(set(kinds))
    assert life


def test_what_moves_no_money_is_not_booked() -> None:
    for event in (
        told(PayoutApproved, approved_by="key:b"),
        told(PayoutSubmitted, rail="sepa", batch_id="1"),
        returned(was_back=True),
    ):
        assert entry_for(event) is None
