"""What the API says of disputes, and what it promises of them."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from clearhouse.access.model import Scope
from clearhouse.api.listing import DEFAULT_LIMIT, MAX_LIMIT
from clearhouse.api.operation import Operation, path_parameter, query_parameter
from clearhouse.api.responses import Moment
from clearhouse.kernel.money import format_minor
from clearhouse.payments.disputes.model import Dispute, DisputeMoney
from clearhouse.psp.disputes import DisputeStage


class DisputeView(msgspec.Struct, frozen=True):
    """Money that a buyer's bank asks back."""

    dispute_id: Annotated[str, Meta(description="Ours.")]
    payment_order_id: Annotated[str, Meta(description="The payment it is about.")]
    seller_account: Annotated[str, Meta(description="The seller it concerns.")]
    amount: Annotated[str, Meta(description="What the bank asks back, in major units.")]
    seller_share: Annotated[
        str, Meta(description="The part that the seller bears, should it be lost.")
    ]
    currency: Annotated[str, Meta(description="ISO 4217.")]
    stage: Annotated[DisputeStage, Meta(description="Where it is at the PSP; see the reference.")]
    money: Annotated[
        DisputeMoney,
        Meta(
            description="`none`: nothing has moved. `held`: withdrawn, the seller's share is in "
            "reserve. `returned`: it came back. `taken`: it is gone."
        ),
    ]
    reason: Annotated[str, Meta(description="The PSP's word for why.")]
    psp: Annotated[str, Meta(description="Who tells of it.")]
    psp_reference: Annotated[str, Meta(description="The PSP's own id of the dispute.")]
    evidence_due_at: Annotated[
        Moment | None, Meta(description="Until when evidence is taken, as the PSP says.")
    ]
    created_at: Annotated[Moment, Meta(description="When we first heard of it.")]
    updated_at: Annotated[Moment, Meta(description="When anything about it changed last.")]


class DisputePageView(msgspec.Struct, frozen=True):
    """Disputes, newest first."""

    items: list[DisputeView]
    next_cursor: Annotated[
        str | None,
        Meta(description="Send it as `cursor` for the next page; null on the last page."),
    ]


def view_dispute(dispute: Dispute) -> DisputeView:
    """One dispute."""
    currency = dispute.amount.currency
    return DisputeView(
        dispute.public_id,
        dispute.payment_order_id,
        dispute.seller_account,
        format_minor(dispute.amount.minor, currency),
        format_minor(dispute.seller_minor, currency),
        currency,
        dispute.stage,
        dispute.money,
        dispute.reason,
        dispute.psp,
        dispute.psp_reference,
        dispute.evidence_due_at,
        dispute.created_at,
        dispute.updated_at,
    )


DISPUTE: Final[dict[str, Any]] = {
    "dispute_id": "dp_019ca8d5a4c17d0e9b1e6a5f0c3b2d41",
    "payment_order_id": "checkout-7f3a-lamps",
    "seller_account": "lamps-and-more",
    "amount": "49.90",
    "seller_share": "49.90",
    "currency": "EUR",
    "stage": "needs_response",
    "money": "held",
    "reason": "product_not_received",
    "psp": "stripe",
    "psp_reference": "du_1QxYzAbCdEfGhIjK",
    "evidence_due_at": "2026-03-20T23:59:59Z",
    "created_at": "2026-03-11T08:14:02.550127Z",
    "updated_at": "2026-03-11T08:14:02.550127Z",
}

DISPUTES: Final = (
    Operation(
        "GET",
        "/v1/disputes",
        "listDisputes",
        "Disputes",
        "List disputes",
        "Newest first, in all stages or in one.",
        200,
        Scope.DISPUTES_READ,
        (
            query_parameter(
                "stage", "Only disputes in this stage.", type="string", enum=[*DisputeStage]
            ),
            query_parameter(
                "limit",
                "How many disputes a page holds.",
                type="integer",
                minimum=1,
                maximum=MAX_LIMIT,
                default=DEFAULT_LIMIT,
            ),
            query_parameter("cursor", "`next_cursor` of the page before, with the same stage."),
        ),
        response=DisputePageView,
        response_example={"items": [DISPUTE], "next_cursor": None},
        response_headers={"Link": 'The next page, as `rel="next"`.'},
        problems=("invalid-parameter",),
    ),
    Operation(
        "GET",
        "/v1/disputes/{dispute_id}",
        "getDispute",
        "Disputes",
        "Get a dispute",
        "Where it is, what of it the seller bears, and until when it can be answered.",
        200,
        Scope.DISPUTES_READ,
        (path_parameter("dispute_id", "The dispute's id.", DISPUTE["dispute_id"]),),
        response=DisputeView,
        response_example=DISPUTE,
        problems=("not-found",),
    ),
)
