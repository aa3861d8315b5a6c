"""Stripe Connect as a rail: a transfer to the seller's account, and a payout from there.

Both carry the payout's key, in ``transfer_group`` and in their metadata, by which they are found
again, and have idempotency keys made from it. Stripe forgets those after a day, so what exists
is always looked for first; its lists, unlike its search, show what was just written.

A payout of Stripe's that fails leaves the money on the seller's account at Stripe. It is taken
back from there by reversing the transfer, and only then is our payout Failed. Stripe may tell so
up to five days after it told ``paid``, so a payout is asked about for a week.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, cast

import stripe

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp.contract import NotCharged, Unknown
from clearhouse.psp.credentials import Credential, read_credentials
from clearhouse.psp.evidence import SKEW
from clearhouse.psp.rails import (
    Batch,
    ConnectedAccount,
    Failed,
    FailureReason,
    Instruction,
    PaidOut,
    PayoutNews,
    PayoutOutcome,
    RailConfig,
    Submitted,
)
from clearhouse.psp.stripe.adapter import CREDENTIALS
from clearhouse.psp.stripe.amounts import to_stripe
from clearhouse.psp.stripe.connection import Connection
from clearhouse.psp.stripe.outcomes import error_of, failure_outcome, mapping
from clearhouse.psp.stripe.walking import PAGE

NAME: Final = "stripe"
SETTINGS: Final[tuple[Credential, ...]] = ()
MAX_BATCH: Final = 100
_KEY: Final = "payout_key"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_R = FailureReason

REASONS: Final = MappingProxyType(
    {
        "account_closed": _R.ACCOUNT_CLOSED,
        "account_frozen": _R.ACCOUNT_BLOCKED,
        "bank_account_restricted": _R.NOT_ALLOWED,
        "bank_account_unusable": _R.NOT_ALLOWED,
        "bank_ownership_changed": _R.HOLDER_MISMATCH,
        "could_not_process": _R.OTHER,
        "debit_not_authorized": _R.NOT_ALLOWED,
        "declined": _R.REFUSED_BY_HOLDER,
        "incorrect_account_holder_address": _R.HOLDER_MISMATCH,
        "incorrect_account_holder_name": _R.HOLDER_MISMATCH,
        "incorrect_account_holder_tax_id": _R.HOLDER_MISMATCH,
        "incorrect_account_type": _R.ACCOUNT_INVALID,
        "invalid_account_number": _R.ACCOUNT_INVALID,
        "invalid_account_number_length": _R.ACCOUNT_INVALID,
        "invalid_card": _R.ACCOUNT_INVALID,
        "invalid_currency": _R.CURRENCY_NOT_SUPPORTED,
        "no_account": _R.ACCOUNT_INVALID,
        "balance_insufficient": _R.INSUFFICIENT_FUNDS,
        "insufficient_funds": _R.INSUFFICIENT_FUNDS,
        "payouts_not_allowed": _R.NOT_ALLOWED,
        "unsupported_card": _R.NOT_ALLOWED,
    }
)
"""Stripe's failure codes of payouts and its error codes; others are OTHER, or REJECTED_BY_RAIL
where the request itself was refused."""


def create(config: RailConfig) -> "StripeRail":
    """A rail on the PSP stripe's account; raises ConfigurationError where that is not set up."""
    if config.psp is None:
        raise ConfigurationError(
            "The rail stripe rides on the PSP stripe, which is not enabled.",
            hint="Set CLEARHOUSE_PSP_STRIPE_SECRET_KEY, or leave the rail out of rails.enabled.",
        )
    given = read_credentials(NAME, CREDENTIALS, config.psp.credentials)
    return StripeRail(Connection(given["secret_key"], config.psp))


