"""Prove: the trail of one payment, and what it proves, right or wrong."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.disputes.test_learning import learn, told
from tests.operations.desk import CLOCK, Desk, RefundingPsp
from tests.payments.rooms import an_intake, intake_service
from tests.proof.flow import consume, pay

from clearhouse.kernel.errors import NotFound, UnavailableError
from clearhouse.kernel.money import Money
from clearhouse.payments.learnt import StrayCharge
from clearhouse.payments.model import OrderStatus
from clearhouse.postgres.connection import Pool, in_transaction
from clearhouse.proof.prove import Trail, conclude, trail_of
from clearhouse.psp.contract import PspRecord

NOW = datetime.now(UTC)


def charge(order: str = "a-0", minor: int = 1000, *, reference: str = "pi_1") -> PspRecord:
    return PspRecord(reference, order, Money(minor, "USD"), True, "succeeded", NOW)


class Books:
    """A PSP's books, as a test tells them."""

    def __init__(self, *records: PspRecord, broken: bool = False) -> None:
        self._records = records
        self._broken = broken

    async def record(self, psp_reference: str) -> PspRecord | None:
        return next((r for r in self._records if r.psp_reference == psp_reference), None)

    async def records(self, since: datetime, until: datetime) -> AsyncIterator[PspRecord]:
        if self._broken:
            raise UnavailableError("no answer")
        for record in self._records:
            yield record


async def trail(pool: Pool, *records: PspRecord, order: str = "a-0") -> Trail:
    return await trail_of(pool, order, {"stripe": Books(*records)})


async def test_the_whole_trail_of_a_payment(pool: Pool) -> None:
    await pay(pool, ["a", "b"])
    await consume(pool)
    found = await trail(pool, charge(), charge("b-0", reference="pi_b"))
    assert [event.type for event in found.events] == [
        "payment_event.accepted",
        "payment_order.executing",
        "payment_order.succeeded",
        "journal_entry.posted",
        "wallet.updated",
        "payment_event.done",
    ]
    assert [(p.side, p.account, str(p.amount)) for p in found.postings] == [
        ("debit", "psp_receivable:stripe:USD", "10.00 USD"),
        ("credit", "seller_payable:seller-0:USD", "10.00 USD"),
        ("debit", "seller_payable:seller-0:USD", "0.59 USD"),
        ("credit", "platform_fee_revenue:USD", "0.59 USD"),
    ]
    assert [m.movement.pending_minor for m in found.movements] == [941]
    assert found.records == [charge()]
    conclusion = conclude(found)
    assert conclusion.holds
    assert conclusion.sentence == (
        "Charged exactly once: 10.00 USD at stripe, booked and credited once."
    )


async def test_what_the_psps_books_say_decides(pool: Pool) -> None:
    await pay(pool, ["a", "b"], declined=frozenset({"b"}))
    await consume(pool)
    for records, holds, words in (
        ((charge(), charge(reference="pi_2")), False, "CHARGED 2 TIMES"),
        ((), False, "THE PSP HAS NO CHARGE"),
        ((charge(minor=999),), False, "INSTEAD OF"),
        ((charge(), replace(charge(reference="x"), is_charged=False)), True, "exactly once"),
    ):
        conclusion = conclude(await trail(pool, *records))
        assert conclusion.holds is holds
        assert words in conclusion.sentence
    assert conclude(await trail(pool, order="b-0")).holds
    late = conclude(await trail(pool, charge("b-0"), order="b-0"))
    assert not late.holds
    assert "MONEY MOVED" in late.sentence


async def test_a_psp_that_cannot_be_asked_is_no_proof_and_no_failure(pool: Pool) -> None:
    await pay(pool, ["a"])
    await consume(pool)
    for psps, words in (
        ({}, "not configured"),
        ({"stripe": Books(broken=True)}, "could not be asked: no answer"),
    ):
        found = await trail_of(pool, "a-0", psps)
        assert found.records is None
        conclusion = conclude(found)
        assert conclusion.holds
        assert words in conclusion.sentence


async def test_orders_on_their_way(pool: Pool) -> None:
    intake = intake_service(pool)
    await intake.accept(an_intake(intake, "new"))
    found = await trail(pool, order="new-0")
    assert found.order.status is OrderStatus.NOT_STARTED
    assert conclude(found).sentence == "Not charged yet: no executor has taken it up."
    await pay(pool, ["a"])
    conclusion = conclude(await trail(pool, charge()))
    assert conclusion.holds
    assert conclusion.sentence.endswith("ledger and wallet will follow.")


async def test_double_booking_and_lost_booking_are_said(pool: Pool) -> None:
    await pay(pool, ["a", "b"])
    await consume(pool)
    found = await trail(pool, charge())
    other = await trail(pool, order="b-0")
    twice = replace(found, postings=[*found.postings, *other.postings])
    assert "BOOKED MORE THAN ONCE" in conclude(twice).sentence
    lost = conclude(replace(found, postings=[]))
    assert not lost.holds
    assert "NOT BOOKED" in lost.sentence


async def test_an_order_that_is_not_there(pool: Pool) -> None:
    with pytest.raises(NotFound):
        await trail(pool, order="nobody")


async def test_what_happened_since_is_part_of_the_trail(pool: Pool) -> None:
    desk = Desk(pool)
    await pay(pool, ["a"])
    await desk.refund("a-0", 400)
    await desk.settled(RefundingPsp())
    await learn(pool, told("needs_response", 0, charge="pi_a-0"))
    await consume(pool)
    found = await trail(pool, charge(reference="pi_a-0"))
    assert [one.kind for one in found.operations] == ["refund"]
    assert [one.money for one in found.disputes] == ["held"]
    kinds = {posting.kind for posting in found.postings}
    assert kinds == {"sale", "refund", "refund_settled", "dispute_opened.1"}
    assert {one.movement.kind for one in found.movements} == kinds - {"refund_settled"}
    assert "dispute.opened" in {event.type for event in found.events}
    assert [letter.split(":")[0] for letter in found.letters] == ["disputes"]
    assert conclude(found).sentence == (
        "Charged exactly once: 10.00 USD at stripe, booked and credited once;"
        " 4.00 USD of it refunded, 6.00 USD of it disputed."
    )


async def test_a_stray_charge_is_told_and_is_no_second_charge(pool: Pool) -> None:
    await pay(pool, ["a"], declined=frozenset({"a"}))
    order_id = await pool.fetchval(
        "select order_id from payments.order_keys where payment_order_id = 'a-0'"
    )
    late = StrayCharge(order_id, "a-0", "seller-0", "stripe", "pi_1", Money(1000, "USD"), "late")
    desk = Desk(pool)
    await in_transaction(pool, CLOCK, lambda c: desk.strays.give_back(c, [late]))
    found = await trail(pool, charge())
    assert conclude(found).holds
    assert "a charge that came late is given back" in conclude(found).sentence
