"""How money gets from a PSP to our bank, as journal entries: pure rules.

A sale leaves the whole amount with the PSP. The PSP's report takes its fees from there and sends
the rest on its way, and the bank's statement says that it has arrived: so ``psp_receivable`` and
``cash_in_transit`` come back to zero when everybody has told everything.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from clearhouse.ledger.chart import Family, Holder, account
from clearhouse.ledger.model import Account, JournalEntry, Line
from clearhouse.messaging.events import SettlementBooked

SIDES: Final[Mapping[str, tuple[Family, Family, str]]] = MappingProxyType(
    {
        "psp_fees": (Family.PSP_FEE_EXPENSE, Family.PSP_RECEIVABLE, "fees of {psp}"),
        "psp_payout": (Family.CASH_IN_TRANSIT, Family.PSP_RECEIVABLE, "paid out by {psp}"),
        "bank_receipt": (Family.BANK, Family.CASH_IN_TRANSIT, "received from {psp}"),
        "adjustment": (Family.PSP_RECEIVABLE, Family.ADJUSTMENTS, "adjustment at {psp}"),
        "bank_adjustment": (Family.BANK, Family.ADJUSTMENTS, "adjustment at the bank"),
        "transit_adjustment": (
            Family.CASH_IN_TRANSIT,
            Family.ADJUSTMENTS,
            "adjustment of what {psp} paid out",
        ),
    }
)
"""What each kind debits and credits when its amount is positive, and its words."""


def settlement_booked(event: SettlementBooked) -> JournalEntry:
    """What reconciliation found, as one line. Raises ValueError for an unknown kind or nothing."""
    if event.kind not in SIDES:
        raise ValueError(f"{event.kind!r} is no kind of settlement booking")
    debit, credit, words = SIDES[event.kind]
    sides = (_account(debit, event), _account(credit, event))
    if event.amount_minor < 0:
        sides = (sides[1], sides[0])
    text = words.format(psp=event.psp)
    return JournalEntry(
        kind=event.kind,
        source_id=event.aggregate_id,
        reference=event.reference,
        event_at=event.occurred_at,
        description=f"{text}: {event.reason}",
        lines=(Line(*sides, abs(event.amount_minor)),),
    )


def _account(family: Family, event: SettlementBooked) -> Account:
    match family.holder:
        case Holder.BANK:
            # Colons separate the parts of a code.
            return account(family, event.currency, event.bank_account.replace(":", "-"))
        case Holder.PSP:
            return account(family, event.currency, event.psp)
        case _:
            return account(family, event.currency)
