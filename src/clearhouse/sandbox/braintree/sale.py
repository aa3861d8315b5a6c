"""A sale: what the gateway and the processor make of a valid request."""

from decimal import Decimal
from typing import Final

import msgspec

from clearhouse.kernel.money import exponent
from clearhouse.sandbox.braintree.fields import Section, text
from clearhouse.sandbox.braintree.issued import Nonces
from clearhouse.sandbox.braintree.nonces import Instrument
from clearhouse.sandbox.braintree.requests import SaleRequest, read_sale
from clearhouse.sandbox.braintree.responses import response_of
from clearhouse.sandbox.braintree.schedule import entered
from clearhouse.sandbox.braintree.store import Merchant
from clearhouse.sandbox.braintree.transaction import StatusEvent, Transaction, moved
from clearhouse.sandbox.braintree.triggers import (
    PAYPAL,
    PROCESSED,
    Verdict,
    authorization,
    rejected,
)
from clearhouse.sandbox.braintree.vault import Vault

SUBMITTED: Final = "submitted_for_settlement"

_AUTHENTICATED: Final = frozenset(["authenticate_successful", "authenticate_attempt_successful"])


def create(merchant: Merchant, params: Section) -> Transaction:
    """Make and remember the transaction that a request asks for; within one transaction.

    Duplicates are looked for only when the request has no ``api_request_key``: the two
    protections exclude each other. Raises Invalid when a rule is broken.
    """
    vault = Vault(merchant)
    asked = read_sale(params, lambda token: _instrument(vault, token), Nonces(merchant).pay)
    key = text(params, "api_request_key")
    draft = _draft(merchant, asked)
    verdict = _verdict(merchant, asked, draft, check_duplicates=not key)
    made = _decided(draft, verdict, merchant)
    if made.status == "authorized" and asked.submit:
        made = moved(made, submitted(made), made.created_at)
    merchant.add(made, key=key or None)
    return entered(merchant, made)


def submitted(transaction: Transaction) -> str:
    """The status after a submission for settlement; PayPal starts settling at once."""
    return "settling" if transaction.instrument.kind == PAYPAL else SUBMITTED


def _instrument(vault: Vault, token: str) -> Instrument | None:
    found = vault.method(token)
    return None if found is None else found.instrument


def _draft(merchant: Merchant, asked: SaleRequest) -> Transaction:
    now = merchant.now()
    return Transaction(
        id=merchant.new_id(),
        type=asked.type,
        status="authorizing",
        amount=asked.amount,
        currency=asked.currency,
        merchant_account_id=asked.merchant_account_id,
        instrument=asked.instrument,
        method=asked.method,
        created_at=now,
        updated_at=now,
        history=(),
        order_id=asked.order_id,
        cvv_response=asked.cvv,
        avs=asked.avs,
        details=_details(asked),
        texts=asked.texts,
    )


def _details(asked: SaleRequest) -> dict[str, dict[str, str | None]]:
    """What was sent; a vaulted method brings its customer along."""
    if not asked.instrument.customer_id:
        return asked.details
    customer = {"id": asked.instrument.customer_id} | asked.details.get("customer", {})
    return asked.details | {"customer": customer}


def _verdict(
    merchant: Merchant, asked: SaleRequest, draft: Transaction, *, check_duplicates: bool
) -> Verdict:
    if asked.type == "credit":
        return Verdict(SUBMITTED, response_of(PROCESSED))
    if asked.instrument.rejection:
        return rejected(asked.instrument.rejection)
    if asked.require_authentication and asked.instrument.authentication not in _AUTHENTICATED:
        return rejected("three_d_secure")
    if check_duplicates and merchant.twin(draft) is not None:
        return rejected("duplicate")
    major = Decimal(asked.amount).scaleb(-exponent(asked.currency))
    return authorization(major, asked.instrument.kind, accept_partial=asked.accept_partial)


def _decided(draft: Transaction, verdict: Verdict, merchant: Merchant) -> Transaction:
    amount = draft.amount // 2 if verdict.partial else draft.amount
    approved = verdict.status in {"authorized", SUBMITTED}
    return msgspec.structs.replace(
        draft,
        status=verdict.status,
        amount=amount,
        history=(StatusEvent(verdict.status, amount, draft.created_at),),
        response=verdict.response.code if verdict.response else "",
        rejection_reason=verdict.reason,
        authorization_code=merchant.new_id()[:6].upper() if approved else None,
    )
