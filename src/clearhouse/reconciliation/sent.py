"""What PSPs paid out, gathered from the lines of their reports as these are read.

A PSP either tells its payouts as lines of their own, or only says with each line what it was paid
out with; then a payout is the sum of its lines, less their fees.
"""

from collections import Counter
from datetime import date

from clearhouse.psp.settlements import LineKind, SettlementLine
from clearhouse.reconciliation.banking import Payout


class Sent:
    """Gathers the payouts of any number of reports; keeps those and no line."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], Payout] = {}
        self._sums: Counter[tuple[str, str, str]] = Counter()

    def add(self, psp: str, line: SettlementLine) -> None:
        """One line, which must not be added twice."""
        if line.kind is LineKind.PAYOUT:
            self._told[psp, line.reference] = Payout(
                psp,
                line.reference,
                line.currency,
                -line.gross_minor,
                date.fromisoformat(line.occurred_at[:10]),
                (line.charge_reference,) if line.charge_reference else (),
            )
        elif line.settlement:
            self._sums[psp, line.settlement, line.currency] += line.net_minor

    def payouts(self) -> list[Payout]:
        """All that was paid out; a sum counts only where its PSP has no lines of payouts.

        The day of a sum stands at the end of its name. What is nothing or less was not sent.
        """
        telling = {psp for psp, _ in self._told}
        summed = [
            Payout(psp, name, currency, net, day)
            for (psp, name, currency), net in sorted(self._sums.items())
            if psp not in telling and net > 0 and (day := _day(name)) is not None
        ]
        return [*self._told.values(), *summed]


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name.rpartition(":")[2])
    except ValueError:
        return None
