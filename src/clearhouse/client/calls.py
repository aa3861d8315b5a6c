"""Every call as a value: what to send, and what its answer is. Pure; both clients share them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import msgspec

from clearhouse.client.models import (
    Checkout,
    Dispute,
    DisputePage,
    Hold,
    HoldPage,
    MarginList,
    NewPayment,
    Operation,
    Order,
    OrderPage,
    Payout,
    PayoutPage,
    Refund,
    RefundList,
    UploadedFile,
    Wallet,
    exact,
)

T = TypeVar("T")
_encoder: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request. What changes something has a body, and an idempotency key over all its tries."""

    method: str
    path: str
    answer: type[T]
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    file: Path | None = None
    """A body that is read from there as it is sent; the server knows one that came before."""


def create_payment(payment: NewPayment) -> Call[Checkout]:
    """Accept a checkout."""
    members: dict[str, Any] = msgspec.to_builtins(payment, builtin_types=(Decimal,))
    for order in members["payment_orders"]:
        order["amount"] = _text(order["amount"])
    given = {name: value for name, value in members.items() if value is not None}
    return _post("/v1/payments", Checkout, {**given, "buyer_info": payment.buyer_info})


def payment(payment_order_id: str) -> Call[Order]:
    """One payment order."""
    return Call("GET", f"/v1/payments/{_part(payment_order_id)}", Order)


def payments(filters: Mapping[str, str], cursor: str | None, limit: int) -> Call[OrderPage]:
    """A page of payment orders."""
    return Call("GET", "/v1/payments", OrderPage, _page(filters, cursor, limit))


def checkout(checkout_id: str) -> Call[Checkout]:
    """One checkout with its orders."""
    return Call("GET", f"/v1/checkouts/{_part(checkout_id)}", Checkout)


def capture(payment_order_id: str, amount: Decimal | str | None) -> Call[Operation]:
    """Take what is held, or a part of it."""
    path = f"/v1/payments/{_part(payment_order_id)}/captures"
    return _post(path, Operation, _amount(amount))


def void(payment_order_id: str) -> Call[Operation]:
    """Let go what is held."""
    return _post(f"/v1/payments/{_part(payment_order_id)}/void", Operation, {})


def create_refund(
    payment_order_id: str, amount: Decimal | str | None, reason: str, refund_id: str | None
) -> Call[Refund]:
    """Give all that is left back, or a part of it."""
    members: dict[str, Any] = _amount(amount)
    if reason:
        members["reason"] = reason
    if refund_id is not None:
        members["refund_id"] = refund_id
    return _post(f"/v1/payments/{_part(payment_order_id)}/refunds", Refund, members)


def refund(refund_id: str) -> Call[Refund]:
    """One refund."""
    return Call("GET", f"/v1/refunds/{_part(refund_id)}", Refund)


def refunds(payment_order_id: str) -> Call[RefundList]:
    """An order's refunds."""
    return Call("GET", f"/v1/payments/{_part(payment_order_id)}/refunds", RefundList)


def dispute(dispute_id: str) -> Call[Dispute]:
    """One dispute."""
    return Call("GET", f"/v1/disputes/{_part(dispute_id)}", Dispute)


def disputes(stage: str | None, cursor: str | None, limit: int) -> Call[DisputePage]:
    """A page of disputes."""
    filters = {} if stage is None else {"stage": stage}
    return Call("GET", "/v1/disputes", DisputePage, _page(filters, cursor, limit))


def wallet(seller_account: str) -> Call[Wallet]:
    """What a seller is owed."""
    return Call("GET", f"/v1/wallets/{_part(seller_account)}", Wallet)


def margin(seller_account: str, begins: str, ends: str, currency: str | None) -> Call[MarginList]:
    """What a seller's sales brought the platform."""
    query = [("from", begins), ("to", ends)]
    if currency is not None:
        query.append(("currency", currency))
    path = f"/v1/wallets/{_part(seller_account)}/margin"
    return Call("GET", path, MarginList, tuple(query))


def place_hold(
    seller_account: str, reason: str, currency: str | None, until: datetime | None
) -> Call[Hold]:
    """Stop a seller's payouts."""
    members: dict[str, Any] = {"reason": reason}
    if currency is not None:
        members["currency"] = currency
    if until is not None:
        members["until"] = until
    return _post(f"/v1/wallets/{_part(seller_account)}/holds", Hold, members)


def holds(
    seller_account: str, filters: Mapping[str, str], cursor: str | None, limit: int
) -> Call[HoldPage]:
    """A page of what stops a seller's payouts."""
    path = f"/v1/wallets/{_part(seller_account)}/holds"
    return Call("GET", path, HoldPage, _page(filters, cursor, limit))


def release_hold(seller_account: str, hold_id: str, reason: str) -> Call[Hold]:
    """Let payouts go on."""
    path = f"/v1/wallets/{_part(seller_account)}/holds/{_part(hold_id)}/release"
    return _post(path, Hold, {"reason": reason})


def create_payout(
    seller_account: str, currency: str, amount: Decimal | str | None, note: str
) -> Call[Payout]:
    """Pay a seller all that may be paid, or an amount."""
    members: dict[str, Any] = {"seller_account": seller_account, "currency": currency}
    members |= _amount(amount)
    if note:
        members["note"] = note
    return _post("/v1/payouts", Payout, members)


def payout(payout_id: str) -> Call[Payout]:
    """One payout."""
    return Call("GET", f"/v1/payouts/{_part(payout_id)}", Payout)


def payouts(filters: Mapping[str, str], cursor: str | None, limit: int) -> Call[PayoutPage]:
    """A page of payouts."""
    return Call("GET", "/v1/payouts", PayoutPage, _page(filters, cursor, limit))


def upload(path: Path, name: str | None) -> Call[UploadedFile]:
    """Hand in a settlement report or a bank statement."""
    query = (("name", name or path.name),)
    return Call("POST", "/v1/reconciliation/files", UploadedFile, query, file=path)


def _post(path: str, answer: type[T], members: Mapping[str, Any]) -> Call[T]:
    return Call("POST", path, answer, (), _encoder.encode(members))


def _page(
    filters: Mapping[str, str], cursor: str | None, limit: int
) -> tuple[tuple[str, str], ...]:
    given = {**filters, "limit": str(limit)}
    return tuple((given if cursor is None else {**given, "cursor": cursor}).items())


def _amount(amount: Decimal | str | None) -> dict[str, Any]:
    return {} if amount is None else {"amount": _text(exact(amount))}


def _text(amount: Decimal) -> str:
    """Without an exponent, which no amount of the API has."""
    return f"{amount:f}"


def _part(identifier: str) -> str:
    return quote(identifier, safe="")
