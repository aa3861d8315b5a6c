"""A PSP in the simulation's own process: charges, refunds and disputes, and its own books of them.

What becomes of a charge or refund follows from its order and the seed. Its books are the truth
that ours are compared with, and are kept apart from everything that clearhouse stores.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from clearhouse.cli.simulate.time import Luck, MovedClock
from clearhouse.kernel.money import Money
from clearhouse.psp.contract import (
    Capabilities,
    ChargeRequest,
    Declined,
    DeclineReason,
    NotCharged,
    PspOutcome,
    PspRecord,
    Retry,
    Succeeded,
    Unknown,
)
from clearhouse.psp.disputes import DisputeFacts, DisputeStage
from clearhouse.psp.operations import (
    Done,
    NotDone,
    OperationOutcome,
    OperationRequest,
    RefusalReason,
    Refused,
    Waiting,
)

_DECLINED: Final = 0.06
_LOST: Final = 0.01
_SLOW_REFUND: Final = 0.15
_REFUSED_REFUND: Final = 0.01
_LOST_ANSWER: Final = Unknown("the answer was lost")
_NO: Final = Declined(DeclineReason.CARD_DECLINED, Retry.HARD, "declined")


@dataclass(slots=True)
class Charge:
    """What a buyer paid for one order.

    ``is_stray``: a second time, by mistake. ``is_reversed``: the PSP took it back by itself.
    """

    reference: str
    order: str
    seller: str
    amount: Money
    at: datetime
    is_settled: bool = False
    is_stray: bool = False
    is_reversed: bool = False


class RefundState(StrEnum):
    """Where a refund is at the PSP."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(slots=True)
class Refund:
    """What goes back to a buyer; FAILED: it came back, or was refused."""

    reference: str
    operation_id: str
    charge: Charge
    amount: Money
    state: RefundState


@dataclass(slots=True)
class Dispute:
    """A charge, or what is left of it after refunds, that a buyer's bank asked back."""

    reference: str
    charge: Charge
    amount: Money
    opened_at: datetime
    stage: DisputeStage = DisputeStage.NEEDS_RESPONSE

    @property
    def facts(self) -> DisputeFacts:
        """As the PSP tells it."""
        charge = self.charge
        return DisputeFacts(
            self.reference, charge.reference, self.amount, self.stage, "general", self.opened_at
        )


