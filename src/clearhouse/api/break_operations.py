"""What the operations on breaks promise, and their examples."""

from typing import Any, Final

from clearhouse.access.model import Scope
from clearhouse.api.break_bodies import (
    BreakAssignmentRequest,
    BreakCommentRequest,
    BreakDecisionRequest,
    BreakReopeningRequest,
)
from clearhouse.api.break_views import BreakDetailView, BreakListView, BreakView
from clearhouse.api.listing import DEFAULT_LIMIT, MAX_LIMIT
from clearhouse.api.operation import Operation, path_parameter, query_parameter
from clearhouse.reconciliation.matching import CAUSES

BREAK: Final[dict[str, Any]] = {
    "break_id": "019ca8d5-a4c1-7d0e-9b1e-6a5f0c3b2d41",
    "state": "open",
    "cause": "amount_differs",
    "area": "psp",
    "day": "2026-03-02",
    "psp": "stripe",
    "reference": "pi_3QxYzAbCdEfGhIjK",
    "currency": "EUR",
    "ours": "49.90",
    "theirs": "52.90",
    "at_stake": "3.00",
    "owner": "",
    "closed_by": "a person",
    "proposal": CAUSES["amount_differs"].proposal,
    "detail": "charge pi_3QxYzAbCdEfGhIjK for checkout-7f3a-lamps",
    "opened_at": "2026-03-03T05:00:12.550127Z",
    "closed_at": None,
}
_MENDED: Final = {**BREAK, "state": "mended", "closed_at": "2026-03-03T09:12:40.120044Z"}
_BREAK_ID: Final = path_parameter("break_id", "The break's id.", BREAK["break_id"])
_SAID: Final = (
    "malformed-json",
    "not-found",
    "body-too-large",
    "unsupported-media-type",
    "validation-failed",
)

BREAKS: Final = (
    Operation(
        "GET",
        "/v1/breaks",
        "listBreaks",
        "Reconciliation",
        "List breaks",
        "What does not agree between our books, the PSPs' reports and the bank's statements; the "
        "most at stake first.",
        200,
        Scope.BREAKS_READ,
        (
            query_parameter(
                "state", "Open ones, or closed ones.", type="string", enum=["open", "closed"]
            ),
            query_parameter("cause", "One cause only.", type="string", enum=[*CAUSES]),
            query_parameter("psp", "One PSP only.", "stripe"),
            query_parameter("owner", "Those of one person.", "ada"),
            query_parameter(
                "limit",
                "How many at most.",
                type="integer",
                minimum=1,
                maximum=MAX_LIMIT,
                default=DEFAULT_LIMIT,
            ),
        ),
        response=BreakListView,
        response_example={"items": [BREAK]},
        problems=("invalid-parameter",),
    ),
    Operation(
        "GET",
        "/v1/breaks/{break_id}",
        "getBreak",
        "Reconciliation",
        "Get a break",
        "With the journal entry that accepting it would book, its history, and what is near it.",
        200,
        Scope.BREAKS_READ,
        (_BREAK_ID,),
        response=BreakDetailView,
        response_example={
            "found": BREAK,
            "would_book": [
                {
                    "debit": "psp_receivable:stripe:EUR",
                    "credit": "adjustments:EUR",
                    "amount": "3.00",
                }
            ],
            "asked": None,
            "near": [],
            "looks_like": [],
            "history": [
                {
                    "at": "2026-03-03T05:00:12.550127Z",
                    "actor": "engine",
                    "deed": "opened",
                    "note": "amount_differs: charge pi_3QxYzAbCdEfGhIjK for checkout-7f3a-lamps",
                }
            ],
        },
        problems=("not-found",),
    ),
    Operation(
        "POST",
        "/v1/breaks/{break_id}/decisions",
        "decideBreak",
        "Reconciliation",
        "Accept a break or write it off",
        "Books the difference as an adjustment and closes the break. Above the limit of the "
        "settings it is only asked for, and the break stays open until another key decides the "
        "same.",
        200,
        Scope.BREAKS_WRITE,
        (_BREAK_ID,),
        BreakDecisionRequest,
        {"the other side is right": {"deed": "accept", "reason": "a tip on the terminal"}},
        BreakView,
        _MENDED,
        problems=(*_SAID, "break-not-decidable", "second-person-needed"),
    ),
    Operation(
        "POST",
        "/v1/breaks/{break_id}/comments",
        "commentBreak",
        "Reconciliation",
        "Comment on a break",
        "For whoever looks at it next.",
        200,
        Scope.BREAKS_WRITE,
        (_BREAK_ID,),
        BreakCommentRequest,
        {"a comment": {"note": "asked the PSP"}},
        BreakView,
        BREAK,
        problems=_SAID,
    ),
    Operation(
        "POST",
        "/v1/breaks/{break_id}/assignment",
        "assignBreak",
        "Reconciliation",
        "Give a break to somebody",
        "An empty owner gives it to nobody.",
        200,
        Scope.BREAKS_WRITE,
        (_BREAK_ID,),
        BreakAssignmentRequest,
        {"to Ada": {"owner": "ada"}},
        BreakView,
        {**BREAK, "owner": "ada"},
        problems=_SAID,
    ),
    Operation(
        "POST",
        "/v1/breaks/{break_id}/reopening",
        "reopenBreak",
        "Reconciliation",
        "Open a closed break again",
        "What was booked for it is booked back.",
        200,
        Scope.BREAKS_WRITE,
        (_BREAK_ID,),
        BreakReopeningRequest,
        {"a reason": {"reason": "decided wrongly"}},
        BreakView,
        BREAK,
        problems=(*_SAID, "conflict"),
    ),
)
