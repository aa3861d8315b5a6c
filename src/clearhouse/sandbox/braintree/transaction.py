"""One Braintree transaction and its legal changes: pure, so that every rule is a table in a test.

Statuses, and who moves a transaction on::

    authorized ── submit_for_settlement ─→ submitted_for_settlement ─→ settling ─→ settled
        │    └── time ─→ authorization_expired   │    └─ pending ─→ settlement_pending
        └── void ─→ voided ←── void ─────────────┘    └─ decline ─→ settlement_declined
    processor_declined, gateway_rejected, failed: final, they moved no money

A refund is a transaction of its own (type credit) that names the one it gives back. Time moves
what is submitted on to settled (``schedule.py``); the test calls do it at once.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from clearhouse.kernel.money import exponent, format_minor
from clearhouse.sandbox.braintree.checks import AddressCheck
from clearhouse.sandbox.braintree.nonces import Instrument

REFUSED: Final = frozenset(["processor_declined", "gateway_rejected", "failed"])
"""Statuses of a sale that was never authorized."""

VOIDABLE: Final = frozenset(["authorized", "submitted_for_settlement", "settlement_pending"])
SETTLEABLE: Final = frozenset(
    ["submitted_for_settlement", "settling", "settlement_pending", "settlement_confirmed"]
)
REFUNDABLE: Final = frozenset(["settled", "settling"])
TAKEN: Final = SETTLEABLE | {"settled"}
"""Statuses in which the money is on its way to the merchant, or there."""

AUTHORIZATION_LASTS: Final = timedelta(days=7)
"""How long a card authorization holds; Braintree names it in authorization_expires_at."""


class StatusEvent(msgspec.Struct, frozen=True):
    """One line of a transaction's history; ``amount`` in minor units at that time."""

    status: str
    amount: int
    timestamp: datetime


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway remembers of one sale or credit; ``amount`` in minor units.

    ``method`` is what it was paid with: a nonce, ``token:…``, or a card's brand and last digits.
    ``response`` and ``settlement_response`` are processor response codes or empty, ``disbursed_on``
    is the date of its payout to the merchant or empty, ``details``
    and ``texts`` what the merchant sent and gets back unchanged (custom fields, billing, …).
    """

    id: str
    type: str
    status: str
    amount: int
    currency: str
    merchant_account_id: str
    instrument: Instrument
    method: str
    created_at: datetime
    updated_at: datetime
    history: tuple[StatusEvent, ...]
    order_id: str | None = None
    response: str = ""
    rejection_reason: str = ""
    cvv_response: str = "I"
    avs: AddressCheck = AddressCheck()
    authorization_code: str | None = None
    settlement_response: str = ""
    settlement_batch_id: str | None = None
    refunded_transaction_id: str | None = None
    refund_ids: tuple[str, ...] = ()
    disbursed_on: str = ""
    disputed: bool = False
    details: dict[str, dict[str, str | None]] = {}
    texts: dict[str, str] = {}

    @property
    def major(self) -> Decimal:
        """The amount in major units, as the test amounts are written."""
        return Decimal(self.amount).scaleb(-exponent(self.currency))

    @property
    def was_taken(self) -> bool:
        """Whether it was ever on its way to settlement."""
        return any(event.status in TAKEN for event in self.history)

    @property
    def amount_text(self) -> str:
        """The amount as Braintree writes it: yen without decimals, dinars with three."""
        return self.written(self.amount)

    def written(self, minor: int) -> str:
        """Any amount of this transaction's currency as Braintree writes it."""
        return format_minor(minor, self.currency)

    @property
    def authorization_expires_at(self) -> datetime | None:
        """When the authorization lapses; None for what was never authorized."""
        if self.type != "sale" or self.status in REFUSED:
            return None
        return self.created_at + AUTHORIZATION_LASTS


def moved(
    transaction: Transaction, status: str, now: datetime, *, amount: int | None = None
) -> Transaction:
    """The transaction in a new status, its history one line longer."""
    minor = transaction.amount if amount is None else amount
    return msgspec.structs.replace(
        transaction,
        status=status,
        amount=minor,
        updated_at=now,
        history=(*transaction.history, StatusEvent(status, minor, now)),
    )
