"""The chart of accounts, and how a sale is booked on it; ``after_sale`` has what follows.

Every account belongs to a *family*: the first word of its code. A code is
``family:owner:currency``, or ``family:currency`` where the platform itself is the owner, such
as ``psp_receivable:stripe:USD`` and ``platform_fee_revenue:USD``.

Why pure: what a fact means in money is then a table that anybody can read and test.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import lru_cache

from clearhouse.ledger.model import Account, AccountType, JournalEntry, Line
from clearhouse.messaging.events import PaymentOrderSucceeded


class Holder(StrEnum):
    """Whose accounts a family holds: one account per platform, PSP, seller or bank account."""

    PLATFORM = "platform"
    PSP = "psp"
    SELLER = "seller"
    BANK = "bank"


@dataclass(frozen=True, slots=True)
class _Kind:
    word: str
    type: AccountType
    holder: Holder
    meaning: str


class Family(Enum):
    """The families of the chart: type, whose accounts they are, and what a balance means."""

    PSP_RECEIVABLE = _Kind(
        "psp_receivable",
        AccountType.ASSET,
        Holder.PSP,
        "The PSP holds it for us: charged, not settled yet.",
    )
    CASH_IN_TRANSIT = _Kind(
        "cash_in_transit",
        AccountType.ASSET,
        Holder.PSP,
        "The PSP says it is on its way to our bank; the bank has not said so yet.",
    )
    BANK = _Kind("bank", AccountType.ASSET, Holder.BANK, "Lies in our account at the bank.")
    DISPUTES_RECEIVABLE = _Kind(
        "disputes_receivable",
        AccountType.ASSET,
        Holder.PSP,
        "Withdrawn by the PSP for open disputes; comes back when they are won.",
    )
    SELLER_PAYABLE = _Kind(
        "seller_payable",
        AccountType.LIABILITY,
        Holder.SELLER,
        "Owed to the seller; below zero, owed by the seller.",
    )
    SELLER_RESERVE = _Kind(
        "seller_reserve",
        AccountType.LIABILITY,
        Holder.SELLER,
        "Owed to the seller, kept back for a time against refunds and disputes.",
    )
    PAYOUTS_IN_TRANSIT = _Kind(
        "payouts_in_transit",
        AccountType.LIABILITY,
        Holder.SELLER,
        "Sent to the seller's bank; not confirmed yet.",
    )
    REFUNDS_IN_TRANSIT = _Kind(
        "refunds_in_transit",
        AccountType.LIABILITY,
        Holder.PSP,
        "Owed to buyers as refunds that the PSP has not made yet.",
    )
    PLATFORM_FEE_REVENUE = _Kind(
        "platform_fee_revenue",
        AccountType.INCOME,
        Holder.PLATFORM,
        "The platform's fees, earned with each sale.",
    )
    PSP_FEE_EXPENSE = _Kind(
        "psp_fee_expense",
        AccountType.EXPENSE,
        Holder.PSP,
        "What the PSP kept for its service.",
    )
    LOSSES = _Kind(
        "losses",
        AccountType.EXPENSE,
        Holder.PLATFORM,
        "Lost for good: disputes and debts that nobody pays.",
    )
    ADJUSTMENTS = _Kind(
        "adjustments",
        AccountType.EQUITY,
        Holder.PLATFORM,
        "The other side of corrections made by a person, each with a reason.",
    )

    @property
    def type(self) -> AccountType:
        """The type of all accounts of the family."""
        return self.value.type

    @property
    def holder(self) -> Holder:
        """Whose accounts they are."""
        return self.value.holder

    @property
    def meaning(self) -> str:
        """What a balance means, in one sentence."""
        return self.value.meaning


@lru_cache(maxsize=65_536)
def account(family: Family, currency: str, owner: str = "") -> Account:
    """The account of a family for an owner and currency.

    ``owner`` is empty if and only if the platform itself is the owner; else ValueError.
    """
    if (family.holder is Holder.PLATFORM) != (not owner):
        raise ValueError(f"{family.value.word} belongs to a {family.holder}, not to {owner!r}")
    parts = [family.value.word, owner, currency] if owner else [family.value.word, currency]
    return Account(":".join(parts), family.type, owner, currency)


def sale(event: PaymentOrderSucceeded) -> JournalEntry:
    """A payment order that succeeded: the PSP owes us the amount, we owe it to the seller.

    The fee is a line of its own, so that the seller's statement shows the whole sale and then
    the fee; without a fee there is none. Raises ValueError when the fee is negative or exceeds
    the amount.
    """
    if not 0 <= event.fee_minor <= event.amount_minor:
        raise ValueError(
            f"a fee of {event.fee_minor} cannot be taken from a sale of {event.amount_minor}"
        )
    payable = account(Family.SELLER_PAYABLE, event.currency, event.seller_account)
    receivable = account(Family.PSP_RECEIVABLE, event.currency, event.psp)
    lines = [Line(receivable, payable, event.amount_minor)]
    if event.fee_minor:
        revenue = account(Family.PLATFORM_FEE_REVENUE, event.currency)
        lines.append(Line(payable, revenue, event.fee_minor))
    return JournalEntry(
        kind="sale",
        source_id=event.aggregate_id,
        reference=event.payment_order_id,
        event_at=event.occurred_at,
        description=f"sale by {event.seller_account} through {event.psp}",
        lines=tuple(lines),
    )
