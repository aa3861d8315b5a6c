"""The Stripe adapter: charges by PaymentIntent, looks up by metadata, reads its list."""

import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final, cast

import aiohttp
import stripe

from clearhouse.kernel.errors import UnavailableError
from clearhouse.psp.calls import Calls
from clearhouse.psp.contract import (
    Capabilities,
    ChargeRequest,
    Declined,
    DeclineReason,
    NotCharged,
    PspConfig,
    PspOutcome,
    PspRecord,
    Retry,
    Unknown,
)
from clearhouse.psp.credentials import Credential, read_credentials
from clearhouse.psp.evidence import SKEW, Found, verdict
from clearhouse.psp.stripe.amounts import to_stripe
from clearhouse.psp.stripe.outcomes import failure_outcome, intent_outcome, points_to_original
from clearhouse.psp.stripe.records import ATTEMPT, ORDER, order_of, record_of

NAME: Final = "stripe"

CREDENTIALS: Final = (
    Credential("secret_key", "the secret API key, sk_test_... or sk_live_...", secret=True),
)

CAPABILITIES: Final = Capabilities(
    idempotency_key_length=255,
    # Stripe may forget a key once it is 24 hours old; an hour less leaves room for a skewed
    # clock and a slow request.
    idempotency_key_lifetime=timedelta(hours=23),
    repeat_is_lookup=False,
)

_MAX_PAGES: Final = 200
_PAGE: Final = 100

# With telemetry the SDK writes a file into the user's home; at DEBUG it logs whole payloads.
stripe.enable_telemetry = False
logging.getLogger("stripe").setLevel(logging.WARNING)


def create(config: PspConfig) -> "StripePsp":
    """An adapter; raises ConfigurationError without ``secret_key``."""
    return StripePsp(config)


