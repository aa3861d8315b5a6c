"""Days with differences planted at known places: every cause that a line can show, mixed."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from tests.reconciliation.days import Sold, Told, charge_of

from clearhouse.reconciliation.matching import Cause


@dataclass(frozen=True)
class Planted:
    """A day as payments has it, as the PSP tells it, and what differs by the name of its break."""

    orders: list[Sold]
    lines: list[Told]
    causes: dict[str, Cause]


def plant(orders: Sequence[Sold], count: int, *, seed: int, name: str = "") -> Planted:
    """So many differences in a day, at places that the seed chooses; ``name`` is in their names.

    A third of them stand on orders that are touched by another one already: a second charge of an
    order whose fee differs, a refund of one whose amount does.
    """
    return _Planter(orders, seed, name).plant(count)


class _Planter:
    def __init__(self, orders: Sequence[Sold], seed: int, name: str) -> None:
        self._name = name
        self._chance = random.Random(seed)
        self._stored = list(orders)
        self._lines: list[Told | None] = [charge_of(order) for order in orders]
        self._more: list[Told] = []
        self._causes: dict[str, Cause] = {}
        self._free = list(range(len(orders)))
        self._chance.shuffle(self._free)
        self._touched: list[int] = []
        """Orders that differ, and yet are known to be paid."""

    def plant(self, count: int) -> Planted:
        changes = [
            *(self._gone, self._strange, self._open, self._failed),
            *(self._amount, self._currency, self._fee),
        ]
        additions: list[Callable[[int, str], None]] = [
            *(self._second, self._twice, self._declined, self._refund),
            *(self._stray_refund, self._dispute, self._odd, self._returned),
        ]
        for number in range(count):
            if number % 2 == 0:
                changes[number // 2 % len(changes)](self._free.pop())
                continue
            add = additions[number // 2 % len(additions)]
            again = self._touched and self._chance.random() < 0.66
            place = self._chance.choice(self._touched) if again else self._free.pop()
            add(place, f"{self._name}{number}")
        lines = [line for line in self._lines if line is not None] + self._more
        self._chance.shuffle(lines)
        return Planted(self._stored, lines, self._causes)

    def _line(self, place: int) -> Told:
        line = self._lines[place]
        assert line is not None
        return line

    def _change(self, place: int, cause: Cause, line: Told) -> None:
        self._lines[place] = line
        self._causes[line.key] = cause

    def _gone(self, place: int) -> None:
        self._lines[place] = None
        self._causes[self._stored[place].reference] = Cause.MISSING_AT_PSP

    def _strange(self, place: int) -> None:
        line = replace(self._line(place), intent=f"pi_strange{self._name}{place}", hint="")
        self._change(place, Cause.UNKNOWN_CHARGE, line)
        self._causes[self._stored[place].reference] = Cause.MISSING_AT_PSP

    def _open(self, place: int) -> None:
        self._stored[place] = replace(self._stored[place], status="EXECUTING")
        self._causes[self._line(place).key] = Cause.CHARGED_BUT_OPEN

    def _failed(self, place: int) -> None:
        self._stored[place] = replace(self._stored[place], status="FAILED")
        self._causes[self._line(place).key] = Cause.CHARGED_BUT_FAILED

    def _amount(self, place: int) -> None:
        line = self._line(place)
        off = self._chance.choice([-1, 1, 100, line.gross])
        self._change(place, Cause.AMOUNT_DIFFERS, replace(line, gross=line.gross + off))
        self._touched.append(place)

    def _currency(self, place: int) -> None:
        self._change(place, Cause.CURRENCY_DIFFERS, replace(self._line(place), currency="GBP"))

    def _fee(self, place: int) -> None:
        line = self._line(place)
        off = self._chance.choice([-2, 2, 50])
        self._change(place, Cause.FEE_DIFFERS, replace(line, fee=line.fee + off))
        self._touched.append(place)

    def _add(self, line: Told, cause: Cause) -> None:
        self._more.append(line)
        self._causes[line.key] = cause

    def _second(self, place: int, number: str) -> None:
        line = charge_of(self._stored[place], key=f"txn_second{number}", intent=f"pi_again{number}")
        self._add(line, Cause.DUPLICATE_CHARGE)

    def _twice(self, place: int, number: str) -> None:
        del place
        # One of an order of its own: beside a line that differs, which is the first is a matter
        # of taste.
        own = self._free.pop()
        at = self._stored[own].at + timedelta(seconds=1)
        line = charge_of(self._stored[own], key=f"txn_twice{number}", at=at)
        self._add(line, Cause.SETTLED_TWICE)

    def _extra(self, place: int, number: str, category: str, **changes: object) -> Told:
        line = charge_of(self._stored[place], key=f"txn_{category}{number}", category=category)
        told = {"gross": -50, "fee": 0, **changes}
        return replace(line, **told)  # pyright: ignore[reportArgumentType] - fields of Told

    def _declined(self, place: int, number: str) -> None:
        gross = -self._stored[place].amount_minor
        self._add(
            self._extra(place, number, "charge_failure", gross=gross), Cause.SETTLEMENT_DECLINED
        )

    def _refund(self, place: int, number: str) -> None:
        line = self._extra(place, number, "refund", source=f"re_{number}")
        self._add(line, Cause.UNKNOWN_REFUND)

    def _stray_refund(self, place: int, number: str) -> None:
        line = self._extra(
            place, number, "refund", source=f"re_{number}", intent=f"pi_nobody{number}"
        )
        self._add(line, Cause.REFUND_WITHOUT_ORDER)

    def _dispute(self, place: int, number: str) -> None:
        self._add(
            self._extra(place, number, "dispute", source=f"dp_{number}"), Cause.UNKNOWN_DISPUTE
        )

    def _odd(self, place: int, number: str) -> None:
        self._add(self._extra(place, number, "contribution"), Cause.UNEXPLAINED)

    def _returned(self, place: int, number: str) -> None:
        line = self._extra(place, number, "payout_reversal", source=f"po_{number}", gross=50)
        self._add(line, Cause.PAYOUT_RETURNED)
