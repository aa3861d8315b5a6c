"""What the API says of payouts and of where sellers are paid."""

from typing import Annotated

import msgspec
from msgspec import Meta

from clearhouse.api.responses import Amount, Moment, encode
from clearhouse.kernel.money import format_minor
from clearhouse.wallets.payouts.model import BankDetails, Payout, PayoutStatus


class PayoutView(msgspec.Struct, frozen=True):
    """Money on its way to a seller."""

    payout_id: Annotated[str, Meta(description="Ours.")]
    seller_account: Annotated[str, Meta(description="Who is paid.")]
    amount: Amount
    currency: Annotated[str, Meta(description="ISO 4217.")]
    status: Annotated[
        PayoutStatus,
        Meta(
            description="`created`: somebody must approve it. `approved`: it is sent next. "
            "`submitted`: it may have been sent. `paid`; it may still come back. `failed`, "
            "`returned`, `cancelled`: the seller has the money available again."
        ),
    ]
    status_reason: Annotated[
        str | None,
        Meta(
            description="`submitted`: what is known of it. `failed` and `returned`: why, in words "
            "that mean the same for all rails."
        ),
    ]
    detail: Annotated[
        str, Meta(description="The last word of the bank or PSP, or why it was cancelled.")
    ]
    period: Annotated[
        str | None, Meta(description="The schedule's period; null where somebody asked for it.")
    ]
    note: Annotated[str, Meta(description="What was noted with it.")]
    needs_approval: Annotated[bool, Meta(description="Whether somebody else must let it go.")]
    created_by: Annotated[str, Meta(description="An API key, an operator, or `schedule`.")]
    approved_by: Annotated[str | None, Meta(description="Who let it go, where somebody had to.")]
    rail: Annotated[str | None, Meta(description="The way it takes, once it is submitted.")]
    batch_id: Annotated[str | None, Meta(description="What it was sent with; names a bank file.")]
    reference: Annotated[str | None, Meta(description="The bank's or PSP's own name of it.")]
    created_at: Moment
    updated_at: Annotated[Moment, Meta(description="When anything about it changed last.")]
    submitted_at: Moment | None
    paid_at: Annotated[Moment | None, Meta(description="When it left, as the rail says.")]


class PayoutPageView(msgspec.Struct, frozen=True):
    """Payouts, newest first."""

    items: list[PayoutView]
    next_cursor: Annotated[
        str | None,
        Meta(description="Send it as `cursor` for the next page; null on the last page."),
    ]


class BankDetailsView(msgspec.Struct, frozen=True):
    """Where a seller is paid in a currency; the account itself is never shown."""

    currency: Annotated[str, Meta(description="ISO 4217.")]
    kind: Annotated[str, Meta(description="`iban`, `us_account` or `stripe`.")]
    rail: Annotated[str, Meta(description="The way that payouts take.")]
    last_four: Annotated[str, Meta(description="The account's last characters.")]
    usable_from: Annotated[Moment, Meta(description="Nothing is paid to it before.")]
    correction: Annotated[
        str | None,
        Meta(description="A bank said that something about it should be another: its code."),
    ]
    changed_by: Annotated[str, Meta(description="Who gave it.")]
    changed_at: Moment


class BankDetailsListView(msgspec.Struct, frozen=True):
    """Where a seller is paid, by currency."""

    seller_account: str
    items: list[BankDetailsView]


def view_payout(payout: Payout) -> PayoutView:
    """One payout."""
    return PayoutView(
        payout.public_id,
        payout.seller_account,
        format_minor(payout.amount.minor, payout.amount.currency),
        payout.amount.currency,
        payout.status,
        payout.reason,
        payout.detail,
        payout.period,
        payout.note,
        payout.needs_approval,
        payout.created_by,
        payout.approved_by,
        payout.rail,
        payout.batch_id.hex if payout.batch_id else None,
        payout.reference,
        payout.created_at,
        payout.updated_at,
        payout.submitted_at,
        payout.paid_at,
    )


def payout_answer(payout: Payout) -> bytes:
    """The answer to a payout that was created."""
    return encode(view_payout(payout))


def view_details(details: BankDetails) -> BankDetailsView:
    """One account."""
    return BankDetailsView(
        details.currency,
        details.kind,
        details.rail,
        details.last_four,
        details.usable_from,
        details.correction,
        details.created_by,
        details.created_at,
    )