class StripePsp:
    """Stripe as the contract has it. One object belongs to one event loop.

    ======================================  ==============================================
    PaymentIntent ``succeeded``             Succeeded, unless a review is open
    ``processing``, ``requires_action``,    Pending
    ``requires_capture``, open review
    402, ``canceled``                       Declined
    400, 404 ``invalid_request_error``      Declined, REJECTED_BY_PSP or the card's reason
    401, 403, 429, connection refused       NotCharged
    409, 5xx, cut connection, time limit    Unknown
    400 ``idempotency_error``,              what a look-up finds; never Declined by itself
    a 500 replayed under the key
    ======================================  ==============================================

    ``payment_method`` is ``pm_...``, or ``cus_.../pm_...`` for one saved with a customer:
    a basket with several sellers needs that, since Stripe takes an unsaved one only once.
    """

    name = NAME
    capabilities = CAPABILITIES

    def __init__(self, config: PspConfig) -> None:
        self._secret_key = read_credentials(NAME, CREDENTIALS, config.credentials)["secret_key"]
        self._config = config
        self._calls = Calls(config.concurrency, config.timeout_seconds)
        self._http: stripe.AIOHTTPClient | None = None
        self._stripe: stripe.StripeClient | None = None

    async def charge(self, request: ChargeRequest) -> PspOutcome:
        """Create and confirm a PaymentIntent under the attempt's key."""
        units = to_stripe(request.amount)
        if units is None:
            return Declined(DeclineReason.REJECTED_BY_PSP, Retry.HARD, "amount_not_expressible")
        params = _create_params(request, units)
        options: stripe.RequestOptions = {"idempotency_key": request.idempotency_key}
        try:
            intent = await self._calls.run(
                lambda: self._client().v1.payment_intents.create_async(params, options)
            )
            return intent_outcome(intent.to_dict())
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may be out
            if not points_to_original(error):
                return failure_outcome(error)
        return await self._original(request)

    async def look_up(self, request: ChargeRequest) -> PspOutcome:
        """Find the attempt's PaymentIntent by the metadata it was created with.

        Search is asked first, being one call, but lags behind; only the list, walked from the
        end of the key's lifetime back to the attempt's start, can show that there is none.
        """
        first = request.attempted_at - SKEW
        last = request.attempted_at + CAPABILITIES.idempotency_key_lifetime + SKEW
        try:
            found = await _verdict(self._search(request), request)
        except Exception:  # noqa: BLE001 - not every account may search; the list decides
            found = None
        try:
            if found is None:
                found = await _verdict(self._walk(first, last, _MAX_PAGES), request)
        except _TooMany:
            return Unknown("Stripe lists more payments in that time than can be walked")
        except Exception as error:  # noqa: BLE001 - an unread list proves nothing
            return Unknown(f"Stripe's list could not be read ({type(error).__name__})")
        return found or NotCharged("Stripe lists no payment of this attempt")

    async def record(self, psp_reference: str) -> PspRecord | None:
        """One PaymentIntent as Stripe has it now. Raises UnavailableError."""
        try:
            intent = await self._calls.run(
                lambda: self._client().v1.payment_intents.retrieve_async(psp_reference)
            )
            return record_of(intent.to_dict())
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing":
                return None
            raise _unread(error) from None
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            raise _unread(error) from None

    async def records(self, since: datetime, until: datetime) -> AsyncIterator[PspRecord]:
        """All PaymentIntents created in the window, newest first. Raises UnavailableError."""
        try:
            async for intent in self._walk(since, until, None):
                yield record_of(intent)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            raise _unread(error) from None

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close_async()
            self._http = self._stripe = None

    async def _original(self, request: ChargeRequest) -> PspOutcome:
        """An earlier call with this key exists; what its records say is the answer."""
        found = await self.look_up(request)
        if isinstance(found, NotCharged):
            return Unknown(
                "Stripe knows this key from an earlier call, and lists no payment of it yet"
            )
        return found

    async def _search(self, request: ChargeRequest) -> AsyncIterator[Mapping[str, Any]]:
        query = f"metadata['{ORDER}']:'{_escaped(request.payment_order_id)}'"
        page = await self._calls.run(
            lambda: self._client().v1.payment_intents.search_async(
                {"query": query, "limit": _PAGE, "expand": ["data.review"]}
            )
        )
        for intent in page.data:
            yield intent.to_dict()

    async def _walk(
        self, first: datetime, last: datetime, pages: int | None
    ) -> AsyncIterator[Mapping[str, Any]]:
        params: dict[str, Any] = {
            "created": {"gte": int(first.timestamp()), "lte": int(last.timestamp())},
            "limit": _PAGE,
            "expand": ["data.review"],
        }
        for number in count(1):
            page = await self._calls.run(
                lambda: self._client().v1.payment_intents.list_async(cast("Any", params))
            )
            for intent in page.data:
                yield intent.to_dict()
            if not page.has_more:
                return
            if number == pages:
                raise _TooMany
            params["starting_after"] = page.data[-1].id

    def _client(self) -> stripe.StripeClient:
        """Made at the first call, since its connections belong to the running event loop."""
        if self._stripe is None:
            limit = self._config.timeout_seconds
            self._http = _Http(
                timeout=aiohttp.ClientTimeout(total=limit, connect=limit / 2),
                connector=aiohttp.TCPConnector(
                    limit=self._config.concurrency,
                    ssl=ssl.create_default_context(cafile=stripe.ca_bundle_path),
                ),
            )
            base = self._config.base_url
            self._stripe = stripe.StripeClient(
                self._secret_key,
                base_addresses={"api": base.rstrip("/")} if base else {},
                max_network_retries=0,
                http_client=self._http,
            )
        return self._stripe


class _Http(stripe.AIOHTTPClient):
    """The SDK's client, which follows no redirect: another host would speak for Stripe."""

    def _get_request_args_kwargs(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any
    ) -> tuple[Any, dict[str, Any]]:
        sdk: Any = super()
        args, options = sdk._get_request_args_kwargs(  # noqa: SLF001 - the one place to say it
            method, url, headers, post_data
        )
        return args, {**options, "allow_redirects": False}


class _TooMany(Exception):
    """The list is longer than a look-up walks."""


def _create_params(request: ChargeRequest, units: int) -> Any:
    customer, _, method = request.payment_method.rpartition("/")
    params: dict[str, Any] = {
        "amount": units,
        "currency": request.amount.currency.lower(),
        "payment_method": method,
        # Not payment_method_types, which Stripe refuses since its API version 2026-09-30.
        "allowed_payment_method_types": ["card"],
        "confirm": True,
        "metadata": {ORDER: request.payment_order_id, ATTEMPT: request.idempotency_key},
        "expand": ["review"],
    }
    if customer:
        params["customer"] = customer
    return params


async def _verdict(
    intents: AsyncIterator[Mapping[str, Any]], request: ChargeRequest
) -> PspOutcome | None:
    found: list[Found] = []
    async for intent in intents:
        if order_of(intent) == request.payment_order_id:
            this_attempt = intent["metadata"].get(ATTEMPT) == request.idempotency_key
            found.append(Found(intent_outcome(intent), this_attempt))
    return verdict(found)


def _unread(error: Exception) -> UnavailableError:
    return UnavailableError(f"Stripe's records could not be read ({type(error).__name__}).")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
