"""Days with every cause of a break in all three comparisons, mixed and overlapping, in pieces.

What a piece plants among the PSP's lines comes from ``planting``; on top of it our own books
contradict each other, refunds and disputes have stories of their own, and the bank errs. A piece is
made, stored and forgotten, so that a day may have a million lines.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tests.psp.banks.test_statements import ACCOUNT
from tests.reconciliation.days import DAY, NOON, Sold, Told, book, charge_of, sold, store
from tests.reconciliation.planting import plant

from clearhouse.postgres.connection import PlainConnection
from clearhouse.reconciliation.matching import Cause
from clearhouse.sandbox.bank.writing import Entry

LATE = NOON + timedelta(days=7)
"""A sale of that day is not missing yet on the day of the test, and nor is a payout."""
TODAY = 9
"""Days after ``NOON``."""


@dataclass(frozen=True)
class Done:
    """A refund as payments has it."""

    order: Sold
    reference: str
    amount_minor: int
    status: str = "SUCCEEDED"


@dataclass(frozen=True)
class Fight:
    """A dispute as payments has it."""

    order: Sold
    reference: str
    money: str


@dataclass
class Piece:
    """A part of a day: what our books have, what the PSP and the bank tell, and what differs.

    ``causes`` is by the subject of the break. ``ledger`` and ``wallets`` are what each of them
    has been told of, which is not always what payments says.
    """

    orders: list[Sold]
    lines: list[Told]
    causes: dict[str, Cause]
    ledger: list[Sold] = field(default_factory=list[Sold])
    wallets: list[Sold] = field(default_factory=list[Sold])
    attempts: list[Sold] = field(default_factory=list[Sold])
    refunds: list[Done] = field(default_factory=list[Done])
    disputes: list[Fight] = field(default_factory=list[Fight])
    entries: list[Entry] = field(default_factory=list[Entry])


def pieces(lines: int, faults: int, *, size: int, seed: int) -> Iterator[Piece]:
    """A day of about so many lines with so many faults, in pieces of ``size`` orders."""
    count = max(lines // size, 1)
    for number in range(count):
        yield _Mixer(number, size, faults // count, seed + number).mix()


async def keep(owner: PlainConnection, piece: Piece) -> None:
    """Store a piece as our services would have left it."""
    await store(owner, piece.orders, books=False)
    await book(owner, piece.ledger, piece.wallets)
    await owner.executemany(
        "insert into payments.attempts (order_id, attempt, psp, idempotency_key, outcome,"
        " started_at, charged_at) values ($1, 1, 'stripe', $2, 'succeeded', $3, $3)",
        [(order.order_id, order.payment_order_id, order.at) for order in piece.attempts],
    )
    await owner.executemany(
        "insert into payments.operations (operation_id, public_id, order_id, kind, origin,"
        " amount_minor, charged_minor, currency, psp, charge_reference, status, reason,"
        " psp_reference, version, created_at, updated_at, finalized_at)"
        " values ($1, $2, $3, 'refund', 'client', $4, $5, $6, 'stripe', $7, $8, $9, $10, 1, $11,"
        " $11, $11)",
        [
            (
                _shifted(done.order.order_id, number),
                f"rf-{done.reference}",
                done.order.order_id,
                done.amount_minor,
                done.order.amount_minor,
                done.order.currency,
                done.order.reference,
                done.status,
                "rejected_by_bank" if done.status == "FAILED" else None,
                done.reference,
                done.order.at,
            )
            for number, done in enumerate(piece.refunds)
        ],
    )
    for fight in piece.disputes:
        identifier = _shifted(fight.order.order_id, 0)
        await owner.execute(
            "with d as (insert into payments.disputes (dispute_id, public_id, order_id, psp,"
            " psp_reference, amount_minor, currency, stage, money, reason, opened_at, told_as_of,"
            " version, created_at, updated_at)"
            " values ($1, $2, $3, 'stripe', $2, $4, $5, 'lost', $6, 'fraudulent', $7, $7, 1, $7,"
            " $7))"
            " insert into payments.dispute_keys values ('stripe', $2, $1)",
            identifier,
            fight.reference,
            fight.order.order_id,
            50,
            fight.order.currency,
            fight.money,
            fight.order.at,
        )


class _Mixer:
    def __init__(self, number: int, size: int, faults: int, seed: int) -> None:
        self._number = number
        self._chance = random.Random(seed)
        orders = sold(size, seed=seed, first=1 + number * 10 * size)
        on_lines = faults * 6 // 10
        day = plant(orders, on_lines, seed=seed, name=f"{number}x")
        self._share = max((faults - on_lines) // 18, 1)
        self._next = 1 + number * 10 * size + 5 * size
        self.piece = Piece(
            list(day.orders),
            list(day.lines),
            {_subject(name): cause for name, cause in day.causes.items()},
        )
        self._paid = [one for one in day.orders if one.status == "SUCCESS"]
        # What differs among lines may differ in the books as well; but stories of refunds and
        # disputes are told of orders of their own.
        self._chance.shuffle(self._paid)

    def mix(self) -> Piece:
        for _ in range(self._share):
            self._books()
            self._refunds()
            self._disputes()
            self._waits()
        self._bank()
        self._chance.shuffle(self.piece.lines)
        return self.piece

    def _fresh(self, **changes: object) -> Sold:
        """An order of the day that no line is told of yet."""
        [order] = sold(1, seed=self._next, first=self._next)
        self._next += 1
        return replace(order, currency="USD", **changes)  # pyright: ignore[reportArgumentType]

    def _extra(self, order: Sold, category: str, source: str, gross: int) -> None:
        self._next += 1
        key = f"txn_{category}{self._next}"
        line = charge_of(order, key=key, category=category, source=source, gross=gross, fee=0)
        self.piece.lines.append(line)

    def _put(self, subject: str, cause: Cause) -> None:
        assert subject not in self.piece.causes
        self.piece.causes[subject] = cause

    def _books(self) -> None:
        """Our own books contradict each other, also about sales that the PSP tells otherwise."""
        unbooked, other, uncredited, more = (self._paid.pop() for _ in range(4))
        self._put(f"books:order:{unbooked.order_id}", Cause.ORDER_WITHOUT_LEDGER)
        self._put(f"books:order:{other.order_id}", Cause.ORDER_WITHOUT_LEDGER)
        self.piece.ledger.append(replace(other, amount_minor=other.amount_minor + 1))
        self.piece.wallets.append(other)
        for sale in (uncredited, more):
            self._put(f"books:order:{sale.order_id}", Cause.WALLET_DIFFERS)
            self.piece.ledger.append(sale)
        self.piece.wallets.append(replace(more, amount_minor=more.amount_minor - 1))
        ghost, charged = self._fresh(), self._fresh()
        for one in (ghost, charged):
            self._put(f"books:entry:{one.order_id}", Cause.LEDGER_WITHOUT_ORDER)
            self._agreed(one)
        self.piece.lines.append(charge_of(charged))
        self._put(f"stripe:line:{charge_of(charged).key}", Cause.UNKNOWN_CHARGE)
        # Failed in payments, booked all the same, charged by the PSP, and its attempt says so.
        torn = self._fresh(status="FAILED")
        self.piece.orders.append(torn)
        self._agreed(torn)
        self.piece.lines.append(charge_of(torn))
        self.piece.attempts.append(torn)
        self._put(f"books:entry:{torn.order_id}", Cause.LEDGER_WITHOUT_ORDER)
        self._put(f"books:attempts:{torn.order_id}", Cause.ATTEMPT_DIFFERS)
        self._put(f"stripe:line:{charge_of(torn).key}", Cause.CHARGED_BUT_FAILED)

    def _agreed(self, sale: Sold) -> None:
        self.piece.ledger.append(sale)
        self.piece.wallets.append(sale)

    def _sale(self) -> Sold:
        """A sale of which all books say the same."""
        sale = self._fresh()
        self.piece.orders.append(sale)
        self._agreed(sale)
        self.piece.lines.append(charge_of(sale))
        return sale

    def _refunds(self) -> None:
        sale = self._sale()
        names = [f"re_{kind}{sale.number}" for kind in ("good", "gone", "off", "back", "known")]
        good, gone, off, back, known = names
        for name in names:
            status = "FAILED" if name == known else "SUCCEEDED"
            self.piece.refunds.append(Done(sale, name, 10, status))
        for name in (good, back, known):
            self._extra(sale, "refund", name, -10)
        self._put(f"stripe:refund:{gone}", Cause.MISSING_AT_PSP)
        self._extra(sale, "refund", off, -11)
        self._put(f"stripe:line:{self.piece.lines[-1].key}", Cause.AMOUNT_DIFFERS)
        for name in (back, known):
            self._extra(sale, "refund_failure", name, 10)
            if name == back:
                self._put(f"stripe:line:{self.piece.lines[-1].key}", Cause.STATUS_DIFFERS)

    def _disputes(self) -> None:
        for money, returned in (("held", False), ("held", True), ("returned", True)):
            sale = self._sale()
            name = f"dp_{money}{returned}{sale.number}"
            self.piece.disputes.append(Fight(sale, name, money))
            self._extra(sale, "dispute", name, -50)
            if returned:
                self._extra(sale, "dispute_reversal", name, 50)
                if money == "held":
                    self._put(f"stripe:line:{self.piece.lines[-1].key}", Cause.STATUS_DIFFERS)

    def _waits(self) -> None:
        """Sold lately, and in no report yet; and a sale that both sides have taken back."""
        late = self._fresh(at=LATE)
        self.piece.orders.append(late)
        self._agreed(late)
        self._put(f"stripe:charge:{late.reference}", Cause.NOT_SETTLED_YET)

    def _bank(self) -> None:
        """Payouts of which each story happens once; most arrive as they were sent."""
        stories = ("fine", "fine", "short", "over", "returned", "gone", "strange", "late", "euros")
        for place, story in enumerate(stories):
            number = self._number * 100 + place
            name, minor = f"po_{story}{number:06d}", 1_000_000 + number * 1_009
            at = LATE if story == "late" else NOON
            self.piece.lines.append(
                Told(f"txn_{name}", "payout", name, "", "", "USD", -minor, 0, at)
            )
            came = {"short": minor - 25, "over": minor + 1_00}.get(story, minor)
            currency = "EUR" if story == "euros" else "USD"
            if story not in {"gone", "late", "strange"}:
                self._entry(came, name, currency)
            match story:
                case "short":
                    cause = Cause.BANK_SHORT
                case "over":
                    cause = Cause.BANK_OVER
                case "returned":
                    self._entry(-minor, name, currency)
                    cause = Cause.PAYOUT_RETURNED
                case "gone":
                    cause = Cause.NOT_AT_BANK
                case "late":
                    cause = Cause.NOT_SETTLED_YET
                case "euros":
                    cause = Cause.CURRENCY_DIFFERS
                case "strange":
                    # What came names the PSP, and is of none of its payouts.
                    entry = self._entry(7_777_777 + number, "", currency, "STRIPE TRANSFER")
                    self._put(f"bank:line:{ACCOUNT}:BANK{entry.number:012d}", Cause.UNEXPLAINED)
                    cause = Cause.NOT_AT_BANK
                case _:
                    continue
            self._put(f"bank:payout:stripe:{name}", cause)

    def _entry(self, minor: int, key: str, currency: str, text: str = "STRIPE") -> Entry:
        number = self._number * 1_000 + len(self.piece.entries) + 1
        at = datetime(DAY.year, DAY.month, DAY.day, 18, tzinfo=UTC)
        entry = Entry(number, ACCOUNT, minor, currency, at, key, text)
        self.piece.entries.append(entry)
        return entry


def agreed(piece: Piece) -> None:
    """Let ledger and wallets have all sales that nothing was planted on."""
    known = {one.order_id for one in (*piece.ledger, *piece.wallets)}
    unbooked = {
        subject for subject, cause in piece.causes.items() if cause is Cause.ORDER_WITHOUT_LEDGER
    }
    for order in piece.orders:
        is_sale = order.status == "SUCCESS" and order.order_id not in known
        if is_sale and f"books:order:{order.order_id}" not in unbooked:
            piece.ledger.append(order)
            piece.wallets.append(order)


def _subject(name: str) -> str:
    return f"stripe:charge:{name}" if name.startswith("pi_") else f"stripe:line:{name}"


def _shifted(order_id: UUID, number: int) -> UUID:
    """An id of the same time that is no other's."""
    return UUID(int=order_id.int ^ (number + 1))
