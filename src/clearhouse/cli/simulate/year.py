"""The days of a simulation, one after the other: what people, PSPs and banks do on each."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from clearhouse.cli.simulate.people import SELLERS, Seller
from clearhouse.cli.simulate.psp import Dispute, Refund, RefundState, SimulatedPsp, outcome_of
from clearhouse.cli.simulate.settling import Settling
from clearhouse.cli.simulate.time import DAY
from clearhouse.cli.simulate.town import Town
from clearhouse.kernel.errors import ClearhouseError
from clearhouse.kernel.money import Money
from clearhouse.payments.disputes.model import LearntDispute
from clearhouse.payments.learnt import Learnt, Source
from clearhouse.payments.model import Intake, NewOrder, NewPayment
from clearhouse.payments.operations.model import Kind, LearntRefund, NewOperation, Operation
from clearhouse.postgres.connection import Connection
from clearhouse.psp.contract import PspOutcome, Reversed, Succeeded
from clearhouse.psp.disputes import DisputeStage
from clearhouse.psp.notices import RefundNotice
from clearhouse.psp.rails import BankAccount
from clearhouse.wallets.payouts.desk import PayoutRefused
from clearhouse.wallets.payouts.model import NewPayout, PayoutFilter, PayoutStatus
from clearhouse.wallets.write_offs.model import AskedWriteOff, WriteOff

KEY: Final = UUID(int=1)
_BODY: Final = bytes(32)
_REFUNDS: Final = 0.08
_PARTS: Final = 0.4
_DISPUTES: Final = 0.015
_REVERSALS: Final = 0.005
_STRAYS: Final = 0.005
_REST_DISPUTED: Final = 0.3
_WON: Final = 0.4
_LATE_REFUNDS: Final = 0.05
_CANCELLED: Final = 0.1
_WAVE: Final = 0.7
"""How many of a bankrupt seller's last sales are charged back."""
_WAVE_SALES: Final = 30
_DECIDED_AFTER: Final = (5, 25)
_WAVE_DECIDED_AFTER: Final = (2, 3)

Deed = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Counts:
    """How much happened, for people."""

    payments: int = 0
    refunds: int = 0
    disputes: int = 0
    written_off: list[tuple[str, Money]] = field(default_factory=list[tuple[str, Money]])


@dataclass(frozen=True, slots=True)
class Sale:
    """One order as the marketplace knows it."""

    order: str
    seller: Seller
    amount: Money
    psp: str
    day: date


