"""What the API answers: typed views of the services' values, encoded deterministically.

Amounts are decimal strings, times are RFC 3339 in UTC. New members may be added; none
changes its meaning.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from clearhouse.kernel.money import format_minor
from clearhouse.payments.model import (
    CaptureMode,
    OrderStatus,
    PaymentEvent,
    PaymentOrder,
    StatusReason,
)
from clearhouse.wallets.model import WalletStanding

_encoder: Final = msgspec.json.Encoder()
Moment = Annotated[datetime, Meta(tz=True)]
Amount = Annotated[str, Meta(description="A decimal string in major units.")]


class NextActionView(msgspec.Struct, frozen=True):
    """What the buyer must do before the payment can go on."""

    type: Annotated[str, Meta(description="`redirect`: send the buyer to `redirect_url`.")]
    redirect_url: Annotated[str, Meta(description="A page of the PSP or the card's bank.")]


class OrderView(msgspec.Struct, frozen=True):
    """A payment order: money from one buyer to one seller, and where it is."""

    payment_order_id: Annotated[str, Meta(description="Yours, as you gave it.")]
    checkout_id: Annotated[str, Meta(description="The checkout that it belongs to.")]
    seller_account: Annotated[str, Meta(description="Who is owed the money.")]
    amount: Amount
    currency: Annotated[str, Meta(description="ISO 4217.")]
    psp: Annotated[str, Meta(description="Who executes it.")]
    status: Annotated[
        OrderStatus,
        Meta(
            description="`NOT_STARTED` and `EXECUTING` move on; `SUCCESS` and `FAILED` are final."
        ),
    ]
    status_reason: Annotated[
        StatusReason | None, Meta(description="Why it is there, when the status says too little.")
    ]
    failure_code: Annotated[
        str | None, Meta(description="`FAILED` only: the normalised reason of the decline.")
    ]
    psp_reference: Annotated[str | None, Meta(description="The PSP's own id of the payment.")]
    platform_fee: Annotated[
        str | None, Meta(description="`SUCCESS` only: the platform's part of the amount.")
    ]
    capture: Annotated[
        CaptureMode, Meta(description="Whether the money is taken at once or held first.")
    ]
    captured_amount: Annotated[str, Meta(description="What was really taken of the amount.")]
    refunded_amount: Annotated[str, Meta(description="Given back, or on its way back.")]
    disputed_amount: Annotated[
        str, Meta(description="Withdrawn by disputes that are open or lost, unless refunded.")
    ]
    next_action: Annotated[
        NextActionView | None,
        Meta(description="`requires_action` only: where the buyer must go."),
    ]
    expires_at: Annotated[
        Moment | None,
        Meta(description="Until when the authorization stands or the buyer may act, if told."),
    ]
    ledger_updated: Annotated[bool, Meta(description="The journal entry is booked.")]
    wallet_updated: Annotated[bool, Meta(description="The seller's balance has it.")]
    created_at: Annotated[Moment, Meta(description="When it was accepted.")]
    updated_at: Annotated[Moment, Meta(description="When it changed last.")]
    finalized_at: Annotated[
        Moment | None, Meta(description="When it became `SUCCESS` or `FAILED`.")
    ]


class AttemptView(msgspec.Struct, frozen=True):
    """A series of calls to one PSP under one idempotency key."""

    number: Annotated[int, Meta(description="1 for the first.")]
    psp: Annotated[str, Meta(description="Who was asked.")]
    idempotency_key: Annotated[str, Meta(description="The key that the PSP was given.")]
    calls: Annotated[int, Meta(description="How often the PSP was called with it.")]
    outcome: Annotated[str | None, Meta(description="What the last call told; null before that.")]
    detail: Annotated[str | None, Meta(description="One line for people.")]
    started_at: Annotated[Moment, Meta(description="When the PSP was first asked.")]
    finished_at: Annotated[Moment | None, Meta(description="When the outcome was known.")]


class CheckoutView(msgspec.Struct, frozen=True):
    """A payment event: one checkout of one buyer, with its orders as they were asked for."""

    checkout_id: Annotated[str, Meta(description="Yours, as you gave it.")]
    payment_event_id: Annotated[str, Meta(description="Ours: a UUIDv7.")]
    psp: Annotated[str, Meta(description="Who executes its orders.")]
    is_payment_done: Annotated[
        bool,
        Meta(description="All orders are final, and those that succeeded are booked."),
    ]
    created_at: Annotated[Moment, Meta(description="When it was accepted.")]
    payment_page_url: Annotated[
        str | None,
        Meta(description="Without `credit_card_info`: send the buyer here to pay."),
    ]
    payment_orders: list[OrderView]


class OrderPageView(msgspec.Struct, frozen=True):
    """Payment orders, newest first."""

    items: list[OrderView]
    next_cursor: Annotated[
        str | None,
        Meta(description="Send it as `cursor` for the next page; null on the last page."),
    ]


class BalanceView(msgspec.Struct, frozen=True):
    """What a seller is owed in one currency."""

    currency: Annotated[str, Meta(description="ISO 4217.")]
    pending: Annotated[str, Meta(description="Earned, and not settled by the PSP yet.")]
    available: Annotated[str, Meta(description="Ready to be paid out; never below zero.")]
    reserved: Annotated[str, Meta(description="Kept back against refunds, or held by disputes.")]
    in_transit: Annotated[str, Meta(description="On its way by payouts that are not paid yet.")]
    debt: Annotated[
        str,
        Meta(description="What the seller owes after money went back; later sales pay it first."),
    ]
    payouts_held: Annotated[bool, Meta(description="Whether holds stop payouts now.")]
    next_matures_at: Annotated[
        datetime | None,
        Meta(description="When more is available; null: with a settlement, or nothing waits."),
    ]


class WalletView(msgspec.Struct, frozen=True):
    """A seller's wallet: one balance per currency that ever moved."""

    seller_account: Annotated[str, Meta(description="Yours, as you gave it.")]
    balances: list[BalanceView]


