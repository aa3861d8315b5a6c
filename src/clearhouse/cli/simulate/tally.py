"""What the PSPs and banks of the simulation know, summed up without clearhouse.

It is made of plain numbers and none of our tables, so that it is a second opinion on all of them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from clearhouse.cli.simulate.psp import Charge, RefundState, SimulatedPsp
from clearhouse.cli.simulate.rail import Fate, SimulatedRail
from clearhouse.kernel.money import Money
from clearhouse.psp.disputes import DisputeStage

Wallet = tuple[str, str]
"""A seller and a currency."""


def _counter() -> Counter[str]:
    return Counter()


@dataclass
class Tally:
    """Sums by currency in minor units, and what each seller is owed."""

    paid: Counter[str] = field(default_factory=_counter)
    refunded: Counter[str] = field(default_factory=_counter)
    refunds_under_way: Counter[str] = field(default_factory=_counter)
    disputed: Counter[str] = field(default_factory=_counter)
    in_dispute: Counter[str] = field(default_factory=_counter)
    paid_out: Counter[str] = field(default_factory=_counter)
    fees: Counter[str] = field(default_factory=_counter)
    lost: Counter[str] = field(default_factory=_counter)
    owed: Counter[Wallet] = field(default_factory=Counter[Wallet])

    def owed_in(self, currency: str) -> int:
        """What all sellers are owed, less what they owe."""
        return sum(minor for (_, code), minor in self.owed.items() if code == currency)

    def held_in(self, currency: str, psp_fees: int) -> int:
        """What PSPs and banks must hold: all that came in less all that went out."""
        gone = self.refunded[currency] + self.disputed[currency] + self.paid_out[currency]
        return self.paid[currency] - gone + self.in_dispute[currency] - psp_fees


def tally_of(
    psps: Iterable[SimulatedPsp],
    rails: Iterable[SimulatedRail],
    fees: Mapping[str, tuple[int, int]],
    written_off: Iterable[tuple[str, Money]],
) -> Tally:
    """All that happened outside of clearhouse, summed up.

    ``fees`` are the platform's basis points and fixed part by currency; ``written_off`` are debts
    of sellers that were let go.
    """
    tally = Tally()
    for psp in psps:
        for charge in psp.charges.values():
            _add_charge(tally, charge, fees)
        for refund in psp.refunds.values():
            currency = refund.amount.currency
            if refund.state is RefundState.FAILED:
                continue
            sums = tally.refunded
            if refund.state is RefundState.WAITING:
                sums = tally.refunds_under_way
            sums[currency] += refund.amount.minor
            tally.owed[refund.charge.seller, currency] -= refund.amount.minor
        for dispute in psp.disputes.values():
            amount = dispute.charge.amount
            if dispute.stage is DisputeStage.WON:
                continue
            tally.disputed[amount.currency] += amount.minor
            if dispute.stage is DisputeStage.LOST:
                tally.owed[dispute.charge.seller, amount.currency] -= amount.minor
            else:
                tally.in_dispute[amount.currency] += amount.minor
    for rail in rails:
        for transfer in rail.transfers.values():
            if transfer.fate is Fate.PAID:
                tally.paid_out[transfer.amount.currency] += transfer.amount.minor
                tally.owed[transfer.seller, transfer.amount.currency] -= transfer.amount.minor
    for seller, amount in written_off:
        tally.lost[amount.currency] += amount.minor
        tally.owed[seller, amount.currency] += amount.minor
    return tally


def _add_charge(tally: Tally, charge: Charge, fees: Mapping[str, tuple[int, int]]) -> None:
    currency, minor = charge.amount.currency, charge.amount.minor
    basis_points, fixed = fees[currency]
    fee = min((2 * minor * basis_points + 10_000) // 20_000 + fixed, minor)
    tally.paid[currency] += minor
    tally.fees[currency] += fee
    tally.owed[charge.seller, currency] += minor - fee
