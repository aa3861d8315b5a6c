"""The Braintree adapter: sales under an ``api_request_key``, look-ups by ``order_id``."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from clearhouse.kernel.errors import UnavailableError
from clearhouse.kernel.money import format_minor
from clearhouse.psp.braintree.gateway import Gateway, Transaction
from clearhouse.psp.braintree.outcomes import (
    failure_outcome,
    points_to_original,
    record_of,
    reply_outcome,
    transaction_outcome,
)
from clearhouse.psp.braintree.threads import Threads
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
from clearhouse.psp.credentials import Credential, PerCurrency, read_credentials
from clearhouse.psp.evidence import SKEW, Found, verdict

NAME: Final = "braintree"

CREDENTIALS: Final = (
    Credential("merchant_id", "the merchant's id", secret=False),
    Credential("public_key", "the public API key", secret=False),
    Credential("private_key", "the private API key", secret=True),
    Credential(
        "merchant_accounts",
        'the merchant account per currency: "USD=shop_usd, EUR=shop_eur", or a pattern such as'
        ' "shop_{currency}"; Braintree takes the currency from it',
        secret=False,
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
    idempotency_key_length=255,
    # A window of 30 days; a day less leaves room for skew and for how it is counted.
    idempotency_key_lifetime=timedelta(days=29),
    repeat_is_lookup=False,
)

_VAULTED: Final = "token:"
_PAGE: Final = 50


def create(config: PspConfig) -> "BraintreePsp":
    """An adapter; raises ConfigurationError for missing credentials or a wrong environment."""
    return BraintreePsp(config)


class BraintreePsp:
    """Braintree as the contract has it, on a bounded pool of threads: its SDK blocks.

    ============================================  ========================================
    ``submitted_for_settlement`` to ``settled``   Succeeded
    ``authorized``, ``authorizing``,              Pending
    ``settlement_pending``
    ``processor_declined``, ``failed``,           Declined
    ``gateway_rejected``, ``voided``, expired
    validation errors                             Declined
    401, 403, 426, 429, connection refused,       NotCharged
    915231 (keys not enabled)
    other statuses, cut connection, time limit,   Unknown
    915233 (in flight), 915235
    rejected as ``duplicate``, 915232, 915234     what a look-up finds
    ============================================  ========================================

    ``payment_method`` is a nonce, good for one charge, or ``token:...`` for a vaulted method,
    which a basket with several sellers needs.
    """

    name = NAME
    capabilities = CAPABILITIES

    def __init__(self, config: PspConfig) -> None:
        values = read_credentials(NAME, CREDENTIALS, config.credentials)
        accounts = values["merchant_accounts"]
        self._accounts = PerCurrency.parse(NAME, "merchant_accounts", accounts)
        self._gateway = Gateway(values, config.base_url, config.timeout_seconds)
        self._threads = Threads(NAME, config.concurrency, config.timeout_seconds)

    async def charge(self, request: ChargeRequest) -> PspOutcome:
        """Sell and submit for settlement under the attempt's key."""
        account = self._accounts.of(request.amount.currency)
        if account is None:
            return await self._without_account(request)
        try:
            reply = await self._threads.run(lambda: self._gateway.sale(_params(request, account)))
            if not points_to_original(reply):
                return reply_outcome(reply)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the request may be out
            return failure_outcome(error)
        original = await self.look_up(request)
        if not isinstance(original, NotCharged):
            return original
        if isinstance(reply, Transaction):
            return Unknown("Braintree rejects a duplicate, and does not list the original yet")
        return reply_outcome(reply)

    async def _without_account(self, request: ChargeRequest) -> PspOutcome:
        """No charge is possible: left out, Braintree would take the default account's currency.

        Yet the account may have been there when an earlier call was sent, so its records are
        asked before anybody says no.
        """
        found = await self.look_up(request)
        if isinstance(found, NotCharged):
            reason = DeclineReason.CURRENCY_NOT_SUPPORTED
            return Declined(reason, Retry.HARD, "no_merchant_account")
        return found

    async def look_up(self, request: ChargeRequest) -> PspOutcome:
        """Search the sales of this order since the attempt began.

        A sale shows its order and not its key. So a success counts whichever attempt it is of,
        and a decline only if it is not older than this attempt.
        """
        since = request.attempted_at - SKEW
        try:
            sales = await self._threads.run(
                lambda: self._gateway.sales_of(request.payment_order_id, since)
            )
        except Exception as error:  # noqa: BLE001 - an unread search proves nothing
            return Unknown(f"Braintree could not be searched ({type(error).__name__})")
        found = verdict(_found(sale, request) for sale in sales if not points_to_original(sale))
        return found or NotCharged("Braintree lists no sale of this attempt")

    async def record(self, psp_reference: str) -> PspRecord | None:
        """One sale as Braintree has it now. Raises UnavailableError."""
        try:
            sale = await self._threads.run(lambda: self._gateway.sale_by_id(psp_reference))
            return record_of(sale) if sale else None
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            raise _unread(error) from None

    async def records(self, since: datetime, until: datetime) -> AsyncIterator[PspRecord]:
        """All sales created in the window, page by page. Raises UnavailableError."""
        try:
            sales = await self._threads.run(lambda: self._gateway.sales_between(since, until))
            while page := await self._threads.run(lambda: list(islice(sales, _PAGE))):
                for sale in page:
                    yield record_of(sale)
        except Exception as error:  # noqa: BLE001 - the SDK and its transport raise all kinds
            raise _unread(error) from None

    async def close(self) -> None:
        """Wait for the calls in flight, end the threads, close the connections."""
        await self._threads.close()
        self._gateway.close()


def _params(request: ChargeRequest, account: str) -> dict[str, Any]:
    """What is sold; made anew for each call, since the SDK writes into it."""
    method = request.payment_method
    vaulted = method.startswith(_VAULTED)
    return {
        "amount": format_minor(request.amount.minor, request.amount.currency),
        "merchant_account_id": account,
        "order_id": request.payment_order_id,
        "api_request_key": request.idempotency_key,
        "payment_method_token" if vaulted else "payment_method_nonce": method.removeprefix(
            _VAULTED
        ),
        "options": {"submit_for_settlement": True},
    }


def _unread(error: Exception) -> UnavailableError:
    return UnavailableError(f"Braintree's records could not be read ({type(error).__name__}).")


def _found(sale: Transaction, request: ChargeRequest) -> Found:
    began = request.attempted_at.replace(microsecond=0)  # Braintree tells whole seconds
    of_this_attempt = sale.created_at is None or sale.created_at >= began
    return Found(transaction_outcome(sale), of_this_attempt)
