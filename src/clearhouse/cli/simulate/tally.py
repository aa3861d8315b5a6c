"""What the PSPs and banks of the simulation know, summed up without clearhouse.

It is made of plain numbers and none of our tables, so that it is a second opinion on all of them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from clearhouse.cli.simulate.psp import Charge, Refund, RefundState, SimulatedPsp
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
    owed_to_buyers: Counter[str] = field(default_factory=_counter)
    """Of stray charges, as far as no refund gives them back yet."""
    fees: Counter[str] = field(default_factory=_counter)
    lost: Counter[str] = field(default_factory=_counter)
    owed: Counter[Wallet] = field(default_factory=Counter[Wallet])

    def owed_in(self, currency: str) -> int:
        """What all sellers are owed, less what they owe."""
        return sum(minor for (_, code), minor in self.owed.items() if code == currency)

    def under_way_in(self, currency: str) -> int:
        """What is owed to buyers: refunds that the PSPs have not made, stray charges."""
        return self.refunds_under_way[currency] + self.owed_to_buyers[currency]

    def held_in(self, currency: str, psp_fees: int) -> int:
        """What PSPs and banks must hold: all that came in less all that went out."""
        gone = self.refunded[currency] + self.disputed[currency] + self.paid_out[currency]
        return self.paid[currency] - gone + self.in_dispute[currency] - psp_fees


def tally_of(
    psps: Iterable[SimulatedPsp],
    rails: Iterable[SimulatedRail],
    fees: Mapping[str, tuple[int, int]],
    written_off: Iterable[tuple[str, Money]],
    *,
    returns_fees: bool,
) -> Tally:
    """All that happened outside of clearhouse, summed up.

    ``fees`` are the platform's basis points and fixed part by currency, which go back with refunds
    where it ``returns_fees``; ``written_off`` are debts of sellers that were let go.
    """
    tally = Tally()
    for psp in psps:
        for charge in psp.all_charges:
            _add_charge(tally, charge, fees)
        for refund in psp.refunds.values():
            currency = refund.amount.currency
            if refund.state is RefundState.FAILED:
                continue
            sums = tally.refunded
            if refund.state is RefundState.WAITING:
                sums = tally.refunds_under_way
            sums[currency] += refund.amount.minor
            if refund.charge.is_stray:
                tally.owed_to_buyers[currency] -= refund.amount.minor
                continue
            back = _fee_back(refund, fees) if returns_fees else 0
            tally.fees[currency] -= back
            tally.owed[refund.charge.seller, currency] -= refund.amount.minor - back
        for dispute in psp.disputes.values():
            amount = dispute.amount
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
    tally.paid[currency] += minor
    if charge.is_stray:
        tally.owed_to_buyers[currency] += minor
        return
    fee = _fee(charge, fees)
    tally.fees[currency] += fee
    tally.owed[charge.seller, currency] += minor - fee


def _fee(charge: Charge, fees: Mapping[str, tuple[int, int]]) -> int:
    basis_points, fixed = fees[charge.amount.currency]
    minor = charge.amount.minor
    return min((2 * minor * basis_points + 10_000) // 20_000 + fixed, minor)


def _fee_back(refund: Refund, fees: Mapping[str, tuple[int, int]]) -> int:
    """What goes back of the fee with the one refund that a charge has, rounded half up."""
    whole, part = refund.charge.amount.minor, refund.amount.minor
    return min((2 * _fee(refund.charge, fees) * part + whole) // (2 * whole), part)
