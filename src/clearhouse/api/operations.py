"""What each operation promises: the table behind the OpenAPI document and the docs page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from clearhouse.access.model import Scope
from clearhouse.api import examples, requests, responses
from clearhouse.api.listing import DEFAULT_LIMIT, MAX_LIMIT
from clearhouse.payments.model import OrderStatus

ALWAYS: Final = ("internal-error", "card-number-refused")
"""Problems that every operation may answer with."""
KEYED: Final = ("unauthenticated", "missing-scope", "unavailable")
"""Problems of every operation that asks for an API key."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the path, the query or a header, with its JSON schema and an example."""

    name: str
    place: str
    description: str
    schema: Mapping[str, Any]
    example: str | int | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. ``request`` and ``response`` are the types that define the JSON."""

    method: str
    path: str
    name: str
    tag: str
    summary: str
    description: str
    status: int
    scope: Scope | None = None
    parameters: tuple[Parameter, ...] = ()
    request: type[msgspec.Struct] | None = None
    request_examples: Mapping[str, Any] = field(default_factory=dict[str, Any])
    response: type[msgspec.Struct] | None = None
    response_example: Any = None
    media_type: str = "application/json"
    response_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    problems: tuple[str, ...] = ()

    @property
    def route(self) -> str:
        """Method and path, such as ``POST /v1/payments``."""
        return f"{self.method} {self.path}"

    @property
    def all_problems(self) -> tuple[str, ...]:
        """The slugs of every problem that it may answer with."""
        return (*self.problems, *(KEYED if self.scope else ()), *ALWAYS)


def _path(name: str, description: str, example: str) -> Parameter:
    schema = {"type": "string", "maxLength": requests.MAX_ID}
    return Parameter(name, "path", description, schema, example)


def _query(
    name: str, description: str, example: str | int | None = None, **schema: Any
) -> Parameter:
    return Parameter(name, "query", description, schema or {"type": "string"}, example)


_FILTERS: Final = (
    _query("status", "Only orders in this status.", type="string", enum=[*OrderStatus]),
    _query("seller_account", "Only this seller's orders.", "lamps-and-more"),
    _query("psp", "Only orders executed at this PSP.", "stripe"),
    _query("currency", "Only orders in this currency.", "EUR", type="string", pattern="^[A-Z]{3}$"),
    _query("checkout_id", "Only the orders of this checkout.", "checkout-7f3a"),
    _query(
        "created_from",
        "Only orders accepted at this moment or later; RFC 3339 with an offset.",
        "2026-03-01T00:00:00Z",
        type="string",
        format="date-time",
    ),
    _query(
        "created_before",
        "Only orders accepted before this moment.",
        "2026-04-01T00:00:00Z",
        type="string",
        format="date-time",
    ),
    _query(
        "limit",
        "How many orders a page holds.",
        type="integer",
        minimum=1,
        maximum=MAX_LIMIT,
        default=DEFAULT_LIMIT,
    ),
    _query("cursor", "`next_cursor` of the page before, with the same filters."),
)

_ACCEPT: Final = """\
Takes one checkout in. The answer comes once everything is stored durably; the sellers' orders
are then executed one by one, in the background.

**Repeating is safe.** A request with the same `Idempotency-Key` and the same body is answered
with the very bytes of the first answer and `Idempotency-Replayed: true`. Without the header,
`checkout_id` serves as the key. Bodies are the same when they say the same: white space, escapes
and the order of members do not matter.

**No card numbers.** `credit_card_info` takes the token or nonce that the PSP's own browser
library made."""

_KEY_HEADER: Final = Parameter(
    "Idempotency-Key",
    "header",
    "1 to 255 visible ASCII characters, quoted or not; scoped to your API key. A UUID is good.",
    {"type": "string", "minLength": 1, "maxLength": 257},
    "5b1f0c9e-3d2a-4b9f-9d52-6f2c51a9e0aa",
)

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
        (_KEY_HEADER,),
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
        (_path("payment_order_id", "The order's id, as you gave it.", "checkout-7f3a-lamps"),),
        response=responses.OrderDetailView,
        response_example=examples.ORDER,
        problems=("not-found",),
    ),
    Operation(
        "GET",
        "/v1/checkouts/{checkout_id}",
        "getCheckout",
        "Payments",
        "Get a checkout",
        "The payment event with its orders, and whether all is done.",
        200,
        Scope.PAYMENTS_READ,
        (_path("checkout_id", "The checkout's id, as you gave it.", "checkout-7f3a"),),
        response=responses.CheckoutView,
        response_example=examples.CHECKOUT,
        problems=("not-found",),
    ),
    Operation(
        "GET",
        "/v1/wallets/{seller_account}",
        "getWallet",
        "Wallets",
        "Get a seller's wallet",
        "What the seller is owed, per currency.",
        200,
        Scope.WALLETS_READ,
        (_path("seller_account", "The seller's account, as you gave it.", "lamps-and-more"),),
        response=responses.WalletView,
        response_example=examples.WALLET,
        problems=("not-found",),
    ),
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

PAGES: Final = ("GET /", "GET /docs", "GET /openapi.json", "GET /problems/{slug}")
"""Routes for people, which are no part of the document."""
