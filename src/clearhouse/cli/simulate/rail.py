"""A rail in the simulation's own process: it pays, rejects, returns, and loses answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from clearhouse.cli.simulate.time import Luck, MovedClock
from clearhouse.kernel.money import Money
from clearhouse.psp.contract import Unknown
from clearhouse.psp.rails import (
    Batch,
    Failed,
    FailureReason,
    Instruction,
    NotSent,
    PaidOut,
    PayoutNews,
    PayoutOutcome,
    Returned,
    Submitted,
)

_REJECTED: Final = 0.02
_RETURNED: Final = 0.04
_LOST: Final = 0.05
_LATE: Final = (2, 4)
_CODE: Final = "closed"
TAKES_BACK: Final = "stripe"
"""The rail that says of what came back that it failed after all."""


class Fate(StrEnum):
    """What has become of a transfer."""

    SENT = "sent"
    PAID = "paid"
    REJECTED = "rejected"
    RETURNED = "returned"


@dataclass(slots=True)
class Transfer:
    """Money that the rail was told to move, under the key it was told of."""

    key: str
    seller: str
    amount: Money
    fate: Fate
    pays_on: date
    returns_on: date | None


class SimulatedRail:
    """The protocol Rail. A key is paid once, however often it is sent."""

    max_batch = 500

    def __init__(self, name: str, luck: Luck, clock: MovedClock) -> None:
        self.name = name
        self.transfers: dict[str, Transfer] = {}
        self.unheard: set[str] = set()
        self._told: list[PayoutNews] = []
        self._luck = luck
        self._clock = clock
        self._calls = 0

    def refusal(self, instruction: Instruction) -> str | None:
        """It sends everything."""
        del instruction

    async def submit(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        """Take a batch; the call or its answer may be lost."""
        self._calls += 1
        chance = self._luck.share(self.name, self._calls)
        if chance < _LOST / 2:
            return self._lost(batch)
        for each in batch.instructions:
            if each.key not in self.transfers:
                self.transfers[each.key] = self._begin(each)
        return self._lost(batch) if chance < _LOST else self._answer(batch)

    async def inquire(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        """What became of a batch."""
        return self._answer(batch)

    async def news(self, cursor: str | None) -> tuple[Sequence[PayoutNews], str | None]:
        """What was told since."""
        start = int(cursor or 0)
        return self._told[start:], str(len(self._told)) if len(self._told) > start else cursor

    async def close(self) -> None:
        """Nothing to give back."""

    def day_begins(self, today: date) -> None:
        """What is due reaches its seller, or comes back, and is told."""
        for one in self.transfers.values():
            if one.fate is Fate.SENT and one.pays_on <= today:
                one.fate = Fate.PAID
                self._tell(one)
            if one.fate is Fate.PAID and one.returns_on is not None and one.returns_on <= today:
                one.fate = Fate.RETURNED
                self._tell(one)

    def paid_out(self, currency: str) -> int:
        """What has left for good, in minor units."""
        return sum(
            one.amount.minor
            for one in self.transfers.values()
            if one.fate is Fate.PAID and one.amount.currency == currency
        )

    def _begin(self, instruction: Instruction) -> Transfer:
        today = self._clock.now().date()
        of = (instruction.seller_account, today, instruction.amount.minor)
        chance = self._luck.share(*of, "payout")
        pays_on = today + timedelta(days=1)
        returns_on: date | None = None
        if _REJECTED <= chance < _REJECTED + _RETURNED:
            returns_on = pays_on + timedelta(days=self._luck.whole(*_LATE, *of))
        fate = Fate.REJECTED if chance < _REJECTED else Fate.SENT
        return Transfer(
            instruction.key, instruction.seller_account, instruction.amount, fate, pays_on,
            returns_on,
        )  # fmt: skip

    def _tell(self, one: Transfer) -> None:
        source = f"statement of {self._clock.now():%Y-%m-%d}"
        self._told.append(PayoutNews(one.key, self._outcome(one.key), source, one.amount))

    def _lost(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        self.unheard.add(batch.batch_id)
        return {each.payout_id: Unknown("timeout") for each in batch.instructions}

    def _answer(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        found = {each.payout_id: self._outcome(each.key) for each in batch.instructions}
        if not any(isinstance(one, NotSent) for one in found.values()):
            self.unheard.discard(batch.batch_id)
        return found

    def _outcome(self, key: str) -> PayoutOutcome:
        one = self.transfers.get(key)
        if one is None:
            return NotSent("nothing of it arrived")
        now = self._clock.now()
        match one.fate:
            case Fate.SENT:
                return Submitted(f"taken by {self.name}")
            case Fate.PAID:
                return PaidOut(f"{self.name}-{key[:12]}", now)
            case Fate.REJECTED:
                return Failed(FailureReason.ACCOUNT_CLOSED, _CODE)
            case Fate.RETURNED if self.name == TAKES_BACK:
                return Failed(FailureReason.ACCOUNT_CLOSED, _CODE)
            case Fate.RETURNED:
                return Returned(FailureReason.ACCOUNT_CLOSED, _CODE, now)