class StripeRail:
    """The protocol Rail."""

    name = NAME
    max_batch = MAX_BATCH

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def refusal(self, instruction: Instruction) -> str | None:
        if not isinstance(instruction.destination, ConnectedAccount):
            return "Stripe Connect pays to connected accounts."
        if not instruction.destination.psp_account.startswith("acct_"):
            return "A connected account's id begins with acct_."
        if instruction.amount.minor <= 0 or not to_stripe(instruction.amount):
            return "Stripe has no way to say this amount."
        return None

    async def submit(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        return await self._each(batch, send=True)

    async def inquire(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        return await self._each(batch, send=False)

    async def news(self, cursor: str | None) -> tuple[Sequence[PayoutNews], str | None]:
        """Nothing: what Stripe knows of a payout is asked for by ``inquire``."""
        return (), cursor

    async def close(self) -> None:
        await self._connection.close()

    async def _each(self, batch: Batch, *, send: bool) -> Mapping[str, PayoutOutcome]:
        if any(self.refusal(each) for each in batch.instructions):
            raise ValueError("an instruction can never be sent by Stripe Connect")
        outcomes = await asyncio.gather(
            *(self._guarded(batch, each, send=send) for each in batch.instructions)
        )
        return {
            each.payout_id: outcome
            for each, outcome in zip(batch.instructions, outcomes, strict=True)
        }

    async def _guarded(self, batch: Batch, each: Instruction, *, send: bool) -> PayoutOutcome:
        try:
            return await self._outcome(batch, each, send=send)
        except Exception as error:  # noqa: BLE001 - a list that was not read proves nothing
            return Unknown(f"Stripe's records could not be read ({type(error).__name__})")

    async def _outcome(self, batch: Batch, each: Instruction, *, send: bool) -> PayoutOutcome:
        transfer = await self._transfer_of(each)
        if transfer is None:
            if not send:
                return Unknown("Stripe lists no transfer of this payout; a call may be on its way")
            try:
                transfer = await self._send_transfer(each)
            except Exception as error:  # noqa: BLE001 - whatever went wrong, it may be out
                return _failure(error)
        if transfer["reversed"]:
            return await self._reversed(batch, each)
        payout = await self._payout_of(batch, each)
        if payout is None:
            if not send:
                return Unknown("Stripe has the transfer, and lists no payout of it yet")
            try:
                payout = await self._send_payout(each)
            except Exception as error:  # noqa: BLE001 - whatever went wrong, it may be out
                failed = _failure(error)
                if not isinstance(failed, Failed):
                    # The money stands on the seller's account: it was sent, and not to the end.
                    return Unknown("Stripe has the transfer; its payout was not confirmed")
                return await self._take_back(transfer, each, failed)
        status, reference = payout["status"], str(payout["id"])
        if status == "paid":
            return PaidOut(reference, _EPOCH + timedelta(seconds=int(payout["arrival_date"])))
        if status in {"failed", "canceled"}:
            return await self._take_back(transfer, each, _failed(payout))
        return Submitted(reference)

    async def _reversed(self, batch: Batch, each: Instruction) -> PayoutOutcome:
        payout = await self._payout_of(batch, each)
        return Failed(_R.OTHER, "transfer_reversed") if payout is None else _failed(payout)

    async def _take_back(
        self, transfer: Mapping[str, Any], each: Instruction, failed: Failed
    ) -> PayoutOutcome:
        """Failed only once the money is with the platform again."""
        options: stripe.RequestOptions = {"idempotency_key": f"{each.key}-reversal"}
        params: Any = {"metadata": {_KEY: each.key}}
        identifier = str(transfer["id"])
        try:
            await self._connection.run(
                lambda client: client.v1.transfers.reversals.create_async(
                    identifier, params, options
                )
            )
        except Exception as error:  # noqa: BLE001 - it is tried again at the next call
            code = error_of(error).get("code") if isinstance(error, stripe.StripeError) else None
            return Unknown(
                f"Stripe's payout failed ({failed.code}), and the money could not be taken back"
                f" from the seller's account yet ({code or type(error).__name__})"
            )
        return failed

    async def _send_transfer(self, each: Instruction) -> Mapping[str, Any]:
        options: stripe.RequestOptions = {"idempotency_key": f"{each.key}-transfer"}
        params: Any = {
            "amount": to_stripe(each.amount),
            "currency": each.amount.currency.lower(),
            "destination": _account(each),
            "transfer_group": each.key,
            "metadata": {_KEY: each.key},
        }
        made = await self._connection.run(
            lambda client: client.v1.transfers.create_async(params, options)
        )
        return made.to_dict()

    async def _send_payout(self, each: Instruction) -> Mapping[str, Any]:
        options: stripe.RequestOptions = {
            "idempotency_key": f"{each.key}-payout",
            "stripe_account": _account(each),
        }
        params: Any = {
            "amount": to_stripe(each.amount),
            "currency": each.amount.currency.lower(),
            "metadata": {_KEY: each.key},
        }
        made = await self._connection.run(
            lambda client: client.v1.payouts.create_async(params, options)
        )
        return made.to_dict()

    async def _transfer_of(self, each: Instruction) -> Mapping[str, Any] | None:
        params: Any = {"transfer_group": each.key, "limit": PAGE}
        page = await self._connection.run(lambda client: client.v1.transfers.list_async(params))
        found = (transfer.to_dict() for transfer in page.data)
        return next((one for one in found if _key_of(one) == each.key), None)

    async def _payout_of(self, batch: Batch, each: Instruction) -> Mapping[str, Any] | None:
        since = int((batch.created_at - SKEW).timestamp())
        params: dict[str, Any] = {"created": {"gte": since}, "limit": PAGE}
        options: stripe.RequestOptions = {"stripe_account": _account(each)}
        while True:
            asked = cast("Any", dict(params))
            page = await self._connection.run(
                lambda client, asked=asked: client.v1.payouts.list_async(asked, options)
            )
            for payout in page.data:
                if _key_of(payout.to_dict()) == each.key:
                    return payout.to_dict()
            if not page.has_more:
                return None
            params["starting_after"] = page.data[-1].id


def _account(each: Instruction) -> str:
    assert isinstance(each.destination, ConnectedAccount)
    return each.destination.psp_account


def _key_of(body: Mapping[str, Any]) -> str | None:
    return mapping(body.get("metadata")).get(_KEY)


def _failed(payout: Mapping[str, Any]) -> Failed:
    code = str(payout.get("failure_code") or payout["status"])
    return Failed(_R.CANCELLED if code == "canceled" else REASONS.get(code, _R.OTHER), code)


def _failure(error: Exception) -> PayoutOutcome:
    """What an exception means for a call that asked for money to move."""
    if isinstance(error, stripe.InvalidRequestError) and not isinstance(
        error, stripe.IdempotencyError
    ):
        code = str(error_of(error).get("code") or "invalid_request")
        return Failed(REASONS.get(code, _R.REJECTED_BY_RAIL), code)
    outcome = failure_outcome(error)
    # Never NotSent: an earlier call with the key may still be on its way, and the same again is
    # harmless.
    detail = outcome.detail if isinstance(outcome, NotCharged | Unknown) else "an odd answer"
    return Unknown(f"Stripe did not confirm the transfer: {detail}")
