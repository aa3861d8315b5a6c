"""``clearhouse prove``: the whole trail of one payment, and one line that says what it proves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clearhouse.kernel.errors import NotFound, UnavailableError
from clearhouse.kernel.money import Money
from clearhouse.ledger import store as ledger_store
from clearhouse.ledger.model import Posting
from clearhouse.payments import store as payments_store
from clearhouse.payments.disputes import store as disputes_store
from clearhouse.payments.disputes.model import Dispute
from clearhouse.payments.model import Attempt, OrderStatus, PaymentEvent, PaymentOrder
from clearhouse.payments.operations import store as operations_store
from clearhouse.payments.operations.model import Kind, Operation, OperationStatus
from clearhouse.postgres.connection import Pool
from clearhouse.postgres.queries import load_queries
from clearhouse.psp.contract import PspRecord, Records
from clearhouse.wallets import store as wallets_store
from clearhouse.wallets.model import StoredMovement

_SQL: Final = load_queries("clearhouse.proof", "trail.sql")
_MARGIN: Final = timedelta(minutes=15)
"""Clocks of the PSP and ours may differ; its list is asked for a little more on both sides."""


@dataclass(frozen=True, slots=True)
class TrailEvent:
    """One event of the order, its checkout, its journal entry or its wallet movement."""

    occurred_at: datetime
    publisher: str
    type: str
    version: int


@dataclass(frozen=True, slots=True)
class Trail:
    """All that is known of one payment order.

    ``records`` are the PSP's charges for it, as the PSP tells them now; None when the PSP
    could not be asked, and ``asked`` says why.
    """

    order: PaymentOrder
    event: PaymentEvent
    attempts: Sequence[Attempt]
    postings: Sequence[Posting]
    movements: Sequence[StoredMovement]
    operations: Sequence[Operation]
    disputes: Sequence[Dispute]
    events: Sequence[TrailEvent]
    letters: Sequence[str]
    records: Sequence[PspRecord] | None
    asked: str


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a trail proves: one sentence, and whether all of it agrees."""

    holds: bool
    sentence: str


async def trail_of(pool: Pool, payment_order_id: str, psps: Mapping[str, object]) -> Trail:
    """Gather the trail. Raises NotFound when there is no such order.

    ``psps`` are adapters by name; one that is missing or cannot list its books is left out,
    and the trail says so.
    """
    order = await payments_store.order_by_key(pool, payment_order_id)
    if order is None:
        raise NotFound(
            "There is no payment order with this id.",
            hint="List payments with GET /v1/payments, or check the id.",
        )
    event = await payments_store.checkout(pool, order.checkout_id)
    if event is None:
        raise NotFound("The checkout of this order is missing; run `clearhouse verify`.")
    attempts = await payments_store.attempts_of(pool, order.order_id)
    operations = await operations_store.operations_of(pool, order.order_id)
    disputes = await disputes_store.disputes_of(pool, order.order_id)
    sources = [
        order.order_id,
        *(one.operation_id for one in operations),
        *(one.dispute_id for one in disputes),
    ]
    postings = [p for source in sources for p in await ledger_store.entries_of(pool, source)]
    movements = [m for source in sources for m in await wallets_store.movements_of(pool, source)]
    rows = await pool.fetch(
        _SQL["events"],
        [*sources, event.event_id],
        list({posting.entry_id for posting in postings}),
        [movement.movement_id for movement in movements],
    )
    letters = await pool.fetch(_SQL["letters"], sources)
    records, asked = await _ask_all(psps, order, attempts)
    return Trail(
        order=order,
        event=event,
        attempts=attempts,
        postings=postings,
        movements=movements,
        operations=operations,
        disputes=disputes,
        events=[
            TrailEvent(row["occurred_at"], row["publisher"], row["type"], row["version"])
            for row in rows
        ],
        letters=[f"{row['consumer']}: {row['error']}" for row in letters],
        records=records,
        asked=asked,
    )


async def _ask_all(
    psps: Mapping[str, object], order: PaymentOrder, attempts: Sequence[Attempt]
) -> tuple[list[PspRecord] | None, str]:
    """The charges at every PSP that was ever asked; None unless all of them could be asked now."""
    names = list(dict.fromkeys([*(attempt.psp for attempt in attempts), order.psp]))
    if not attempts:
        return [], "the PSP was never asked to charge"
    found: list[PspRecord] = []
    for name in names:
        records, asked = await _ask(name, psps.get(name), order, attempts)
        if records is None:
            return None, asked
        found += records
    verb = "was" if len(names) == 1 else "were"
    return found, f"{' and '.join(names)} {verb} asked now"


