"""What each operation promises: the table behind the OpenAPI document and the docs page."""

from typing import Final

from clearhouse.access.model import Scope
from clearhouse.api import examples, requests, responses
from clearhouse.api.break_operations import BREAKS
from clearhouse.api.dispute_operations import DISPUTES
from clearhouse.api.endpoint_operations import ENDPOINTS
from clearhouse.api.file_operations import FILES
from clearhouse.api.hold_operations import HOLDS
from clearhouse.api.listing import DEFAULT_LIMIT, MAX_LIMIT
from clearhouse.api.margins import MARGINS
from clearhouse.api.operation import KEY_HEADER, Operation, path_parameter, query_parameter
from clearhouse.api.order_detail import OrderDetailView
from clearhouse.api.payout_operations import PAYOUTS
from clearhouse.api.refund_operations import REFUNDS
from clearhouse.api.schedule_operations import SCHEDULES
from clearhouse.api.wallet_operations import WALLETS
from clearhouse.payments.model import OrderStatus

_FILTERS: Final = (
    query_parameter("status", "Only orders in this status.", type="string", enum=[*OrderStatus]),
    query_parameter("seller_account", "Only this seller's orders.", "lamps-and-more"),
    query_parameter("psp", "Only orders executed at this PSP.", "stripe"),
    query_parameter(
        "currency", "Only orders in this currency.", "EUR", type="string", pattern="^[A-Z]{3}$"
    ),
    query_parameter("checkout_id", "Only the orders of this checkout.", "checkout-7f3a"),
    query_parameter(
        "created_from",
        "Only orders accepted at this moment or later; RFC 3339 with an offset.",
        "2026-03-01T00:00:00Z",
        type="string",
        format="date-time",
    ),
    query_parameter(
        "created_before",
        "Only orders accepted before this moment.",
        "2026-04-01T00:00:00Z",
        type="string",
        format="date-time",
    ),
    query_parameter(
        "limit",
        "How many orders a page holds.",
        type="integer",
        minimum=1,
        maximum=MAX_LIMIT,
        default=DEFAULT_LIMIT,
    ),
    query_parameter("cursor", "`next_cursor` of the page before, with the same filters."),
)

_ACCEPT: Final = """\
Takes one checkout in. The answer comes once everything is stored durably; the sellers' orders
are then executed one by one, in the background.

**Repeating is safe.** A request with the same `Idempotency-Key` and the same body is answered
with the very bytes of the first answer and `Idempotency-Replayed: true`. Without the header,
`checkout_id` serves as the key. Bodies are the same when they say the same: white space, escapes
and the order of members do not matter.

**No card numbers.** `credit_card_info` takes the token or nonce that the PSP's own browser
library made. Leave it out, and send the buyer to the answer's `payment_page_url` instead: they
pay there, once for the whole checkout, which must then be in one currency."""

OPERATIONS: Final = (
    Operation(
        "POST",
        "/v1/payments",
        "createPayment",
        "Payments",
        "Accept a payment",
        _ACCEPT,
        202,
        Scope.PAYMENTS_WRITE,
        (KEY_HEADER,),
        requests.PaymentRequest,
        examples.PAYMENTS,
        responses.CheckoutView,
        examples.ACCEPTED,
        response_headers={
            "Location": "The checkout's address.",
            "Idempotency-Replayed": "`true` when this is an earlier answer, repeated.",
        },
        problems=(
            "malformed-json",
            "invalid-idempotency-key",
            "conflict",
            "body-too-large",
            "unsupported-media-type",
            "validation-failed",
            "idempotency-key-reused",
            "idempotency-key-in-use",
        ),
    ),
    Operation(
        "GET",
        "/v1/payments",
        "listPayments",
        "Payments",
        "List payment orders",
        "Newest first. Filters may be combined; an order that is accepted meanwhile does not "
        "shift the pages.",
        200,
        Scope.PAYMENTS_READ,
        _FILTERS,
        response=responses.OrderPageView,
        response_example=examples.PAGE,
        response_headers={"Link": 'The next page, as `rel="next"`.'},
        problems=("invalid-parameter",),
    ),
    Operation(
        "GET",
        "/v1/payments/{payment_order_id}",
        "getPayment",
        "Payments",
        "Get a payment order",
        "The execution status of a single payment order, with its attempts.",
        200,
        Scope.PAYMENTS_READ,
        (
            path_parameter(
                "payment_order_id", "The order's id, as you gave it.", "checkout-7f3a-lamps"
            ),
        ),
        response=OrderDetailView,
        response_example=examples.ORDER,
        problems=("not-found",),
    ),
    *REFUNDS,
    *DISPUTES,
    *PAYOUTS,
    *BREAKS,
    *FILES,
    *SCHEDULES,
    Operation(
        "GET",
        "/v1/checkouts/{checkout_id}",
        "getCheckout",
        "Payments",
        "Get a checkout",
        "The payment event with its orders, and whether all is done.",
        200,
        Scope.PAYMENTS_READ,
        (path_parameter("checkout_id", "The checkout's id, as you gave it.", "checkout-7f3a"),),
        response=responses.CheckoutView,
        response_example=examples.CHECKOUT,
        problems=("not-found",),
    ),
    *WALLETS,
    *MARGINS,
    *HOLDS,
    *ENDPOINTS,
    Operation(
        "GET",
        "/healthz",
        "getHealth",
        "Operations",
        "Alive?",
        "The process runs. Asks nothing else, so that a lost database restarts nobody.",
        200,
        response=responses.HealthView,
        response_example={"status": "ok"},
    ),
    Operation(
        "GET",
        "/readyz",
        "getReadiness",
        "Operations",
        "Ready?",
        "Requests can be served. 503 takes the process out of a load balancer.",
        200,
        response=responses.HealthView,
        response_example={"status": "ready"},
        problems=("unavailable",),
    ),
    Operation(
        "GET",
        "/metrics",
        "getMetrics",
        "Operations",
        "Metrics",
        "Prometheus' text format. Keep it inside your network.",
        200,
        response_example="# TYPE clearhouse_http_requests_in_flight gauge\n"
        "clearhouse_http_requests_in_flight 1.0\n",
        media_type="text/plain",
    ),
)

WEBHOOKS: Final = ("POST /v1/webhooks/{psp}", "GET /v1/webhooks/{psp}")
"""Routes for PSPs, whose signatures no client could make: no part of the document."""

PAGES: Final = (
    "GET /",
    "GET /docs",
    "GET /openapi.json",
    "GET /problems/{slug}",
    "GET /pay/{token}",
    "POST /pay/{token}",
)
"""Routes for people, which are no part of the document."""
