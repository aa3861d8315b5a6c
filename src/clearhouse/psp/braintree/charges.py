"""Charging: sales under an ``api_request_key``, and look-ups by ``order_id``."""

from typing import Any, Final

from clearhouse.kernel.money import format_minor
from clearhouse.psp.braintree.connection import Connection
from clearhouse.psp.braintree.objects import Transaction
from clearhouse.psp.braintree.outcomes import (
    failure_outcome,
    points_to_original,
    reply_outcome,
    transaction_outcome,
)
from clearhouse.psp.contract import (
    ChargeRequest,
    Declined,
    DeclineReason,
    NotCharged,
    PspOutcome,
    Retry,
    Unknown,
)
from clearhouse.psp.evidence import SKEW, Found, verdict

_VAULTED: Final = "token:"


class ChargeCalls:
    """The protocols Charges and Lookups."""

    _connection: Connection

    async def charge(self, request: ChargeRequest) -> PspOutcome:
        """Sell under the attempt's key, and submit for settlement unless it is only to be held.

        Without keys a sale that is there already is looked for first, since nothing else would
        keep a repeated call from charging again.
        """
        account = self._connection.accounts.of(request.amount.currency)
        if account is None:
            return await self._without_account(request)
        if not self._connection.keyed:
            found = await self.look_up(request)
            if not isinstance(found, NotCharged):
                return found
        params = self._connection.key(request.idempotency_key)
        try:
            reply = await self._connection.call(
                lambda gateway: gateway.sale(_params(request, account) | params)
            )
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
            sales = await self._connection.call(
                lambda gateway: gateway.sales_of(request.payment_order_id, since)
            )
        except Exception as error:  # noqa: BLE001 - an unread search proves nothing
            return Unknown(f"Braintree could not be searched ({type(error).__name__})")
        found = verdict(_found(sale, request) for sale in sales if not points_to_original(sale))
        return found or NotCharged("Braintree lists no sale of this attempt")


def _params(request: ChargeRequest, account: str) -> dict[str, Any]:
    """What is sold; made anew for each call, since the SDK writes into it."""
    method = request.payment_method
    vaulted = method.startswith(_VAULTED)
    return {
        "amount": format_minor(request.amount.minor, request.amount.currency),
        "merchant_account_id": account,
        "order_id": request.payment_order_id,
        "payment_method_token" if vaulted else "payment_method_nonce": method.removeprefix(
            _VAULTED
        ),
        "options": {"submit_for_settlement": request.capture},
    }


def _found(sale: Transaction, request: ChargeRequest) -> Found:
    began = request.attempted_at.replace(microsecond=0)  # Braintree tells whole seconds
    of_this_attempt = sale.created_at is None or sale.created_at >= began
    return Found(transaction_outcome(sale), of_this_attempt)