async def _ask(
    name: str, psp: object, order: PaymentOrder, attempts: Sequence[Attempt]
) -> tuple[list[PspRecord] | None, str]:
    if not isinstance(psp, Records):
        return None, f"{name} is not configured here, so its books were not read"
    since = min(attempt.started_at for attempt in attempts) - _MARGIN
    until = (order.finalized_at or order.updated_at) + _MARGIN
    try:
        records = [
            record
            async for record in psp.records(since, until)
            if order.payment_order_id == record.payment_order_id
            or order.psp_reference == record.psp_reference
        ]
    except UnavailableError as error:
        return None, f"{name} could not be asked: {error.message}"
    return records, ""


def conclude(trail: Trail) -> Conclusion:
    """What the trail proves, in one sentence. Pure."""
    order = trail.order
    given_back = {one.charge_reference for one in _strays(trail)}
    charged = [
        record
        for record in trail.records or ()
        if record.is_charged and record.psp_reference not in given_back
    ]
    entries = {posting.entry_id for posting in trail.postings if posting.kind == "sale"}
    sales = [one for one in trail.movements if one.movement.kind == "sale"]
    if len(charged) > 1:
        return Conclusion(
            holds=False, sentence=f"CHARGED {len(charged)} TIMES: refund all but one."
        )
    if len(entries) > 1 or len(sales) > 1:
        return Conclusion(holds=False, sentence="BOOKED MORE THAN ONCE: run `clearhouse verify`.")
    match order.status:
        case OrderStatus.SUCCESS:
            return _concluded_success(trail, charged, booked=bool(entries), credited=bool(sales))
        case OrderStatus.FAILED:
            if charged or entries or sales:
                return Conclusion(
                    holds=False, sentence="FAILED WITH US, BUT MONEY MOVED: a person must look."
                )
            word = "and the PSP has no charge" if trail.records is not None else "as far as we know"
            if given_back:
                word = "and a charge that came late is given back"
            return Conclusion(holds=True, sentence=f"Never charged ({order.failure_code}), {word}.")
        case OrderStatus.NOT_STARTED:
            return Conclusion(
                holds=not charged, sentence="Not charged yet: no executor has taken it up."
            )
        case OrderStatus.EXECUTING:
            reason = f" ({order.status_reason})" if order.status_reason else ""
            seen = "charged once at the PSP" if charged else "not seen charged"
            return Conclusion(
                holds=True, sentence=f"Still executing{reason}: {seen}; it will be settled."
            )


def _concluded_success(
    trail: Trail, charged: Sequence[PspRecord], *, booked: bool, credited: bool
) -> Conclusion:
    order = trail.order
    on_the_way = [what for what, there in (("ledger", booked), ("wallet", credited)) if not there]
    if (order.ledger_updated and not booked) or (order.wallet_updated and not credited):
        return Conclusion(
            holds=False, sentence="SUCCEEDED BUT NOT BOOKED: run `clearhouse verify`."
        )
    after = _afterwards(trail)
    if trail.records is None:
        return Conclusion(holds=True, sentence=f"Charged once by our books{after}; {trail.asked}.")
    captured = Money(order.captured_minor, order.amount.currency)
    if not charged and (order.reversed_at or order.refunded_minor == order.captured_minor):
        return Conclusion(holds=True, sentence=f"Charged once: {captured} at {order.psp}{after}.")
    if not charged:
        return Conclusion(
            holds=False,
            sentence="SUCCEEDED WITH US, BUT THE PSP HAS NO CHARGE: a person must look.",
        )
    if charged[0].amount != captured:
        return Conclusion(
            holds=False, sentence=f"CHARGED {charged[0].amount} INSTEAD OF {captured}."
        )
    rest = (
        f"; {' and '.join(on_the_way)} will follow" if on_the_way else ", booked and credited once"
    )
    return Conclusion(
        holds=True, sentence=f"Charged exactly once: {captured} at {order.psp}{rest}{after}."
    )


def _strays(trail: Trail) -> list[Operation]:
    """The charges that no order stands for, which were or will be given back."""
    return [
        one
        for one in trail.operations
        if one.kind is Kind.STRAY_REFUND and one.status is not OperationStatus.FAILED
    ]


def _afterwards(trail: Trail) -> str:
    """What happened to the money since, in words that follow a sentence."""
    order = trail.order
    currency = order.amount.currency
    parts = [
        f"{Money(minor, currency)} of it {what}"
        for minor, what in (
            (order.refunded_minor, "refunded"),
            (order.disputed_minor, "disputed"),
        )
        if minor
    ]
    if order.reversed_at:
        parts.append("taken back by the PSP")
    strays = len(_strays(trail))
    if strays:
        parts.append(f"{strays} stray {'charge' if strays == 1 else 'charges'} given back")
    return "; " + ", ".join(parts) if parts else ""