class HealthView(msgspec.Struct, frozen=True):
    """A sign of life."""

    status: Annotated[str, Meta(description="`ok` or `ready`.")]


class FaultView(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing wrong with a request, and where."""

    code: Annotated[str, Meta(description="A stable word for what is wrong.")]
    detail: Annotated[str, Meta(description="A sentence for people; never a value you sent.")]
    pointer: Annotated[str, Meta(description="JSON pointer (RFC 6901) into the body.")] | (
        msgspec.UnsetType
    ) = msgspec.UNSET
    parameter: Annotated[str, Meta(description="A query parameter's name.")] | (
        msgspec.UnsetType
    ) = msgspec.UNSET


class ProblemView(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong (RFC 9457)."""

    type: Annotated[str, Meta(description="Stable; `/problems/<slug>`, a page of this server.")]
    title: Annotated[str, Meta(description="What kind of problem it is; the same for each type.")]
    status: Annotated[int, Meta(description="The HTTP status again.")]
    detail: Annotated[str, Meta(description="What is particular to this case.")]
    request_id: Annotated[str, Meta(description="The same as the Request-Id header.")]
    errors: Annotated[list[FaultView], Meta(description="Every fault at once.")] | (
        msgspec.UnsetType
    ) = msgspec.UNSET


def encode(view: msgspec.Struct) -> bytes:
    """A view as JSON; equal views give equal bytes."""
    return _encoder.encode(view)


def view_order(order: PaymentOrder) -> OrderView:
    """One order, as lists and checkouts show it."""
    return OrderView(*order_members(order))


def view_checkout(event: PaymentEvent, public_url: str) -> CheckoutView:
    """One payment event; the answer to ``POST /v1/payments`` as well.

    ``public_url`` is where buyers reach this API.
    """
    return CheckoutView(
        event.checkout_id,
        str(event.event_id),
        event.psp,
        event.is_payment_done,
        event.created_at,
        f"{public_url}/pay/{event.page_token}" if event.page_token else None,
        [view_order(order) for order in event.orders],
    )


def view_wallet(seller_account: str, balances: Sequence[WalletStanding]) -> WalletView:
    """A seller's balances."""
    shown = [
        BalanceView(
            balance.currency,
            format_minor(balance.pending_minor, balance.currency),
            format_minor(balance.available_minor, balance.currency),
            format_minor(balance.reserved_minor, balance.currency),
            format_minor(balance.in_transit_minor, balance.currency),
            format_minor(balance.debt_minor, balance.currency),
            balance.is_held,
            balance.next_matures_at,
        )
        for balance in balances
    ]
    return WalletView(seller_account, shown)


def order_members(
    order: PaymentOrder,
) -> tuple[
    str,
    str,
    str,
    str,
    str,
    str,
    OrderStatus,
    StatusReason | None,
    str | None,
    str | None,
    str | None,
    CaptureMode,
    str,
    str,
    str,
    NextActionView | None,
    datetime | None,
    bool,
    bool,
    datetime,
    datetime,
    datetime | None,
]:
    """An order's members in the order of OrderView's fields."""
    currency = order.amount.currency
    fee, url = order.fee_minor, order.action_url
    acting = url is not None and order.status_reason is StatusReason.REQUIRES_ACTION
    return (
        order.payment_order_id,
        order.checkout_id,
        order.seller_account,
        format_minor(order.amount.minor, currency),
        currency,
        order.psp,
        order.status,
        order.status_reason,
        order.failure_code,
        order.psp_reference,
        None if fee is None else format_minor(fee, currency),
        order.capture_mode,
        format_minor(order.captured_minor, currency),
        format_minor(order.refunded_minor, currency),
        format_minor(order.disputed_minor, currency),
        NextActionView("redirect", url) if acting and url else None,
        order.expires_at,
        order.ledger_updated,
        order.wallet_updated,
        order.created_at,
        order.updated_at,
        order.finalized_at,
    )
