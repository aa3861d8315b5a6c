"""What the API says of disputes: types that define the JSON, and their values."""

from typing import Annotated

import msgspec
from msgspec import Meta

from clearhouse.api.responses import Moment
from clearhouse.kernel.money import format_minor
from clearhouse.payments.disputes.answering import Answer, AnswerKind
from clearhouse.payments.disputes.model import Dispute, DisputeMoney
from clearhouse.payments.operations.model import OperationStatus
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


class DisputeAnswerView(msgspec.Struct, frozen=True):
    """How a dispute was answered, and what became of the answer."""

    answer_id: Annotated[str, Meta(description="Ours.")]
    dispute_id: Annotated[str, Meta(description="The dispute it answers.")]
    kind: Annotated[
        AnswerKind,
        Meta(description="`evidence`: the bank decides. `acceptance`: we give in, and it is lost."),
    ]
    text: Annotated[str, Meta(description="The evidence's text.")]
    fields: Annotated[dict[str, str], Meta(description="The evidence's facts by name.")]
    status: Annotated[
        OperationStatus,
        Meta(
            description="`CREATED` and `SUBMITTED` are under way. `SUCCEEDED`: the PSP has taken "
            "it. `FAILED`: it has not, and a person is told."
        ),
    ]
    status_reason: Annotated[
        str | None,
        Meta(
            description="While under way: `psp_unavailable` or `unknown_outcome`, it is sent again."
            " When it failed: the PSP's reason in our words."
        ),
    ]
    created_at: Annotated[Moment, Meta(description="When it was accepted.")]
    updated_at: Annotated[Moment, Meta(description="When anything about it changed last.")]
    finalized_at: Annotated[Moment | None, Meta(description="When it succeeded or failed.")]


class DisputeAnswerListView(msgspec.Struct, frozen=True):
    """All answers to a dispute, oldest first."""

    items: list[DisputeAnswerView]


def view_answer(answer: Answer, dispute_id: str) -> DisputeAnswerView:
    """One answer."""
    return DisputeAnswerView(
        answer.public_id,
        dispute_id,
        answer.kind,
        answer.evidence.text,
        dict(answer.evidence.fields),
        answer.status,
        answer.reason,
        answer.created_at,
        answer.updated_at,
        answer.finalized_at,
    )


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