class SimulatedPsp:
    """Charges once per key, refunds once per key, and tells the truth when it is asked again."""

    def __init__(self, name: str, luck: Luck, clock: MovedClock) -> None:
        self.name = name
        self.charges: dict[str, Charge] = {}
        self.strays: dict[str, Charge] = {}
        self.refunds: dict[str, Refund] = {}
        self.disputes: dict[str, Dispute] = {}
        self.declined: set[str] = set()
        self._luck = luck
        self._clock = clock
        self._calls: dict[str, int] = {}

    @property
    def capabilities(self) -> Capabilities:
        """As a PSP that remembers keys for ever."""
        return Capabilities(255, timedelta(days=3650), False, look_up_proves_after=timedelta(0))

    async def charge(self, request: ChargeRequest) -> PspOutcome:
        """Charge once per key, where the call arrives; its answer may be lost."""
        order = request.payment_order_id
        number = self._calls[order] = self._calls.get(order, 0) + 1
        chance = self._luck.share(order, "call", number)
        if chance < _LOST:
            return _LOST_ANSWER
        if order not in self.charges and order not in self.declined:
            self._decide(request)
        return _LOST_ANSWER if chance < 2 * _LOST else self._told(order)

    async def look_up(self, request: ChargeRequest) -> PspOutcome:
        """What became of an order."""
        order = request.payment_order_id
        if order in self.charges or order in self.declined:
            return self._told(order)
        return NotCharged("there is no charge of this order")

    async def refund(self, request: OperationRequest) -> OperationOutcome:
        """Give back once per key."""
        key = request.idempotency_key
        if key not in self.refunds:
            charge = self._by_reference(request.charge_reference)
            chance = self._luck.share(charge.reference, request.amount.minor, "refund")
            state = RefundState.DONE
            if chance < _REFUSED_REFUND and not charge.is_stray:
                state = RefundState.FAILED
            elif chance < _REFUSED_REFUND + _SLOW_REFUND:
                state = RefundState.WAITING
            reference = f"re_{self.name}_{len(self.refunds) + 1}"
            self.refunds[key] = Refund(
                reference, request.operation_id, charge, request.amount, state
            )
        return outcome_of(self.refunds[key])

    async def find_refund(self, request: OperationRequest) -> OperationOutcome:
        """What became of a refund."""
        found = self.refunds.get(request.idempotency_key)
        return NotDone("there is none") if found is None else outcome_of(found)

    def dispute(self, order: str) -> Dispute:
        """A buyer's bank asks back what is left of what was paid for an order."""
        charge = self.charges[order]
        amount = Money(self.left_of(charge), charge.amount.currency)
        opened = Dispute(f"du_{self.name}_{order}", charge, amount, self._clock.now())
        self.disputes[order] = opened
        return opened

    def charge_again(self, order: str) -> Charge:
        """Charge an order a second time, by a mistake of the PSP's own."""
        first = self.charges[order]
        reference = f"{first.reference}_again"
        self.strays[order] = Charge(
            reference, order, "", first.amount, self._clock.now(), is_stray=True
        )
        return self.strays[order]

    @property
    def all_charges(self) -> list[Charge]:
        """Those of orders and the stray ones, less those that were taken back."""
        return [
            one for one in (*self.charges.values(), *self.strays.values()) if not one.is_reversed
        ]

    def left_of(self, charge: Charge) -> int:
        """What was not refunded of a charge, in minor units."""
        back = (
            one.amount.minor
            for one in self.refunds.values()
            if one.charge is charge and one.state is not RefundState.FAILED
        )
        return charge.amount.minor - sum(back)

    async def record(self, psp_reference: str) -> PspRecord | None:
        """One charge, as ``clearhouse verify`` asks for it."""
        found = [one for one in self._books() if one.reference == psp_reference]
        return _record(found[0]) if found else None

    async def records(self, since: datetime, until: datetime) -> AsyncIterator[PspRecord]:
        """All charges of a time, as ``clearhouse verify`` asks for them."""
        for one in self._books():
            if since <= one.at <= until:
                yield _record(one)

    async def close(self) -> None:
        """Nothing to give back."""

    def _books(self) -> list[Charge]:
        return [*self.charges.values(), *self.strays.values()]

    def _by_reference(self, reference: str) -> Charge:
        return next(one for one in self._books() if one.reference == reference)

    def _decide(self, request: ChargeRequest) -> None:
        order = request.payment_order_id
        if self._luck.share(order, "declined") < _DECLINED:
            self.declined.add(order)
            return
        reference = f"ch_{self.name}_{order}"
        self.charges[order] = Charge(
            reference, order, request.seller_account, request.amount, self._clock.now()
        )

    def _told(self, order: str) -> PspOutcome:
        charge = self.charges.get(order)
        return _NO if charge is None else Succeeded(charge.reference, charge.amount)


def outcome_of(refund: Refund) -> OperationOutcome:
    """A refund as the PSP answers for it."""
    match refund.state:
        case RefundState.DONE:
            return Done(refund.reference, refund.amount)
        case RefundState.WAITING:
            return Waiting(refund.reference)
        case RefundState.FAILED:
            return Refused(RefusalReason.REJECTED_BY_BANK, "account_closed", refund.reference)


def _record(charge: Charge) -> PspRecord:
    status = "reversed" if charge.is_reversed else "succeeded"
    return PspRecord(
        charge.reference, charge.order, charge.amount, not charge.is_reversed, status, charge.at
    )
