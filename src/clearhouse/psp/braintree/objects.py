"""What enters from Braintree's SDK, converted where it enters: typed, frozen and ours."""

# The SDK has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from clearhouse.kernel.money import Money, exponent


@dataclass(frozen=True, slots=True)
class Transaction:
    """What we read of a Braintree transaction; ``amount`` is in major units, as sent.

    ``type`` is sale or credit; a credit that gives a sale back names it in ``refunded``, and the
    sale names its credits in ``refunds``. ``settlement_code`` is the processor's word when it
    refused to settle. ``was_submitted`` says whether it was ever on its way to settlement.
    """

    id: str
    status: str
    amount: str
    currency: str
    response_code: str = ""
    response_type: str = ""
    rejection: str = ""
    created_at: datetime | None = None
    order_id: str = ""
    type: str = "sale"
    settlement_code: str = ""
    expires_at: datetime | None = None
    updated_at: datetime | None = None
    refunded: str = ""
    refunds: tuple[str, ...] = ()
    was_submitted: bool = False
    disputes: "tuple[Dispute, ...]" = ()
    card_tail: str = ""


@dataclass(frozen=True, slots=True)
class Dispute:
    """What we read of a Braintree dispute; ``amount`` in major units.

    ``evidence`` are the texts that are there, each with its category or an empty one.
    """

    id: str
    status: str
    kind: str
    amount: str
    currency: str
    reason: str
    transaction_id: str
    opened: date | None = None
    reply_by: date | None = None
    program: str = ""
    evidence: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that Braintree did not execute: the codes of its validation errors."""

    codes: tuple[str, ...]


SUBMITTED = frozenset({"submitted_for_settlement", "settling", "settlement_confirmed", "settled"})
"""Statuses in which the money is taken, or certain to be."""


def amount_of(made: Transaction) -> Money:
    """What a transaction says it is for.

    Raises ArithmeticError or ValueError for what is no amount of its currency.
    """
    return money(made.amount, made.currency)


def money(written: str, currency: str) -> Money:
    """An amount in major units; raises ArithmeticError or ValueError for what is none."""
    scaled = Decimal(written).scaleb(exponent(currency))
    minor = int(scaled)
    if minor != scaled:
        raise ValueError(f"{written} is not an amount of {currency}")
    return Money(minor, currency)


def transaction_of(made: Any) -> Transaction:
    """A transaction of the SDK's."""
    history: Any = getattr(made, "status_history", None) or ()
    statuses = {str(getattr(event, "status", "")) for event in history}
    return Transaction(
        id=str(made.id),
        status=_text(made, "status"),
        amount=str(made.amount),
        currency=_text(made, "currency_iso_code"),
        response_code=_text(made, "processor_response_code"),
        response_type=_text(made, "processor_response_type"),
        rejection=_text(made, "gateway_rejection_reason"),
        created_at=moment(made, "created_at"),
        order_id=_text(made, "order_id"),
        type=_text(made, "type"),
        settlement_code=_text(made, "processor_settlement_response_code"),
        expires_at=moment(made, "authorization_expires_at"),
        updated_at=moment(made, "updated_at"),
        refunded=_text(made, "refunded_transaction_id"),
        refunds=tuple(str(each) for each in getattr(made, "refund_ids", None) or ()),
        disputes=tuple(dispute_of(each) for each in getattr(made, "disputes", None) or ()),
        was_submitted=bool(statuses & SUBMITTED) or _text(made, "status") in SUBMITTED,
        card_tail=_text(getattr(made, "credit_card_details", None), "last_4"),
    )


def settled_of(made: Any) -> dict[str, str]:
    """A settled transaction of the SDK's, in the columns of the payment-level fee report."""
    history: Any = getattr(made, "status_history", None) or ()
    settled = [each.timestamp for each in history if str(each.status) == "settled"]
    card: Any = getattr(made, "credit_card_details", None)
    paid = _day(getattr(made, "disbursement_details", None), "disbursement_date")
    return {
        "Merchant Account ID": _text(made, "merchant_account_id"),
        "Transaction ID": str(made.id),
        "Original Transaction ID": _text(made, "refunded_transaction_id"),
        "Transaction Type": _text(made, "type"),
        "Settlement Currency": _text(made, "currency_iso_code"),
        "Settlement Amount": str(made.amount),
        "Settlement Date": f"{settled[0]:%Y-%m-%d}" if settled else "",
        "Disbursement Date": f"{paid}" if paid else "",
        "Order ID": _text(made, "order_id"),
        "Last 4 of CC": _text(card, "last_4"),
    }


def dispute_of(made: Any) -> Dispute:
    """A dispute of the SDK's."""
    disputed: Any = getattr(made, "amount_disputed", None)
    sale: Any = getattr(made, "transaction_details", None)
    evidence: Any = getattr(made, "evidence", None) or ()
    return Dispute(
        id=str(made.id),
        status=_text(made, "status"),
        kind=_text(made, "kind"),
        amount=str(made.amount if disputed is None else disputed),
        currency=_text(made, "currency_iso_code"),
        reason=_text(made, "reason"),
        transaction_id=_text(sale, "id"),
        opened=_day(made, "date_opened") or _day(made, "received_date"),
        reply_by=_day(made, "reply_by_date"),
        program=_text(made, "pre_dispute_program"),
        evidence=tuple((_text(each, "category"), _text(each, "comments")) for each in evidence),
    )


def moment(made: Any, name: str) -> datetime | None:
    """A time of the SDK's, which converts to UTC and drops the zone."""
    found: datetime | None = getattr(made, name, None)
    return found.replace(tzinfo=UTC) if isinstance(found, datetime) else None


def _text(made: Any, name: str) -> str:
    return str(getattr(made, name, None) or "")


def _day(made: Any, name: str) -> date | None:
    found: Any = getattr(made, name, None)
    if isinstance(found, datetime):
        return found.date()
    return found if isinstance(found, date) else None
