"""The Square adapter: payments under a key, look-ups by walking the list of a time window."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
from square import AsyncSquare
from square.core.request_options import RequestOptions
from square.environment import SquareEnvironment

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp.calls import Calls
from clearhouse.psp.contract import (
    Capabilities,
    ChargeRequest,
    NotCharged,
    PspConfig,
    PspOutcome,
    Unknown,
    attempt_key,
)
from clearhouse.psp.credentials import Credential, PerCurrency, read_credentials
from clearhouse.psp.evidence import SKEW, Found, verdict
from clearhouse.psp.square.outcomes import (
    KEY_REUSED,
    errors_of,
    failure_outcome,
    payment_outcome,
    reply_outcome,
)

NAME: Final = "square"

CREDENTIALS: Final = (
    Credential("access_token", "the access token", secret=True),
    Credential(
        "locations",
        'the location per currency: "USD=L123, EUR=L456", or a pattern such as "L{CURRENCY}";'
        " where there is none, the main location is charged, which takes one currency",
        secret=False,
        required=False,
    ),
    Credential(
        "environment",
        "sandbox or production; a base URL goes before it",
        secret=False,
        required=False,
        default="sandbox",
    ),
)

CAPABILITIES: Final = Capabilities(
    idempotency_key_length=45,
    # Square tells no lifetime. A day is what the other PSPs grant at least, and past it a
    # look-up walks the list, which needs no key.
    idempotency_key_lifetime=timedelta(hours=23),
    repeat_is_lookup=True,
)

_REFERENCE_LENGTH: Final = 40
_NOTE_LENGTH: Final = 500
_MAX_PAGES: Final = 200
_PAGE: Final = 100
_ENVIRONMENTS: Final = {
    "sandbox": SquareEnvironment.SANDBOX,
    "production": SquareEnvironment.PRODUCTION,
}


def create(config: PspConfig) -> "SquarePsp":
    """An adapter; raises ConfigurationError for missing credentials or a wrong environment."""
    return SquarePsp(config)


def reference_of(payment_order_id: str) -> str:
    """The ``reference_id`` of an order: its id where Square's 40 characters take it.

    A longer one (or one that is not plain ASCII) becomes a stable hash; the payment's note
    then holds the id itself, for people.
    """
    return attempt_key(payment_order_id, 1, _REFERENCE_LENGTH)


class SquarePsp:
    """Square as the contract has it.

    ======================================  ==============================================
    Payment ``COMPLETED``                   Succeeded
    ``PENDING``, ``APPROVED``               Pending
    ``FAILED``, ``CANCELED``                Declined
    ``PAYMENT_METHOD_ERROR``                Declined (HTTP 200 or 4xx)
    ``INVALID_REQUEST_ERROR``               Declined, REJECTED_BY_PSP or the card's reason
    401, 403, 429, connection refused       NotCharged
    409, 5xx, ``API_ERROR``, cut            Unknown
    connection, time limit,
    ``TEMPORARY_ERROR``
    ``IDEMPOTENCY_KEY_REUSED``              what a look-up finds; never Declined by itself
    ======================================  ==============================================

    Square cannot search by our reference. Within the key's lifetime the engine therefore
    repeats ``charge`` with the same key (``repeat_is_lookup``), which is certain and one call.
    ``look_up`` does not repeat it, since past the lifetime a repeat is a new charge; it walks
    the list of the time window instead.

    ``payment_method`` is a token, good for one charge, or ``customer/ccof:...`` for a card on
    file, which a basket with several sellers needs.
    """

    name = NAME
    capabilities = CAPABILITIES

    def __init__(self, config: PspConfig) -> None:
        values = read_credentials(NAME, CREDENTIALS, config.credentials)
        if values["environment"] not in _ENVIRONMENTS:
            raise ConfigurationError(
                "The PSP square does not know this environment.",
                hint="Write sandbox or production.",
            )
        self._locations = PerCurrency.parse(NAME, "locations", values["locations"])
        self._calls = Calls(config.concurrency, config.timeout_seconds)
        # Our own client: proxies are not read from the environment, redirects not followed.
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(config.timeout_seconds, connect=config.timeout_seconds / 2),
            limits=httpx.Limits(
                max_connections=config.concurrency, max_keepalive_connections=config.concurrency
            ),
            follow_redirects=False,
            trust_env=False,
        )
        self._square = AsyncSquare(
            token=values["access_token"],
            base_url=config.base_url,
            environment=_ENVIRONMENTS[values["environment"]],
            httpx_client=self._http,
        )
        # The SDK's own retries would repeat 409 and 5xx for seconds, outside our backoff.
        self._once = RequestOptions(max_retries=0)

    async def charge(self, request: ChargeRequest) -> PspOutcome:
        """Create and complete a payment under the attempt's key."""
        body = self._body(request)
        try:
            reply = await self._calls.run(
                lambda: self._square.payments.create(**body, request_options=self._once)
            )
            fields = reply.dict()
            errors: Sequence[Mapping[str, Any]] = fields.get("errors") or ()
            outcome = reply_outcome(fields.get("payment"), errors)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may be out
            errors = errors_of(error)
            outcome = failure_outcome(error)
        if isinstance(outcome, Unknown) and any(each.get("code") == KEY_REUSED for each in errors):
            return await self._original(request)
        return outcome

    async def look_up(self, request: ChargeRequest) -> PspOutcome:
        """Walk the payments of the time window and pick those with our reference."""
        try:
            found = verdict([_found(payment, request) async for payment in self._list(request)])
        except _TooMany:
            return Unknown("Square lists more payments in that time than can be walked")
        except Exception as error:  # noqa: BLE001 - an unread list proves nothing
            return Unknown(f"Square's list could not be read ({type(error).__name__})")
        return found or NotCharged("Square lists no payment of this attempt")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _body(self, request: ChargeRequest) -> dict[str, Any]:
        """The same for the same request: Square binds a key to the whole body."""
        amount = request.amount
        customer, _, source = request.payment_method.rpartition("/")
        body: dict[str, Any] = {
            "source_id": source,
            "idempotency_key": request.idempotency_key,
            "amount_money": {"amount": amount.minor, "currency": amount.currency},
            "autocomplete": True,
            "reference_id": reference_of(request.payment_order_id),
            "note": _note(request),
        }
        if customer:
            body["customer_id"] = customer
        location = self._locations.of(amount.currency)
        if location is not None:
            body["location_id"] = location
        return body

    async def _original(self, request: ChargeRequest) -> PspOutcome:
        """The key was used with another body; what became of the earlier call is the answer."""
        found = await self.look_up(request)
        if isinstance(found, NotCharged):
            return Unknown("Square knows this key with another body, and lists no payment yet")
        return found

    async def _list(self, request: ChargeRequest) -> AsyncIterator[Mapping[str, Any]]:
        reference = reference_of(request.payment_order_id)
        first = request.attempted_at - SKEW
        last = request.attempted_at + CAPABILITIES.idempotency_key_lifetime + SKEW
        window: dict[str, Any] = {
            "begin_time": _rfc3339(first),
            "end_time": _rfc3339(last),
            "limit": _PAGE,
            "sort_order": "ASC",
        }
        location = self._locations.of(request.amount.currency)
        if location is not None:
            window["location_id"] = location
        page: Any = await self._calls.run(
            lambda: self._square.payments.list(**window, request_options=self._once)
        )
        for _ in range(_MAX_PAGES):
            for payment in page.items or ():
                if payment.reference_id == reference:
                    yield payment.dict()
            if not page.has_next:
                return
            page = await self._calls.run(page.next_page)
        raise _TooMany


class _TooMany(Exception):
    """The list is longer than a look-up walks."""


def _note(request: ChargeRequest) -> str:
    """The attempt's key and the whole order id: how a look-up and a person tell attempts apart."""
    return f"{request.idempotency_key} {request.payment_order_id}"[:_NOTE_LENGTH]


def _found(payment: Mapping[str, Any], request: ChargeRequest) -> Found:
    return Found(payment_outcome(payment), payment.get("note") == _note(request))


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
