"""The Square adapter: payments under a key, look-ups by walking the list of a time window."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

import httpx
from pydantic import BaseModel
from square import AsyncSquare
from square.core.request_options import RequestOptions
from square.environment import SquareEnvironment

from clearhouse.kernel.errors import ConfigurationError, UnavailableError
from clearhouse.psp.calls import Calls
from clearhouse.psp.contract import (
    Capabilities,
    ChargeRequest,
    NotCharged,
    PspConfig,
    PspOutcome,
    PspRecord,
    Unknown,
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
from clearhouse.psp.square.records import note_of, record_of, reference_of

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

_MAX_PAGES: Final = 200
_PAGE: Final = 100
_ENVIRONMENTS: Final = {
    "sandbox": SquareEnvironment.SANDBOX,
    "production": SquareEnvironment.PRODUCTION,
}


def create(config: PspConfig) -> "SquarePsp":
    """An adapter; raises ConfigurationError for missing credentials or a wrong environment."""
    return SquarePsp(config)


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
            fields = _fields(reply)
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
        reference = reference_of(request.payment_order_id)
        note = note_of(request.idempotency_key, request.payment_order_id)
        first = request.attempted_at - SKEW
        last = request.attempted_at + CAPABILITIES.idempotency_key_lifetime + SKEW
        location = self._locations.of(request.amount.currency)
        try:
            found = verdict(
                [
                    Found(payment_outcome(payment), payment.get("note") == note)
                    async for payment in self._walk(first, last, location, _MAX_PAGES)
                    if payment.get("reference_id") == reference
                ]
            )
        except _TooMany:
            return Unknown("Square lists more payments in that time than can be walked")
        except Exception as error:  # noqa: BLE001 - an unread list proves nothing
            return Unknown(f"Square's list could not be read ({type(error).__name__})")
        return found or NotCharged("Square lists no payment of this attempt")

    async def record(self, psp_reference: str) -> PspRecord | None:
        """One payment as Square has it now. Raises UnavailableError."""
        try:
            reply = await self._calls.run(
                lambda: self._square.payments.get(psp_reference, request_options=self._once)
            )
            return record_of(_fields(reply)["payment"])
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            if any(each.get("code") == "NOT_FOUND" for each in errors_of(error)):
                return None
            raise _unread(error) from None

    async def records(self, since: datetime, until: datetime) -> AsyncIterator[PspRecord]:
        """All payments created in the window, location by location. Raises UnavailableError.

        Square lists one location at a time, the main one where none is named.
        """
        try:
            for location in await self._all_locations():
                async for payment in self._walk(since, until, location, None):
                    yield record_of(payment)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            raise _unread(error) from None

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
            "note": note_of(request.idempotency_key, request.payment_order_id),
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

    async def _all_locations(self) -> list[str | None]:
        if not self._locations.pattern:
            return [*sorted(set(self._locations.by_currency.values()))] or [None]
        reply = await self._calls.run(
            lambda: self._square.locations.list(request_options=self._once)
        )
        return [location.id for location in reply.locations or ()]

    async def _walk(
        self, first: datetime, last: datetime, location: str | None, pages: int | None
    ) -> AsyncIterator[Mapping[str, Any]]:
        window: dict[str, Any] = {
            "begin_time": _rfc3339(first),
            "end_time": _rfc3339(last),
            "limit": _PAGE,
            "sort_order": "ASC",
        }
        if location is not None:
            window["location_id"] = location
        page: Any = await self._calls.run(
            lambda: self._square.payments.list(**window, request_options=self._once)
        )
        for number in count(1):
            for payment in page.items or ():
                yield _fields(payment)
            if not page.has_next:
                return
            if number == pages:
                raise _TooMany
            page = await self._calls.run(page.next_page)


class _TooMany(Exception):
    """The list is longer than a look-up walks."""


def _fields(model: BaseModel) -> dict[str, Any]:
    """A reply as plain values; pydantic's own dump, the SDK's ``dict()`` takes 50 times as long."""
    return model.model_dump(by_alias=True, exclude_none=True)


def _unread(error: Exception) -> UnavailableError:
    return UnavailableError(f"Square's records could not be read ({type(error).__name__}).")


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
