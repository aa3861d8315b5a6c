"""What a person's decision about a break books: pure rules."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from clearhouse.kernel.errors import NotDecidable
from clearhouse.reconciliation.matching import Cause
from clearhouse.reconciliation.model import Area, Break


class Way(Enum):
    """What deciding does."""

    RECEIVABLE = "adjustment"
    """What we believe the PSP holds is set to what its report says."""
    TRANSIT = "transit_adjustment"
    """What is on its way to the bank is set to what has arrived."""
    BANK = "bank_adjustment"
    """A bank line that nothing explains is taken into the books."""
    NOTHING = "nothing"
    """Everything is booked already; deciding only closes."""
    BY_ITSELF = "by_itself"
    """Deciding would hide something that must be mended; it closes by itself then."""


_WAYS: Final = {
    Cause.MISSING_AT_PSP: Way.RECEIVABLE,
    Cause.UNKNOWN_CHARGE: Way.RECEIVABLE,
    Cause.CHARGED_BUT_OPEN: Way.BY_ITSELF,
    Cause.CHARGED_BUT_FAILED: Way.RECEIVABLE,
    Cause.DUPLICATE_CHARGE: Way.RECEIVABLE,
    Cause.SETTLED_TWICE: Way.RECEIVABLE,
    Cause.AMOUNT_DIFFERS: Way.RECEIVABLE,
    Cause.CURRENCY_DIFFERS: Way.BY_ITSELF,
    Cause.FEE_DIFFERS: Way.NOTHING,
    Cause.STATUS_DIFFERS: Way.RECEIVABLE,
    Cause.SETTLEMENT_DECLINED: Way.RECEIVABLE,
    Cause.UNKNOWN_REFUND: Way.RECEIVABLE,
    Cause.REFUND_WITHOUT_ORDER: Way.RECEIVABLE,
    Cause.UNKNOWN_DISPUTE: Way.RECEIVABLE,
    Cause.UNEXPLAINED: Way.RECEIVABLE,
    Cause.PAYOUT_RETURNED: Way.NOTHING,
    Cause.BANK_SHORT: Way.TRANSIT,
    Cause.BANK_OVER: Way.TRANSIT,
    Cause.NOT_AT_BANK: Way.TRANSIT,
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What accepting a break books: ``amount_minor`` in the break's currency, signed."""

    way: Way
    amount_minor: int
    bank_account: str = ""


def proposal_of(found: Break) -> Proposal:
    """What is proposed for a break; its amount is what theirs is more than ours."""
    way = _WAYS.get(found.cause, Way.BY_ITSELF)
    difference = (found.theirs_minor or 0) - (found.ours_minor or 0)
    if found.area is Area.BANK and found.cause is Cause.UNEXPLAINED:
        account = found.subject.removeprefix("bank:line:").rpartition(":")[0]
        return Proposal(Way.BANK, difference, account)
    if way in {Way.NOTHING, Way.BY_ITSELF}:
        return Proposal(way, 0)
    return Proposal(way, difference)


def check_decidable(found: Break, amount_minor: int | None) -> Proposal:
    """The proposal with the amount that a person chose. Raises NotDecidable."""
    if found.state != "open":
        raise NotDecidable(
            f"This break is {found.state.replace('_', ' ')} already.",
            hint="Reopen it first.",
        )
    proposal = proposal_of(found)
    if proposal.way is Way.BY_ITSELF:
        raise NotDecidable(
            f"A break of cause {found.cause.word} is not decided: it closes when it is mended.",
            hint=found.cause.proposal,
        )
    if amount_minor is None:
        return proposal
    if proposal.way is Way.NOTHING:
        raise NotDecidable(
            "Everything about this break is booked already, so there is no amount to change.",
            hint="Accept it without an amount.",
        )
    return Proposal(proposal.way, amount_minor, proposal.bank_account)
