"""What a sale asks for: the request checked as a whole, every fault told at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from clearhouse.kernel.money import MAX_MINOR, MoneyError, parse_minor
from clearhouse.sandbox.braintree import accounts
from clearhouse.sandbox.braintree.checks import AddressCheck, check_address, check_cvv
from clearhouse.sandbox.braintree.errors import Invalid, ValidationError, error
from clearhouse.sandbox.braintree.fields import Section, flag, section, text, texts
from clearhouse.sandbox.braintree.nonces import Instrument, NonceRefused, card_of, instrument_of

_DETAILS: Final = ("customer", "billing", "shipping", "custom_fields", "descriptor")
_TEXTS: Final = ("channel", "purchase_order_number", "tax_amount")
_LONGEST_ORDER_ID: Final = 255
_REFUSALS: Final = {
    "consumed": "91564",
    "unknown": "91565",
    "luhn": "81715",
    "unsupported": "91577",
}

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class SaleRequest:
    """A sale (or stand-alone credit) that breaks no rule; ``amount`` in minor units.

    ``method`` is the nonce, ``token:…`` for a vaulted method, or for a raw card its brand and
    last digits: never its number.
    ``cvv`` and ``avs`` are the answers to the checks of the card's holder.
    """

    type: str
    amount: int
    currency: str
    merchant_account_id: str
    order_id: str | None
    instrument: Instrument
    method: str
    submit: bool
    accept_partial: bool
    require_authentication: bool
    cvv: str
    avs: AddressCheck
    details: dict[str, dict[str, str | None]]
    texts: dict[str, str]


class _Faults:
    """Collects the faults of independent parts, so that one answer tells them all."""

    def __init__(self) -> None:
        self.errors: list[ValidationError] = []

    def of(self, part: Callable[[], _T]) -> _T | None:
        try:
            return part()
        except Invalid as invalid:
            self.errors.extend(invalid.errors)
            return None


TokenLookup = Callable[[str], Instrument | None]
"""Finds the instrument of a token in the vault."""

NonceUse = Callable[[str], tuple[Instrument, str] | None]
"""Uses up a nonce that a browser got: its instrument and the answer to its CVV.

None for one that was never issued. Raises NonceRefused.
"""


def read_sale(params: Section, vaulted: TokenLookup, issued: NonceUse) -> SaleRequest:
    """The sale in the content of ``<transaction>``. Raises Invalid."""
    faults = _Faults()
    kind = faults.of(lambda: _type(params))
    account = text(params, "merchant_account_id") or accounts.DEFAULT
    currency = faults.of(lambda: accounts.currency_of(account))
    amount = faults.of(lambda: amount_of(text(params, "amount"), currency or "USD"))
    order_id = faults.of(lambda: _order_id(params))
    paying = faults.of(lambda: _paying(params, vaulted, issued))
    if faults.errors or kind is None or currency is None or amount is None or paying is None:
        raise Invalid(*faults.errors)
    instrument, method, cvv = paying
    options = section(params, "options")
    return SaleRequest(
        type=kind,
        amount=amount,
        currency=currency,
        merchant_account_id=account,
        order_id=order_id or None,
        instrument=instrument,
        method=method,
        submit=flag(options, "submit_for_settlement") or kind == "credit",
        accept_partial=flag(params, "accept_partial_authorization"),
        require_authentication=flag(section(options, "three_d_secure"), "required"),
        cvv=cvv,
        avs=check_address(texts(section(params, "billing"))),
        details={name: texts(section(params, name)) for name in _DETAILS if params.get(name)},
        texts={name: text(params, name) for name in _TEXTS if text(params, name)},
    )


def amount_of(written: str, currency: str) -> int:
    """An amount of a request in minor units. Raises Invalid."""
    if not written:
        raise Invalid(error("81502"))
    try:
        minor = parse_minor(written, currency)
    except MoneyError:
        raise Invalid(error("81503")) from None
    if minor < 0:
        raise Invalid(error("81501"))
    if minor == 0:
        raise Invalid(error("81531"))
    if minor > MAX_MINOR:
        raise Invalid(error("81528"))
    return minor


def _type(params: Section) -> str:
    kind = text(params, "type")
    if not kind:
        raise Invalid(error("91524"))
    if kind not in {"sale", "credit"}:
        raise Invalid(error("91523"))
    return kind


def _order_id(params: Section) -> str:
    order_id = text(params, "order_id")
    if len(order_id) > _LONGEST_ORDER_ID:
        raise Invalid(error("91501"))
    return order_id


def _paying(params: Section, vaulted: TokenLookup, issued: NonceUse) -> tuple[Instrument, str, str]:
    """What pays, what it is called in the truth, and the answer to its CVV."""
    cvv = check_cvv(text(section(params, "credit_card"), "cvv"))
    nonce = text(params, "payment_method_nonce")
    token = text(params, "payment_method_token")
    number = text(section(params, "credit_card"), "number")
    if sum(map(bool, (nonce, token, number))) > 1:
        raise Invalid(error("91515"))
    if token:
        instrument = vaulted(token)
        if instrument is None:
            raise Invalid(error("91518"))
        return instrument, f"token:{token}", cvv
    try:
        if nonce:
            found = issued(nonce)
            return (found[0], nonce, found[1]) if found else (instrument_of(nonce), nonce, cvv)
        if number:
            card = card_of(number)
            return card, f"{card.brand} ending in {card.last_four}", cvv
    except NonceRefused as refused:
        raise Invalid(error(_REFUSALS[refused.problem])) from None
    raise Invalid(error("91508"))