class Year:
    """Drives a town through ``days`` days from ``begins`` on."""

    def __init__(self, town: Town, begins: date, days: int) -> None:
        self._town = town
        self._begins = begins
        self._days = days
        self.settling = Settling(town)
        self._agenda: defaultdict[date, list[Deed]] = defaultdict(list)
        self._recent: defaultdict[str, list[Sale]] = defaultdict(list)
        self.counts = Counts()

    async def open(self) -> None:
        """The day before: every seller with terms, schedule and account."""
        town = self._town
        for one in SELLERS:
            if one.wish is not None:
                await town.terms.agree(
                    one.name, one.currency, one.wish, by="ada", reason="as agreed"
                )
            await town.details.put(one.name, one.currency, one.destination, "key:office")
            if one.schedule is not None:
                await town.timetable.put(one.name, one.currency, one.schedule, "key:office")
            if one.fails_after is not None:
                bankrupt = self._begins + int(self._days * one.fails_after) * DAY
                self._at(bankrupt, partial(self._bankrupt, one))
        held = self._begins + int(self._days * 0.2) * DAY
        self._at(held, partial(self._hold, "harbour-tea", 4))
        self._at(held + 2 * DAY, partial(self._new_account, "willow-toys"))

    async def live(self, day: date) -> None:
        """One day, from its morning to its night."""
        town = self._town
        town.clock.move_to(day, 5)
        for rail in town.rails.values():
            rail.day_begins(day)
        await town.pay()
        await self.settling.settle(day)
        for deed in self._agenda.pop(day, []):
            await deed()
        await self._sell(day)
        await town.refund()
        town.clock.move_to(day, 18)
        await town.read_all()
        await town.mature()
        await self._ask_for_payouts(day)
        await town.plan()
        await self._approve()
        await town.pay()
        await town.read_all()

    # Buying

    async def _sell(self, day: date) -> None:
        self._town.clock.move_to(day, 12)
        baskets = self._baskets(day)
        sales = [sale for basket in baskets for sale in basket]
        await asyncio.gather(*(self._accept(basket) for basket in baskets))
        await self._town.charge({sale.order: sale.psp for sale in sales})
        for sale in sales:
            psp = self._town.psps[sale.psp]
            if sale.order in psp.charges:
                self.counts.payments += 1
                self._recent[sale.seller.name].append(sale)
                self._foresee(sale)

    def _baskets(self, day: date) -> list[list[Sale]]:
        """The checkouts of a day: orders of one currency and PSP, of up to three sellers."""
        luck, groups = self._town.luck, dict[tuple[str, str, int], list[Sale]]()
        for seller in SELLERS:
            if self._is_bankrupt(seller, day):
                continue
            for number in range(self._sales_on(seller, day)):
                of = (seller.name, day, number)
                minor = luck.whole(*seller.prices, "price", *of)
                # Sellers in yen are paid from what Stripe holds.
                psp = ("stripe", "square", "braintree")[
                    min(luck.whole(0, 3, "psp", number, day), 2)
                ]
                psp = "stripe" if seller.currency == "JPY" else psp
                order = f"{seller.name}-{day:%m%d}-{day.year}-{number}"
                sale = Sale(order, seller, Money(minor, seller.currency), psp, day)
                groups.setdefault((seller.currency, psp, number), []).append(sale)
        baskets: list[list[Sale]] = []
        for sales in groups.values():
            baskets += [sales[start : start + 3] for start in range(0, len(sales), 3)]
        return baskets

    def _sales_on(self, seller: Seller, day: date) -> int:
        whole, part = divmod(seller.sales_a_day, 1)
        return int(whole) + (self._town.luck.share("sales", seller.name, day) < part)

    async def _accept(self, basket: list[Sale]) -> None:
        first = basket[0]
        orders = tuple(NewOrder(one.order, one.seller.name, one.amount) for one in basket)
        payment = NewPayment(f"c-{first.order}", first.psp, "card", "{}", orders)
        event = self._town.payments.prepare(payment)
        for order in event.orders:
            self._town.order_ids[order.payment_order_id] = order.order_id
        intake = Intake(KEY, f"c:{first.order}", _BODY, payment, event, first.order.encode())
        await self._town.payments.accept(intake)

    # What follows a sale

    def _foresee(self, sale: Sale) -> None:
        luck, order = self._town.luck, sale.order
        chance = luck.share("fate", order)
        if chance < _REFUNDS:
            minor: int | None = None
            if luck.share("part", order) < _PARTS:
                minor = max(sale.amount.minor // luck.whole(2, 5, "of", order), 1)
            day = sale.day + luck.whole(1, 25, "refund", order) * DAY
            self._at(day, partial(self._ask_refund, sale, minor))
            if minor is not None and luck.share("rest", order) < _REST_DISPUTED:
                day += luck.whole(1, 12, "rest day", order) * DAY
                won = luck.share("won", order) < _WON
                self._at(day, partial(self._open_dispute, sale, won=won))
        elif chance < _REFUNDS + _DISPUTES:
            day = sale.day + luck.whole(4, 40, "dispute", order) * DAY
            self._at(day, partial(self._open_dispute, sale, won=luck.share("won", order) < _WON))
        elif chance < _REFUNDS + _DISPUTES + _REVERSALS:
            self._at(sale.day + DAY, partial(self._reverse, sale))
        elif chance < _REFUNDS + _DISPUTES + _REVERSALS + _STRAYS:
            self._at(sale.day + 3 * DAY, partial(self._charge_again, sale))

    async def _ask_refund(self, sale: Sale, minor: int | None) -> None:
        town, psp = self._town, self._town.psps[sale.psp]
        if sale.order in psp.disputes:
            return
        wanted = NewOperation(
            KEY, f"r:{sale.order}", _BODY, Kind.REFUND, sale.order, minor, "", None, _named
        )
        await town.operations.accept(wanted)
        await town.refund()
        self.counts.refunds += 1
        charge = psp.charges[sale.order]
        found = next(one for one in psp.refunds.values() if one.charge is charge)
        if found.state is RefundState.WAITING:
            self._at(town.today + 2 * DAY, partial(self._tell_refund, psp, found, RefundState.DONE))
        elif (
            found.state is RefundState.DONE and town.luck.share("late", sale.order) < _LATE_REFUNDS
        ):
            day = town.today + 6 * DAY
            self._at(day, partial(self._tell_refund, psp, found, RefundState.FAILED))

    async def _tell_refund(self, psp: SimulatedPsp, refund: Refund, state: RefundState) -> None:
        refund.state = state
        notice = RefundNotice(
            refund.reference,
            refund.charge.reference,
            refund.amount,
            outcome_of(refund),
            refund.operation_id,
        )

        async def work(connection: Connection) -> None:
            learnt = [LearntRefund(psp.name, notice)]
            _must(await self._town.refund_news.learn(connection, learnt))

        await self._town.in_transaction(work)

    async def _open_dispute(
        self, sale: Sale, *, won: bool, decided: tuple[int, int] = _DECIDED_AFTER
    ) -> None:
        psp = self._town.psps[sale.psp]
        charge = psp.charges[sale.order]
        if sale.order in psp.disputes or charge.is_reversed or psp.left_of(charge) == 0:
            return
        opened = psp.dispute(sale.order)
        self.counts.disputes += 1
        await self._tell_dispute(psp, opened)
        after = self._town.luck.whole(*decided, "decided", sale.order)
        stage = DisputeStage.WON if won else DisputeStage.LOST
        self._at(self._town.today + after * DAY, partial(self._decide, psp, opened, stage))

    async def _reverse(self, sale: Sale) -> None:
        """The PSP takes a payment back that had succeeded."""
        charge = self._town.psps[sale.psp].charges[sale.order]
        charge.is_reversed = True
        outcome = Reversed(charge.reference, charge.amount, "settlement_declined")
        await self._tell_charge(sale, outcome)

    async def _charge_again(self, sale: Sale) -> None:
        """The PSP charges a buyer a second time; it is found, and given back."""
        charge = self._town.psps[sale.psp].charge_again(sale.order)
        await self._tell_charge(sale, Succeeded(charge.reference, charge.amount))
        await self._town.refund()
        [refund] = (
            one for one in self._town.psps[sale.psp].refunds.values() if one.charge is charge
        )
        if refund.state is RefundState.WAITING:
            psp = self._town.psps[sale.psp]
            done = partial(self._tell_refund, psp, refund, RefundState.DONE)
            self._at(self._town.today + 2 * DAY, done)

    async def _tell_charge(self, sale: Sale, outcome: PspOutcome) -> None:
        learnt = Learnt(self._town.order_ids[sale.order], outcome, Source.WEBHOOK, psp=sale.psp)

        async def work(connection: Connection) -> None:
            await self._town.charge_news.learn(connection, [learnt])

        await self._town.in_transaction(work)

    async def _decide(self, psp: SimulatedPsp, dispute: Dispute, stage: DisputeStage) -> None:
        dispute.stage = stage
        await self._tell_dispute(psp, dispute)

    async def _tell_dispute(self, psp: SimulatedPsp, dispute: Dispute) -> None:
        learnt = [LearntDispute(psp.name, dispute.facts, self._town.clock.now())]

        async def work(connection: Connection) -> None:
            _must(await self._town.dispute_news.learn(connection, learnt))

        await self._town.in_transaction(work)

    # Bankruptcy

    def _is_bankrupt(self, seller: Seller, day: date) -> bool:
        fails = seller.fails_after
        return fails is not None and day >= self._begins + int(self._days * fails) * DAY

    async def _bankrupt(self, seller: Seller) -> None:
        """Buyers ask their banks for the last sales' money, which the seller has had already."""
        town, lasts = self._town, max(2, self._days // 12)
        for sale in self._recent[seller.name][-_WAVE_SALES:]:
            if town.luck.share("wave", sale.order) < _WAVE:
                day = town.today + town.luck.whole(1, lasts, "wave day", sale.order) * DAY
                deed = partial(self._open_dispute, sale, won=False, decided=_WAVE_DECIDED_AFTER)
                self._at(day, deed)
        later = town.today + (lasts + _WAVE_DECIDED_AFTER[1] + 2) * DAY
        self._at(later, partial(self._write_off, seller))

    async def _write_off(self, seller: Seller) -> None:
        """Two persons let the debt go."""
        await self._town.read_all()
        done: WriteOff | AskedWriteOff | None = None
        for person in ("ada", "bob"):
            done = await self._town.write_offs.write_off(
                seller.name, seller.currency, by=person, reason="bankrupt, nothing left"
            )
        if not isinstance(done, WriteOff):
            raise ClearhouseError(f"The debt of {seller.name} was asked about and never let go.")
        self.counts.written_off.append((seller.name, done.amount))

    # Payouts beside the schedules

    async def _hold(self, seller: str, days: int) -> None:
        until = self._town.clock.now() + timedelta(days=days)
        await self._town.holds.place(seller, by="ada", reason="a call to make", until=until)

    async def _new_account(self, seller: str) -> None:
        found = next(one for one in SELLERS if one.name == seller)
        other = BankAccount("FR1420041010050500013M02606", "", "Willow Toys")
        await self._town.details.put(seller, found.currency, other, "key:office")

    async def _ask_for_payouts(self, day: date) -> None:
        """Sellers without a schedule ask for all there is, on Mondays."""
        if day.weekday():
            return
        for one in SELLERS:
            if one.schedule is None:
                wanted = NewPayout(
                    KEY, f"p:{one.name}:{day}", _BODY, one.name, one.currency, None, "", "key:shop",
                    lambda payout: payout.public_id.encode(),
                )  # fmt: skip
                try:
                    await self._town.payouts.accept(wanted)
                except PayoutRefused:
                    continue  # Nothing is available.

    async def _approve(self) -> None:
        """A second person lets large payouts go, and takes some back."""
        desk = self._town.payouts
        waiting = await desk.list_payouts(PayoutFilter(status=PayoutStatus.CREATED), None, 1000)
        for one in waiting.payouts:
            of = (one.seller_account, self._town.today)
            if self._town.luck.share("cancelled", *of) < _CANCELLED:
                await desk.cancel(one.public_id, "key:treasury", "looks odd")
            else:
                await desk.approve(one.public_id, "key:treasury")

    def _at(self, day: date, deed: Deed) -> None:
        self._agenda[max(day, self._town.today + DAY)].append(deed)


def _named(operation: Operation) -> bytes:
    return operation.public_id.encode()


def _must(known: Iterable[bool]) -> None:
    if not all(known):
        raise ClearhouseError("A PSP told of something whose sale is not known.")
