"""Whether all books agree: ours with each other, and with what PSPs and banks know."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from clearhouse.cli.simulate.people import CURRENCIES, SELLERS
from clearhouse.cli.simulate.rail import Fate
from clearhouse.cli.simulate.tally import Tally, tally_of
from clearhouse.cli.simulate.town import Town
from clearhouse.cli.simulate.year import Year
from clearhouse.kernel.errors import NotFound
from clearhouse.kernel.money import format_minor
from clearhouse.ledger import store as ledger
from clearhouse.ledger.funds import Funds, Movement, Owner
from clearhouse.postgres.connection import Pool
from clearhouse.proof.verify import verify
from clearhouse.wallets.payouts.model import Payout, PayoutFilter, PayoutStatus
from clearhouse.wallets.service import WalletService

_PAGE = 1000
_STATUS: Mapping[Fate, frozenset[PayoutStatus]] = {
    Fate.SENT: frozenset({PayoutStatus.SUBMITTED}),
    Fate.PAID: frozenset({PayoutStatus.PAID}),
    Fate.REJECTED: frozenset({PayoutStatus.FAILED}),
    Fate.RETURNED: frozenset({PayoutStatus.RETURNED, PayoutStatus.FAILED}),
}


@dataclass(frozen=True, slots=True)
class Findings:
    """What was looked at at one moment; ``faults`` are what does not agree, for people."""

    funds: tuple[Funds, ...]
    tally: Tally
    payouts: int
    came_back: int
    faults: tuple[str, ...]


async def check(town: Town, year: Year, scans: Pool) -> Findings:
    """Compare everything with everything; ``scans`` is a pool that may read whole tables."""
    fees = {
        code: (town.settings.fee.basis_points, town.settings.fee.fixed_minor.get(code, 0))
        for code in CURRENCIES
    }
    returns_fees = town.settings.refund.fee_policy == "return"
    tally = tally_of(
        town.psps.values(),
        town.rails.values(),
        fees,
        year.counts.written_off,
        returns_fees=returns_fees,
    )
    async with town.runtime.pool.acquire() as connection:
        funds = await ledger.funds(connection)
    payouts = await _payouts(town)
    faults = [*_funds_faults(funds, tally, year), *_payout_faults(town, payouts)]
    faults += await _wallet_faults(town, tally)
    verdict = await verify(scans, psps=town.psps, clock=town.clock)
    faults += [
        f"{result.title}: {result.violations} violations, such as {result.offenders[0]}"
        for result in verdict.results
        if result.violations
    ]
    came_back = sum(one.status in {PayoutStatus.FAILED, PayoutStatus.RETURNED} for one in payouts)
    return Findings(tuple(funds), tally, len(payouts), came_back, tuple(faults))


def _funds_faults(funds: Iterable[Funds], tally: Tally, year: Year) -> list[str]:
    """The three sums, each part beside what PSPs and banks say of it."""
    faults: list[str] = []
    for one in funds:
        code = one.currency
        if not one.agree:
            faults.append(f"the three sums of {code} are not one")
        psp_fees = year.settling.fees_in(code)
        sellers = (Owner.SELLERS, Owner.RESERVE, Owner.UNDER_WAY, Owner.DEBT)
        disputed = tally.disputed[code] - tally.in_dispute[code]
        for what, ours, theirs in (
            ("paid by buyers", one.moved.get(Movement.PAID_BY_BUYERS, 0), tally.paid[code]),
            ("given back", -one.moved.get(Movement.GIVEN_BACK, 0), tally.refunded[code]),
            ("lost in disputes", -one.moved.get(Movement.DISPUTED, 0), disputed),
            ("paid out", -one.moved.get(Movement.PAID_OUT, 0), tally.paid_out[code]),
            ("kept by PSPs", -one.moved.get(Movement.PSP_FEES, 0), psp_fees),
            ("held", one.held_minor, tally.held_in(code, psp_fees)),
            ("owed to sellers", sum(one.owned.get(who, 0) for who in sellers), tally.owed_in(code)),
            ("refunds under way", one.owned.get(Owner.BUYERS, 0), tally.under_way_in(code)),
            ("fees earned", one.owned.get(Owner.PLATFORM, 0), tally.fees[code]),
            ("losses", -one.owned.get(Owner.LOSSES, 0), tally.lost[code]),
        ):
            if ours != theirs:
                faults.append(_differs(f"{what} in {code}", ours, theirs, code))
    return faults


async def _wallet_faults(town: Town, tally: Tally) -> list[str]:
    """What each seller is owed, with what is on its way, beside what it must be."""
    runtime = town.runtime
    service = WalletService(runtime.pool, runtime.ids, runtime.clock)
    faults: list[str] = []
    for seller in SELLERS:
        code = seller.currency
        try:
            [wallet] = await service.standing(seller.name)
        except NotFound:
            continue
        theirs = tally.owed[seller.name, code]
        ours = wallet.pending_minor + wallet.available_minor + wallet.reserved_minor
        ours += wallet.in_transit_minor - wallet.debt_minor
        if ours != theirs:
            faults.append(_differs(f"owed to {seller.name}", ours, theirs, code))
    return faults


def _payout_faults(town: Town, payouts: Iterable[Payout]) -> list[str]:
    """Every transfer of a bank is one payout of ours, to the cent, and the other way round."""
    ours = {one.payout_id.hex: one for one in payouts}
    faults: list[str] = []
    for rail in town.rails.values():
        for transfer in rail.transfers.values():
            payout = ours.get(transfer.key)
            if payout is None:
                faults.append(f"{rail.name} moved {transfer.amount}, which is no payout of ours")
            elif payout.amount != transfer.amount or payout.status not in _STATUS[transfer.fate]:
                faults.append(
                    f"{payout.public_id} of {payout.amount} is {payout.status}, and {rail.name}"
                    f" has {transfer.amount} as {transfer.fate}"
                )
    known = {key for rail in town.rails.values() for key in rail.transfers}
    sent = {PayoutStatus.PAID, PayoutStatus.RETURNED, PayoutStatus.FAILED, PayoutStatus.SUBMITTED}
    faults += [
        f"{one.public_id} is {one.status}, and no bank knows of it"
        for key, one in ours.items()
        if one.status in sent and key not in known
    ]
    return faults


async def _payouts(town: Town) -> list[Payout]:
    found: list[Payout] = []
    page = await town.payouts.list_payouts(PayoutFilter(), None, _PAGE)
    found += page.payouts
    while page.next_before is not None:
        page = await town.payouts.list_payouts(PayoutFilter(), page.next_before, _PAGE)
        found += page.payouts
    return found


def _differs(what: str, ours: int, theirs: int, currency: str) -> str:
    here, there = format_minor(ours, currency), format_minor(theirs, currency)
    return f"{what}: {here} {currency} in the books, {there} by all PSPs and banks"
