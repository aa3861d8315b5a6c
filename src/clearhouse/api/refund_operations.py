"""What the operations on captures, voids and refunds promise, and their examples."""

from typing import Any, Final

from clearhouse.access.model import Scope
from clearhouse.api.operation import KEY_HEADER, Operation, path_parameter
from clearhouse.api.operation_bodies import CaptureRequest, RefundRequest, VoidRequest
from clearhouse.api.operation_views import AuthorizationEndView, RefundListView, RefundView

REFUND: Final[dict[str, Any]] = {
    "refund_id": "re_019ca8d5a4c17d0e9b1e6a5f0c3b2d41",
    "payment_order_id": "checkout-7f3a-lamps",
    "kind": "refund",
    "origin": "client",
    "amount": "20.00",
    "fee_returned": "0.00",
    "currency": "EUR",
    "status": "CREATED",
    "status_reason": None,
    "reason": "one lamp came broken",
    "psp": "stripe",
    "psp_reference": None,
    "created_at": "2026-03-02T09:30:00.120433Z",
    "updated_at": "2026-03-02T09:30:00.120433Z",
    "finalized_at": None,
}
REFUNDED: Final = {
    **REFUND,
    "status": "SUCCEEDED",
    "psp_reference": "re_3QxYzAbCdEfGhIjK",
    "updated_at": "2026-03-02T09:30:01.017290Z",
    "finalized_at": "2026-03-02T09:30:01.017290Z",
}

_CREATE: Final = """\
Gives money back: all that is left, or an `amount`, as often as something is left. What is refunded
or lost in disputes never exceeds what was captured, however many requests race.

**Repeating is safe.** Send an `Idempotency-Key`, or a `refund_id` of yours, which then serves as
the key: the same request is answered with the very bytes of the first answer.

The answer comes once the refund is stored durably; the PSP is asked in the background."""

_ORDER: Final = path_parameter(
    "payment_order_id", "The order's id, as you gave it.", "checkout-7f3a-lamps"
)

_ENDING: Final[dict[str, Any]] = {
    "response_headers": {
        "Location": "The payment order's address.",
        "Idempotency-Replayed": "`true` when this is an earlier answer, repeated.",
    },
    "problems": (
        "malformed-json",
        "invalid-idempotency-key",
        "not-found",
        "order-not-authorized",
        "body-too-large",
        "unsupported-media-type",
        "validation-failed",
        "idempotency-key-reused",
        "idempotency-key-in-use",
    ),
}
CAPTURE: Final = {
    "operation_id": "cap_019ca8d5a4c17d0e9b1e6a5f0c3b2d41",
    "payment_order_id": "checkout-7f3a-lamps",
    "kind": "capture",
    "amount": "30.00",
    "currency": "EUR",
    "status": "CREATED",
    "psp": "stripe",
    "created_at": "2026-03-02T09:30:00.120433Z",
}

REFUNDS: Final = (
    Operation(
        "POST",
        "/v1/payments/{payment_order_id}/captures",
        "capturePayment",
        "Payments",
        "Capture an authorized payment order",
        "Takes what is held: all of it, or an `amount`; the rest is let go. Once for each payment "
        "order, unless it fails. The order then ends `SUCCESS` with its `captured_amount`. Without "
        "an `Idempotency-Key` the order itself is the key.",
        202,
        Scope.PAYMENTS_WRITE,
        (_ORDER, KEY_HEADER),
        CaptureRequest,
        {"a part": {"amount": "30.00"}, "all of it": {}},
        AuthorizationEndView,
        CAPTURE,
        **_ENDING,
    ),
    Operation(
        "POST",
        "/v1/payments/{payment_order_id}/void",
        "voidPayment",
        "Payments",
        "Void an authorized payment order",
        "Lets go all that is held. The order then ends `FAILED` with the reason `voided`.",
        202,
        Scope.PAYMENTS_WRITE,
        (_ORDER, KEY_HEADER),
        VoidRequest,
        {"nothing to say": {}},
        AuthorizationEndView,
        {
            **CAPTURE,
            "operation_id": "void_019ca8d5a4c17d0e9b1e6a5f0c3b2d41",
            "kind": "void",
            "amount": "49.90",
        },
        **_ENDING,
    ),
    Operation(
        "POST",
        "/v1/payments/{payment_order_id}/refunds",
        "createRefund",
        "Refunds",
        "Refund a payment order",
        _CREATE,
        202,
        Scope.REFUNDS_WRITE,
        (_ORDER, KEY_HEADER),
        RefundRequest,
        {
            "a part": {"amount": "20.00", "reason": "one lamp came broken"},
            "all that is left": {"refund_id": "return-2231"},
        },
        RefundView,
        REFUND,
        response_headers={
            "Location": "The refund's address.",
            "Idempotency-Replayed": "`true` when this is an earlier answer, repeated.",
        },
        problems=(
            "malformed-json",
            "invalid-idempotency-key",
            "not-found",
            "conflict",
            "refund-exceeds-capture",
            "order-not-refundable",
            "body-too-large",
            "unsupported-media-type",
            "validation-failed",
            "idempotency-key-reused",
            "idempotency-key-in-use",
        ),
    ),
    Operation(
        "GET",
        "/v1/payments/{payment_order_id}/refunds",
        "listRefunds",
        "Refunds",
        "List a payment order's refunds",
        "Oldest first, those made in the PSP's dashboard among them.",
        200,
        Scope.PAYMENTS_READ,
        (_ORDER,),
        response=RefundListView,
        response_example={"items": [REFUNDED]},
        problems=("not-found",),
    ),
    Operation(
        "GET",
        "/v1/refunds/{refund_id}",
        "getRefund",
        "Refunds",
        "Get a refund",
        "Where a single refund is.",
        200,
        Scope.PAYMENTS_READ,
        (path_parameter("refund_id", "The refund's id.", "re_019ca8d5a4c17d0e9b1e6a5f0c3b2d41"),),
        response=RefundView,
        response_example=REFUNDED,
        problems=("not-found",),
    ),
)
