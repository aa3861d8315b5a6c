"""What merchants are told: which events leave the house, and how they look outside. Pure.

The form is that of Standard Webhooks (https://www.standardwebhooks.com): ``type``, ``timestamp``
and ``data``. Ids are those that merchants know, amounts are decimal strings, and ``version``
says how old what they hold is: a smaller one of the same object is older, whenever it arrives.

Why a table of fields and not whatever an event holds: what is sent once is a promise to
strangers, and a field that a service adds for another one must not become such by accident.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import msgspec

from clearhouse.kernel.money import format_minor
from clearhouse.messaging.events import (
    DisputeClosed,
    DisputeOpened,
    DisputeUpdated,
    Event,
    PaymentEventDone,
    PaymentOrderActionRequired,
    PaymentOrderAuthorized,
    PaymentOrderFailed,
    PaymentOrderReversed,
    PaymentOrderSucceeded,
    ReconciliationAlert,
    RefundCreated,
    RefundFailed,
    RefundSucceeded,
    StrayChargeFound,
    type_of,
)
from clearhouse.messaging.payout_events import (
    BankDetailsChanged,
    PayoutApproved,
    PayoutCancelled,
    PayoutCorrected,
    PayoutCreated,
    PayoutFailed,
    PayoutPaid,
    PayoutReturned,
    PayoutSubmitted,
)
from clearhouse.webhooks.outgoing.model import Endpoint


@dataclass(frozen=True, slots=True)
class Shown:
    """How an event looks outside: the field that names its object first, then the others.

    ``says`` is one sentence for the reference.
    """

    says: str
    fields: tuple[str, ...]


def _shown(says: str, fields: str) -> Shown:
    return Shown(says, tuple(fields.split()))


_MONEY: Final = "seller_account amount currency"
_REFUND: Final = f"refund_id payment_order_id {_MONEY}"
_PAYOUT: Final = f"payout_id {_MONEY}"
_ORDER: Final = "payment_order_id checkout_id seller_account"

PUBLIC: Final[Mapping[type[Event], Shown]] = MappingProxyType(
    {
        PaymentEventDone: _shown(
            "All orders of a checkout are final, and those that succeeded are booked.",
            "checkout_id",
        ),
        PaymentOrderActionRequired: _shown(
            "The buyer must do something, at `redirect_url` where there is one.",
            f"{_ORDER} redirect_url",
        ),
        PaymentOrderAuthorized: _shown(
            "The money is held, to be captured or voided until `expires_at`.",
            f"payment_order_id checkout_id {_MONEY} psp expires_at",
        ),
        PaymentOrderSucceeded: _shown(
            "The buyer has paid; the seller is owed `amount` less `platform_fee`.",
            f"payment_order_id checkout_id {_MONEY} platform_fee psp psp_reference",
        ),
        PaymentOrderFailed: _shown(
            "The order is final, and nothing was charged.",
            f"payment_order_id checkout_id {_MONEY} psp reason",
        ),
        PaymentOrderReversed: _shown(
            "The PSP took a payment back that had succeeded.",
            f"payment_order_id checkout_id {_MONEY} platform_fee psp reason",
        ),
        RefundCreated: _shown(
            "Money will go back to the buyer; the seller gets `fee_returned` of the fee.",
            f"{_REFUND} fee_returned psp reason",
        ),
        RefundSucceeded: _shown(
            "The PSP gave the money back.",
            f"{_REFUND} psp psp_reference",
        ),
        RefundFailed: _shown(
            "The money did not go back, or came back later (`had_succeeded`).",
            f"{_REFUND} fee_returned psp reason had_succeeded",
        ),
        StrayChargeFound: _shown(
            "A charge was found that no order stands for; it is given back to the buyer.",
            "refund_id payment_order_id amount currency psp psp_reference",
        ),
        DisputeOpened: _shown(
            "The buyer's bank has asked the money back; `seller_share` of it is held.",
            f"dispute_id payment_order_id {_MONEY} seller_share psp psp_reference reason",
        ),
        DisputeUpdated: _shown(
            "A dispute is in another stage, which moves no money.",
            "dispute_id payment_order_id seller_account stage",
        ),
        DisputeClosed: _shown(
            "A dispute ended: `won` gives what was held back to the seller.",
            f"dispute_id payment_order_id {_MONEY} seller_share psp stage won",
        ),
        PayoutCreated: _shown(
            "Money left what a seller has available, to be paid to the seller.",
            f"{_PAYOUT} needs_approval period",
        ),
        PayoutApproved: _shown("A second person let a payout go.", _PAYOUT),
        PayoutSubmitted: _shown("It may have been sent from here on.", f"{_PAYOUT} rail"),
        PayoutPaid: _shown(
            "The seller's account was credited, as far as anybody knows; it may come back.",
            f"{_PAYOUT} rail reference",
        ),
        PayoutFailed: _shown(
            "It did not reach the seller, who has the money available again.",
            f"{_PAYOUT} rail reason was_paid",
        ),
        PayoutReturned: _shown(
            "It had left and came back; the seller has the money available again.",
            f"{_PAYOUT} rail reason",
        ),
        PayoutCancelled: _shown(
            "It was taken back before it was sent; the seller has the money available again.",
            _PAYOUT,
        ),
        PayoutCorrected: _shown(
            "The bank paid, and says that the seller's bank details should be others next time.",
            "payout_id seller_account currency rail code",
        ),
        BankDetailsChanged: _shown(
            "A seller is paid to another account from `usable_from` on: let the seller know.",
            "seller_account currency rail last_four was_known usable_from",
        ),
        ReconciliationAlert: _shown(
            "Reconciliation: too much of a day does not agree (`kind` is `unmatched_value`, the "
            "share in `basis_points`), or something for too long (`age`, in `age_days`, by its "
            "`cause`). Told once for a day, and for the platform: endpoints of one seller do not "
            "get it.",
            "alert_id kind psp cause currency amount day basis_points age_days limit",
        ),
    }
)
"""The events that merchants may hear of; whoever adds one adds a line, and its field names.

