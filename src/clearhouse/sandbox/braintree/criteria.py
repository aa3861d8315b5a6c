"""Search criteria: which transactions a ``<search>`` document means. Pure.

Three kinds, by the shape of what is asked: text (``is``, ``is_not``, ``starts_with``,
``ends_with``, ``contains``), ranges (``min``, ``max``, ``is``) and lists (one of these).
Parts of a text are compared without case; whole texts exactly, so that two orders whose ids
differ by case are never taken for one.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final

from clearhouse.sandbox.braintree.fields import Section
from clearhouse.sandbox.braintree.markup import Decoded
from clearhouse.sandbox.braintree.transaction import Transaction


class UnknownCriterion(Exception):
    """A criterion the sandbox has no data for; ignoring it would find too much."""


def _at(status: str) -> Callable[[Transaction], datetime | None]:
    def when(transaction: Transaction) -> datetime | None:
        found = (e.timestamp for e in transaction.history if e.status == status)
        return next((moment.replace(microsecond=0) for moment in found), None)

    return when


def _created_at(transaction: Transaction) -> datetime:
    return transaction.created_at.replace(microsecond=0)


def _disbursed_on(transaction: Transaction) -> datetime | None:
    """A day without a time: searches name it as the midnight that it begins with."""
    paid = transaction.disbursed_on
    return datetime.fromisoformat(paid).replace(tzinfo=UTC) if paid else None


_DATED: Final = (
    "authorized",
    "authorization_expired",
    "submitted_for_settlement",
    "settled",
    "voided",
    "processor_declined",
    "gateway_rejected",
    "failed",
)

_MOMENTS: Final[Mapping[str, Callable[[Transaction], datetime | None]]] = MappingProxyType(
    {f"{status}_at": _at(status) for status in _DATED}
    | {"created_at": _created_at, "disbursement_date": _disbursed_on}
)

_TEXTS: Final[Mapping[str, Callable[[Transaction], str]]] = MappingProxyType(
    {
        "id": lambda each: each.id,
        "ids": lambda each: each.id,
        "order_id": lambda each: each.order_id or "",
        "currency": lambda each: each.currency,
        "status": lambda each: each.status,
        "type": lambda each: each.type,
        "merchant_account_id": lambda each: each.merchant_account_id,
        "payment_instrument_type": lambda each: each.instrument.kind,
        "settlement_batch_id": lambda each: each.settlement_batch_id or "",
        "processor_authorization_code": lambda each: each.authorization_code or "",
        "credit_card_card_type": lambda each: each.instrument.brand,
        "credit_card_number": lambda each: each.instrument.last_four,
        "customer_id": lambda each: _detail(each, "customer", "id"),
        "customer_email": lambda each: _detail(each, "customer", "email"),
        "customer_first_name": lambda each: _detail(each, "customer", "first_name"),
        "customer_last_name": lambda each: _detail(each, "customer", "last_name"),
        "customer_company": lambda each: _detail(each, "customer", "company"),
        "billing_first_name": lambda each: _detail(each, "billing", "first_name"),
        "billing_last_name": lambda each: _detail(each, "billing", "last_name"),
        "billing_postal_code": lambda each: _detail(each, "billing", "postal_code"),
        "payment_method_token": lambda _each: "",
        "created_using": lambda _each: "full_information",
        "source": lambda _each: "api",
    }
)


def _detail(transaction: Transaction, part: str, name: str) -> str:
    return transaction.details.get(part, {}).get(name) or ""


def matching(criteria: Section) -> Callable[[Transaction], bool]:
    """Whether a transaction fits all criteria. Raises UnknownCriterion."""
    tests = [_test(name, wanted) for name, wanted in criteria.items()]
    return lambda transaction: all(test(transaction) for test in tests)


def _test(name: str, wanted: Decoded) -> Callable[[Transaction], bool]:
    if name == "refund":
        expected = wanted is True or wanted == "true"
        return lambda each: (each.refunded_transaction_id is not None) == expected
    if name == "amount" and isinstance(wanted, dict):
        bounds = {operator: _decimal(value) for operator, value in wanted.items()}
        return lambda each: _within(each.major, bounds)
    if name in _MOMENTS and isinstance(wanted, dict):
        moments = {operator: moment_of(value) for operator, value in wanted.items()}
        return lambda each: _during(_MOMENTS[name](each), moments)
    if name in _TEXTS and isinstance(wanted, list):
        allowed = {str(value) for value in wanted}
        return lambda each: _TEXTS[name](each) in allowed
    if name in _TEXTS and isinstance(wanted, dict):
        parts = {each: "" if value is None else str(value) for each, value in wanted.items()}
        return lambda each: _reads(_TEXTS[name](each), parts)
    raise UnknownCriterion(name)


def _reads(actual: str, parts: Mapping[str, str]) -> bool:
    folded = actual.casefold()
    tests: dict[str, Callable[[str], bool]] = {
        "is": lambda part: actual == part,
        "is_not": lambda part: actual != part,
        "starts_with": lambda part: folded.startswith(part.casefold()),
        "ends_with": lambda part: folded.endswith(part.casefold()),
        "contains": lambda part: part.casefold() in folded,
    }
    return all(operator in tests and tests[operator](part) for operator, part in parts.items())


def _within(actual: Decimal, bounds: Mapping[str, Decimal | None]) -> bool:
    low, high, exact = bounds.get("min"), bounds.get("max"), bounds.get("is")
    return (
        (low is None or actual >= low)
        and (high is None or actual <= high)
        and (exact is None or actual == exact)
    )


def _during(actual: datetime | None, bounds: Mapping[str, datetime | None]) -> bool:
    if actual is None:
        return False
    low, high, exact = bounds.get("min"), bounds.get("max"), bounds.get("is")
    return (
        (low is None or actual >= low)
        and (high is None or actual <= high)
        and (exact is None or actual == exact)
    )


def _decimal(value: Decoded) -> Decimal | None:
    try:
        number = None if value is None else Decimal(str(value))
    except InvalidOperation:
        raise UnknownCriterion("amount") from None
    if number is not None and not number.is_finite():
        raise UnknownCriterion("amount")
    return number


def moment_of(value: Decoded) -> datetime | None:
    """A bound of a time range, to the second as Braintree counts. Raises UnknownCriterion."""
    if value is None or isinstance(value, datetime):
        return value
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise UnknownCriterion("time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
