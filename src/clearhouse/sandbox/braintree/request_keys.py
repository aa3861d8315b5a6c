"""``api_request_key``: at most once by intent, with a window of 30 days.

A repeated request gets the CURRENT state of what the first one made, not a stored answer:
a sale that was voided since comes back voided. A request that made nothing (it broke a
rule) uses its key up too, and repeating it says so (915234). What a crash interrupted has
left neither key nor charge, since both commit together.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from clearhouse.sandbox.braintree.errors import Invalid, error
from clearhouse.sandbox.braintree.markup import Decoded
from clearhouse.sandbox.braintree.store import PSP, Merchant
from clearhouse.sandbox.braintree.transaction import Transaction
from clearhouse.sandbox.core import Request
from clearhouse.sandbox.idempotency import Answer, Scope

WINDOW: Final = timedelta(days=30)
LONGEST: Final = 255

NOT_ALLOWED_SUFFIX: Final = "-without-request-keys"
"""A merchant id with this ending plays a merchant for whom the keys are not enabled."""

SERVER_ERROR_PREFIX: Final = "fake-request-key-server-error"
"""A key with this beginning plays the failure of Braintree's own key store."""

_MADE: Final = 201
_FAILED: Final = 422


def fingerprint_of(request: Request, params: Decoded) -> str:
    """Equal for two requests that ask for the same: method, path and content, in any order."""
    content = msgspec.json.encode(params, order="sorted")
    head = f"{request.method} {request.path}\n".encode()
    return hashlib.sha256(head + content).hexdigest()


async def once(
    merchant: Merchant,
    request: Request,
    params: Decoded,
    key: str,
    act: Callable[[], Transaction],
) -> Transaction:
    """Run ``act`` in one transaction of the truth, or return what it made earlier.

    ``act`` raises Invalid when it makes nothing. Raises Invalid with 915230 to 915235 for
    what may not be done with the key. An empty key means that no protection was asked for.
    """
    truth = merchant.core.truth
    if not key:
        await request.working_time()
        with truth.transaction():
            return act()
    _check(merchant, key)
    scope = Scope(PSP, merchant.id, key)
    fingerprint = fingerprint_of(request, params)
    answers = merchant.core.answers
    flying = answers.in_flight.get(scope)
    if flying is not None:
        raise Invalid(error("915233" if flying == fingerprint else "915232"))
    stored = answers.recall(scope)
    if stored is not None and not _expired(stored, merchant.now()):
        await request.working_time()
        return _replay(merchant, stored, fingerprint)
    answers.in_flight[scope] = fingerprint
    try:
        await request.working_time()
        return _run(merchant, scope, fingerprint, act)
    finally:
        del answers.in_flight[scope]


def _check(merchant: Merchant, key: str) -> None:
    if len(key) > LONGEST:
        raise Invalid(error("915230"))
    if merchant.id.endswith(NOT_ALLOWED_SUFFIX):
        raise Invalid(error("915231"))
    if key.startswith(SERVER_ERROR_PREFIX):
        raise Invalid(error("915235"))


def _expired(answer: Answer, now: datetime) -> bool:
    age = int(now.timestamp() * 1_000_000) - answer.created_at
    return age > WINDOW // timedelta(microseconds=1)


def _replay(merchant: Merchant, stored: Answer, fingerprint: str) -> Transaction:
    if stored.fingerprint != fingerprint:
        raise Invalid(error("915232"))
    made = merchant.get(stored.body.decode()) if stored.status == _MADE else None
    if made is None:
        raise Invalid(error("915234"))
    return made


def _run(
    merchant: Merchant, scope: Scope, fingerprint: str, act: Callable[[], Transaction]
) -> Transaction:
    core = merchant.core
    try:
        with core.truth.transaction():
            made = act()
            core.answers.keep(
                scope, Answer(fingerprint, _MADE, [], made.id.encode(), core.now_us())
            )
            return made
    except Invalid:
        with core.truth.transaction():
            core.answers.keep(scope, Answer(fingerprint, _FAILED, [], b"", core.now_us()))
        raise
