"""What the API says of refunds and captures: types that define the JSON, and their values."""

from typing import Annotated

import msgspec
from msgspec import Meta

from clearhouse.api.responses import Moment, encode
from clearhouse.kernel.money import format_minor
from clearhouse.payments.operations.model import Operation, OperationStatus, Origin


class RefundView(msgspec.Struct, frozen=True):
    """Money that goes back to a buyer."""

    refund_id: Annotated[str, Meta(description="Yours, or one that was made for it.")]
    payment_order_id: Annotated[str, Meta(description="The payment it belongs to.")]
    kind: Annotated[
        str,
        Meta(description="`refund` of a sale, or `stray_refund` of a charge without an order."),
    ]
    origin: Annotated[
        Origin,
        Meta(
            description="`client`: asked for here; `engine`: decided here; `psp`: made at the "
            "PSP, such as in its dashboard."
        ),
    ]
    amount: Annotated[str, Meta(description="A decimal string in major units.")]
    fee_returned: Annotated[
        str, Meta(description="The part of the platform's fee that the seller gets back.")
    ]
    currency: Annotated[str, Meta(description="ISO 4217.")]
    status: Annotated[
        OperationStatus,
        Meta(
            description="`CREATED` and `SUBMITTED` are under way. `SUCCEEDED`: the PSP has done "
            "it; the buyer's bank may still send it back. `FAILED`: the money did not go back."
        ),
    ]
    status_reason: Annotated[
        str | None,
        Meta(
            description="While under way: `processing`, `psp_unavailable`, `unknown_outcome` or "
            "`contradiction`. When it failed: the PSP's reason in our words."
        ),
    ]
    reason: Annotated[str, Meta(description="Why, in the words it was asked with.")]
    psp: Annotated[str, Meta(description="Who makes it.")]
    psp_reference: Annotated[str | None, Meta(description="The PSP's own id of the refund.")]
    created_at: Annotated[Moment, Meta(description="When it was accepted.")]
    updated_at: Annotated[Moment, Meta(description="When anything about it changed last.")]
    finalized_at: Annotated[Moment | None, Meta(description="When it succeeded or failed.")]


class AuthorizationEndView(msgspec.Struct, frozen=True):
    """A capture or a void of what is held; what became of it shows in the payment order."""

    operation_id: Annotated[str, Meta(description="Ours; left with the PSP as its reference.")]
    payment_order_id: Annotated[str, Meta(description="The payment it belongs to.")]
    kind: Annotated[str, Meta(description="`capture` or `void`.")]
    amount: Annotated[str, Meta(description="What is taken, or let go.")]
    currency: Annotated[str, Meta(description="ISO 4217.")]
    status: Annotated[OperationStatus, Meta(description="`CREATED`: the PSP is asked next.")]
    psp: Annotated[str, Meta(description="Who holds it.")]
    created_at: Annotated[Moment, Meta(description="When it was accepted.")]


class RefundListView(msgspec.Struct, frozen=True):
    """All refunds of a payment order, oldest first."""

    items: list[RefundView]


def view_refund(operation: Operation) -> RefundView:
    """One refund."""
    currency = operation.amount.currency
    return RefundView(
        operation.public_id,
        operation.payment_order_id,
        operation.kind.value,
        operation.origin,
        format_minor(operation.amount.minor, currency),
        format_minor(operation.fee_returned_minor, currency),
        currency,
        operation.status,
        operation.reason,
        operation.note,
        operation.psp,
        operation.psp_reference,
        operation.created_at,
        operation.updated_at,
        operation.finalized_at,
    )


def refund_answer(operation: Operation) -> bytes:
    """The answer to a refund that was accepted."""
    return encode(view_refund(operation))


def authorization_answer(operation: Operation) -> bytes:
    """The answer to a capture or void that was accepted."""
    currency = operation.amount.currency
    return encode(
        AuthorizationEndView(
            operation.public_id,
            operation.payment_order_id,
            operation.kind.value,
            format_minor(operation.amount.minor, currency),
            currency,
            operation.status,
            operation.psp,
            operation.created_at,
        )
    )
