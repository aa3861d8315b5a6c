"""What the operations on disputes promise, and their examples."""

from typing import Any, Final

from clearhouse.access.model import Scope
from clearhouse.api.dispute_bodies import AcceptanceRequest, EvidenceRequest
from clearhouse.api.dispute_views import (
    DisputeAnswerListView,
    DisputeAnswerView,
    DisputePageView,
    DisputeView,
)
from clearhouse.api.listing import DEFAULT_LIMIT, MAX_LIMIT
from clearhouse.api.operation import KEY_HEADER, Operation, path_parameter, query_parameter
from clearhouse.psp.disputes import DisputeStage

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

ANSWER: Final[dict[str, Any]] = {
    "answer_id": "da_019ca8d6b1e27f3c8d4a5b6c7d8e9f01",
    "dispute_id": "dp_019ca8d5a4c17d0e9b1e6a5f0c3b2d41",
    "kind": "evidence",
    "text": "The lamp was handed over on 4 March; the buyer signed for it.",
    "fields": {"shipping_tracking_number": "LX 447 120 993 DE"},
    "status": "CREATED",
    "status_reason": None,
    "created_at": "2026-03-12T10:02:41.700912Z",
    "updated_at": "2026-03-12T10:02:41.700912Z",
    "finalized_at": None,
}
_ANSWERED: Final = {
    **ANSWER,
    "status": "SUCCEEDED",
    "updated_at": "2026-03-12T10:02:42.310577Z",
    "finalized_at": "2026-03-12T10:02:42.310577Z",
}
_DISPUTE_ID: Final = path_parameter("dispute_id", "The dispute's id.", DISPUTE["dispute_id"])
_ANSWERING: Final[dict[str, Any]] = {
    "response_headers": {
        "Location": "The address of the dispute's answers.",
        "Idempotency-Replayed": "`true` when this is an earlier answer, repeated.",
    },
    "problems": (
        "malformed-json",
        "invalid-idempotency-key",
        "not-found",
        "dispute-not-answerable",
        "body-too-large",
        "unsupported-media-type",
        "validation-failed",
        "idempotency-key-reused",
        "idempotency-key-in-use",
    ),
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
        (_DISPUTE_ID,),
        response=DisputeView,
        response_example=DISPUTE,
        problems=("not-found",),
    ),
    Operation(
        "POST",
        "/v1/disputes/{dispute_id}/evidence",
        "sendEvidence",
        "Disputes",
        "Answer a dispute with evidence",
        "Sends a text and named facts to the PSP, for the bank to decide. Once for each time that "
        "the bank asks, unless it fails. The answer comes once it is stored durably; the PSP is "
        "called in the background, again and again until it has it. Without an `Idempotency-Key` "
        "the evidence itself is the key. Documents and pictures go through the PSP's dashboard.",
        202,
        Scope.DISPUTES_WRITE,
        (_DISPUTE_ID, KEY_HEADER),
        EvidenceRequest,
        {
            "a text and a fact": {"text": ANSWER["text"], "fields": ANSWER["fields"]},
            "a text": {"text": ANSWER["text"]},
        },
        DisputeAnswerView,
        ANSWER,
        **_ANSWERING,
    ),
    Operation(
        "POST",
        "/v1/disputes/{dispute_id}/accept",
        "acceptDispute",
        "Disputes",
        "Give in to a dispute",
        "The dispute is lost at once, without a fight; the buyer keeps the money.",
        202,
        Scope.DISPUTES_WRITE,
        (_DISPUTE_ID, KEY_HEADER),
        AcceptanceRequest,
        {"nothing to say": {}},
        DisputeAnswerView,
        {**ANSWER, "kind": "acceptance", "text": "", "fields": {}},
        **_ANSWERING,
    ),
    Operation(
        "GET",
        "/v1/disputes/{dispute_id}/answers",
        "listDisputeAnswers",
        "Disputes",
        "List a dispute's answers",
        "Oldest first, with what became of each.",
        200,
        Scope.DISPUTES_READ,
        (_DISPUTE_ID,),
        response=DisputeAnswerListView,
        response_example={"items": [_ANSWERED]},
        problems=("not-found",),
    ),
)