One object has one numbering: an event whose versions count something else does not belong here.
"""

SOURCES: Final = {
    "amount": "amount_minor",
    "platform_fee": "fee_minor",
    "fee_returned": "fee_returned_minor",
    "seller_share": "seller_minor",
}
"""The fields that are called otherwise inside; those in minor units become decimal strings."""

TEST: Final = "webhook_endpoint.test"
DISABLED: Final = "webhook_endpoint.disabled"
NOTICES: Final[Mapping[str, str]] = MappingProxyType(
    {
        TEST: "Somebody asked for it, to see whether an endpoint works.",
        DISABLED: "Another endpoint was switched off, since it took nothing any more.",
    }
)
"""What is told about endpoints themselves."""

TYPES: Final = tuple(sorted([*(type_of(event) for event in PUBLIC), *NOTICES]))
"""All types, as filters and the reference name them."""


@dataclass(frozen=True, slots=True)
class Message:
    """One event as it leaves: ``payload`` is the exact JSON that is signed and sent.

    ``seller_account`` is whom it concerns, where it concerns one seller.
    """

    type: str
    aggregate_id: UUID
    version: int
    object_id: str
    seller_account: str | None
    payload: str


def message_of(event: Event) -> Message | None:
    """An event as a message, or None for one that stays inside."""
    shown = PUBLIC.get(type(event))
    if shown is None:
        return None
    kind = type_of(event)
    data = {name: _value(event, name) for name in shown.fields}
    return Message(
        type=kind,
        aggregate_id=event.aggregate_id,
        version=event.version,
        object_id=data[shown.fields[0]],
        seller_account=data.get("seller_account"),
        payload=_payload(kind, event.occurred_at, event.version, data),
    )


def notice_of(kind: str, endpoint: Endpoint, version: int, at: datetime) -> Message:
    """A message about an endpoint itself; ``version`` counts those about it."""
    data: dict[str, Any] = {"endpoint_id": endpoint.public_id, "url": endpoint.url}
    if kind == DISABLED:
        data["reason"] = endpoint.disabled_reason
    return Message(
        type=kind,
        aggregate_id=endpoint.endpoint_id,
        version=version,
        object_id=endpoint.public_id,
        seller_account=endpoint.seller_account,
        payload=_payload(kind, at, version, data),
    )


def matches(filters: tuple[str, ...], kind: str) -> bool:
    """Whether an endpoint's filters let a type through; none let everything through.

    A filter is a type, or everything of one object as ``refund.*``.
    """
    return not filters or any(
        one == kind or (one.endswith(".*") and kind.startswith(one[:-1])) for one in filters
    )


def is_filter(text: str) -> bool:
    """Whether a filter can ever let something through."""
    return any(matches((text,), kind) for kind in TYPES)


def _payload(kind: str, at: datetime, version: int, data: Mapping[str, Any]) -> str:
    return msgspec.json.encode(
        {
            "type": kind,
            "timestamp": at.astimezone(UTC),
            "data": {"version": version, **data},
        }
    ).decode()


def _value(event: Event, name: str) -> Any:
    source = SOURCES.get(name, name)
    value = getattr(event, source)
    if source.endswith("_minor"):
        return format_minor(value, getattr(event, "currency"))  # noqa: B009
    return value
