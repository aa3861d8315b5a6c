"""What goes to the API and what comes back, typed. Amounts are ``Decimal``, never a float.

Members that a newer server adds are passed over; words such as a status stay text, so that a new
one is no error.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec


class Card(msgspec.Struct, frozen=True):
    """A token or nonce that the PSP's own browser library made. Never a card number."""

    psp: str
    token: str


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Money for one seller. ``payment_order_id`` is yours, unique for ever.

    ``amount`` is a Decimal once it is made, also of text. Raises TypeError for a float.
    """

    payment_order_id: str
    seller_account: str
    amount: Decimal | str
    currency: str

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "amount", exact(self.amount))


class NewPayment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One checkout of one buyer. Without a card, the buyer pays on the ``payment_page_url``.

    Several cards are the same card, tokenized at several PSPs.
    """

    checkout_id: str
    payment_orders: list[NewOrder]
    credit_card_info: Card | list[Card] | None = None
    buyer_info: Mapping[str, Any] = {}
    psp: str | None = None
    capture: str | None = None
    return_url: str | None = None
    cancel_url: str | None = None


class NextAction(msgspec.Struct, frozen=True):
    """Where the buyer must go before the payment can go on."""

    type: str
    redirect_url: str


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A payment order, and where it is. ``status`` is final once it is SUCCESS or FAILED."""

    payment_order_id: str
    checkout_id: str
    seller_account: str
    amount: Decimal
    currency: str
    psp: str
    status: str
    status_reason: str | None
    failure_code: str | None
    psp_reference: str | None
    platform_fee: Decimal | None
    capture: str
    captured_amount: Decimal
    refunded_amount: Decimal
    disputed_amount: Decimal
    next_action: NextAction | None
    expires_at: datetime | None
    ledger_updated: bool
    wallet_updated: bool
    created_at: datetime
    updated_at: datetime
    finalized_at: datetime | None

    @property
    def is_final(self) -> bool:
        """Whether it is decided whether the buyer paid."""
        return self.status in {"SUCCESS", "FAILED"}


class Checkout(msgspec.Struct, frozen=True, kw_only=True):
    """A checkout with its orders."""

    checkout_id: str
    payment_event_id: str
    psp: str
    is_payment_done: bool
    created_at: datetime
    payment_page_url: str | None
    payment_orders: list[Order]


class OrderPage(msgspec.Struct, frozen=True):
    """Payment orders, newest first; ``next_cursor`` None on the last page."""

    items: list[Order]
    next_cursor: str | None


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A capture or a void that was accepted; what became of it shows in the payment order."""

    operation_id: str
    payment_order_id: str
    kind: str
    amount: Decimal
    currency: str
    status: str
    created_at: datetime


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Money that goes back to a buyer."""

    refund_id: str
    payment_order_id: str
    kind: str
    origin: str
    amount: Decimal
    fee_returned: Decimal
    currency: str
    status: str
    status_reason: str | None
    reason: str
    psp: str
    psp_reference: str | None
    created_at: datetime
    updated_at: datetime
    finalized_at: datetime | None


class RefundList(msgspec.Struct, frozen=True):
    """An order's refunds, oldest first."""

    items: list[Refund]


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """Money that a buyer's bank asks back."""

    dispute_id: str
    payment_order_id: str
    seller_account: str
    amount: Decimal
    seller_share: Decimal
    currency: str
    stage: str
    money: str
    reason: str
    psp: str
    psp_reference: str
    evidence_due_at: datetime | None
    created_at: datetime
    updated_at: datetime


class DisputePage(msgspec.Struct, frozen=True):
    """Disputes, newest first; ``next_cursor`` None on the last page."""

    items: list[Dispute]
    next_cursor: str | None


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What a seller is owed in one currency."""

    currency: str
    pending: Decimal
    available: Decimal
    reserved: Decimal
    in_transit: Decimal = Decimal(0)
    debt: Decimal = Decimal(0)
    payouts_held: bool = False
    next_matures_at: datetime | None = None


class Wallet(msgspec.Struct, frozen=True, kw_only=True):
    """A seller's balances, one for each currency that ever moved."""

    seller_account: str
    balances: list[Balance]

    def balance(self, currency: str) -> Balance:
        """The balance in one currency; nothing where it never moved."""
        nothing = Decimal(0)
        empty = Balance(currency=currency, pending=nothing, available=nothing, reserved=nothing)
        return next((one for one in self.balances if one.currency == currency), empty)


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """What stops a seller's payouts; ``currency`` None: in all of them."""

    hold_id: str
    seller_account: str
    currency: str | None
    kind: str
    subject: str
    reason: str
    placed_by: str
    since: datetime
    until: datetime | None
    released_at: datetime | None
    released_by: str | None
    release_reason: str | None


class HoldPage(msgspec.Struct, frozen=True):
    """Holds, newest first; ``next_cursor`` None on the last page."""

    items: list[Hold]
    next_cursor: str | None


class Margin(msgspec.Struct, frozen=True, kw_only=True):
    """What sales in one currency brought the platform; ``margin`` is that of settled sales."""

    currency: str
    sales: int
    volume: Decimal
    refunded: Decimal
    fees: Decimal
    fees_basis_points: int | None
    settled_sales: int
    settled_volume: Decimal
    settled_fees: Decimal
    costs: Decimal
    margin: Decimal
    margin_basis_points: int | None
    waiting_sales: int
    waiting_volume: Decimal


class MarginList(msgspec.Struct, frozen=True, kw_only=True):
    """A seller's margins by currency."""

    seller_account: str
    margins: list[Margin]


class Payout(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way to a seller."""

    payout_id: str
    seller_account: str
    amount: Decimal
    currency: str
    status: str
    status_reason: str | None
    detail: str
    period: str | None
    note: str
    needs_approval: bool
    rail: str | None
    reference: str | None
    created_at: datetime
    updated_at: datetime
    submitted_at: datetime | None
    paid_at: datetime | None


class FileTrouble(msgspec.Struct, frozen=True):
    """Something in a file that was not understood; line 0 is the file as a whole."""

    line: int
    kind: str
    text: str


class UploadedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A settlement report or bank statement that was read; ``source`` is a PSP or ``bank``."""

    file_id: str
    name: str
    source: str
    state: str
    lines: int
    new: int
    corrected: int
    first_day: date | None
    last_day: date | None
    trouble_count: int
    troubles: list[FileTrouble]


class PayoutPage(msgspec.Struct, frozen=True):
    """Payouts, newest first; ``next_cursor`` None on the last page."""

    items: list[Payout]
    next_cursor: str | None


def exact(amount: Any) -> Decimal:
    """An amount as a Decimal. Raises TypeError for a float, which no amount ever is."""
    if isinstance(amount, bool | float):
        raise TypeError('an amount is a Decimal or text such as "12.50", never a float')
    found = Decimal(amount)
    if not found.is_finite():
        raise ValueError("an amount is a finite number")
    return found
