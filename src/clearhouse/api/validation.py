"""The complete check of ``POST /v1/payments``: every fault at once, each by its JSON pointer.

It runs only for requests that the fast path of ``intake.py`` could not accept at a glance, so
it is written to be thorough rather than quick. What it accepts, the typed decoder accepts
too: tests hold the two together.
"""

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from clearhouse.api import requests
from clearhouse.api.buyer_info import check_buyer_info, check_characters, plain
from clearhouse.api.faults import Faults, pointer_to
from clearhouse.api.page_rules import check_page
from clearhouse.api.strict_json import Members, Number
from clearhouse.kernel.money import EXPONENTS, MAX_MINOR, MoneyError, format_minor, parse_charge

_ID: Final = re.compile(requests.ID_PATTERN, re.ASCII)
_TOKEN: Final = re.compile(requests.TOKEN_PATTERN, re.ASCII)
_RETURN_URL: Final = re.compile(requests.RETURN_URL_PATTERN, re.ASCII)
_ORDER_FIELDS: Final = ("payment_order_id", "seller_account", "amount", "currency")
_FIELDS: Final = ("checkout_id", "buyer_info", "payment_orders")
_OPTIONAL: Final = ("credit_card_info", "psp", "capture", "return_url", "cancel_url")
_CARD_DATA: Final = {"number", "card_number", "pan", "cvc", "cvv", "cvv2", "exp_month", "exp_year"}
_MONEY_DETAILS: Final = {
    "amount-not-decimal": 'must be digits with at most one point, such as "12.50"',
    "amount-not-positive": "must be greater than zero",
}


def check_payment(
    document: Any, psps: AbstractSet[str], pages: Sequence[str] = ()
) -> tuple[dict[str, Any], Faults]:
    """The request as plain Python values, and everything that is wrong with it.

    ``document`` is what ``strict_json.read_strictly`` returned, and ``pages`` are the PSPs with a
    payment page. The values are complete only when there are no faults.
    """
    faults = Faults()
    if not isinstance(document, Members):
        faults.add("", "wrong-type", "must be a JSON object")
        return {}, faults
    members = _members(document, (), _FIELDS, faults, _OPTIONAL)
    values: dict[str, Any] = {}
    if "checkout_id" in members:
        values["checkout_id"] = _identifier(members["checkout_id"], ("checkout_id",), faults)
    if "buyer_info" in members:
        check_buyer_info(members["buyer_info"], faults)
        values["buyer_info"] = plain(members["buyer_info"])
    if "credit_card_info" in members:
        values["credit_card_info"] = _cards(members["credit_card_info"], psps, faults)
    if "payment_orders" in members:
        values["payment_orders"] = _orders(members["payment_orders"], faults)
    if "capture" in members:
        values["capture"] = _capture(members["capture"], faults)
    for name in ("return_url", "cancel_url"):
        if name in members:
            values[name] = _address(members[name], name, faults)
    if "psp" in members:
        values["psp"] = _text(members["psp"], ("psp",), 64, faults)
    check_page(values, pages, faults)
    return values, faults


def _members(
    found: Members,
    path: tuple[str | int, ...],
    wanted: tuple[str, ...],
    faults: Faults,
    optional: tuple[str, ...] = (),
) -> dict[str, Any]:
    for name in wanted:
        if name not in found.values:
            faults.add(pointer_to((*path, name)), "missing", "is required")
    _check_names(found, path, (*wanted, *optional), faults)
    return found.values


def _check_names(
    found: Members, path: tuple[str | int, ...], known: tuple[str, ...], faults: Faults
) -> None:
    for name in found.values:
        if name in known:
            continue
        detail = "is not a field of this object"
        if path[:1] == ("credit_card_info",) and name.lower() in _CARD_DATA:
            detail = "is never accepted; send the PSP's token instead"
        faults.add(pointer_to((*path, name)), "unknown-field", detail)
    for name, _ in found.repeated:
        faults.add(pointer_to((*path, name)), "duplicate-key", "is given more than once")


def _text(value: Any, path: tuple[str | int, ...], longest: int, faults: Faults) -> str | None:
    pointer = pointer_to(path)
    if not isinstance(value, str):
        faults.add(pointer, "wrong-type", "must be a string")
        return None
    if not value:
        faults.add(pointer, "empty", "must not be empty")
        return None
    if len(value) > longest:
        faults.add(pointer, "too-long", f"must have at most {longest} characters")
        return None
    if not check_characters(value, pointer, faults, allowed=""):
        return None
    return value


def _identifier(value: Any, path: tuple[str | int, ...], faults: Faults) -> str | None:
    text = _text(value, path, requests.MAX_ID, faults)
    if text is not None and not _ID.fullmatch(text):
        faults.add(
            pointer_to(path),
            "invalid-characters",
            "may hold ASCII letters, digits and . _ : ~ @ + = - only, a letter or digit first",
        )
        return None
    return text


def _cards(
    value: Any, psps: AbstractSet[str], faults: Faults
) -> dict[str, Any] | list[dict[str, Any]]:
    """One card, or the same card at several PSPs, each PSP once."""
    path = ("credit_card_info",)
    if not isinstance(value, list):
        return _card_info(value, path, psps, faults)
    items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
    if not 1 <= len(items) <= requests.MAX_ALTERNATIVES:
        kind = "too-many" if items else "too-few"
        detail = f"must hold 1 to {requests.MAX_ALTERNATIVES} alternatives"
        faults.add(pointer_to(path), kind, detail)
        return []
    checked = [_card_info(item, (*path, place), psps, faults) for place, item in enumerate(items)]
    first_use: dict[str, int] = {}
    for place, card in enumerate(checked):
        psp = card.get("psp")
        if psp is not None and first_use.setdefault(psp, place) != place:
            faults.add(
                pointer_to((*path, place, "psp")),
                "duplicate-psp",
                f"is the same as in alternative {first_use[psp]}",
            )
    return checked


def _card_info(
    value: Any, path: tuple[str | int, ...], psps: AbstractSet[str], faults: Faults
) -> dict[str, Any]:
    if not isinstance(value, Members):
        faults.add(pointer_to(path), "wrong-type", "must be a JSON object")
        return {}
    _check_names(value, path, ("psp", *requests.TOKEN_FIELDS), faults)
    checked: dict[str, Any] = {}
    psp: str | None = None
    if "psp" not in value.values:
        faults.add(pointer_to((*path, "psp")), "missing", "is required")
    else:
        psp = _text(value.values["psp"], (*path, "psp"), 64, faults)
        if psp is not None and psp not in psps:
            known = ", ".join(sorted(psps))
            faults.add(pointer_to((*path, "psp")), "unknown-psp", f"must be one of: {known}")
            psp = None
        checked["psp"] = psp
    given = [name for name in requests.TOKEN_FIELDS if name in value.values]
    if not given:
        detail = "a token or nonce of the PSP is required"
        faults.add(pointer_to((*path, "token")), "missing", detail)
    for name in given:
        pointer = pointer_to((*path, name))
        owner = requests.TOKEN_FIELDS[name]
        token = _text(value.values[name], (*path, name), requests.MAX_TOKEN, faults)
        if token is not None and not _TOKEN.fullmatch(token):
            faults.add(pointer, "invalid-characters", "may hold visible ASCII characters only")
        if name != given[0]:
            faults.add(pointer, "too-many-tokens", f"give either this or {given[0]}, not both")
        elif owner is not None and psp is not None and owner != psp:
            faults.add(pointer, "token-of-another-psp", f"belongs to {owner}; use token instead")
        checked[name] = token
    return checked


def _capture(value: Any, faults: Faults) -> str | None:
    text = _text(value, ("capture",), requests.MAX_ID, faults)
    if text is not None and text not in requests.CAPTURES:
        faults.add("/capture", "unknown-value", f"must be one of: {', '.join(requests.CAPTURES)}")
    return text


def _address(value: Any, name: str, faults: Faults) -> str | None:
    text = _text(value, (name,), requests.MAX_URL, faults)
    if text is not None and not _RETURN_URL.fullmatch(text):
        faults.add(
            f"/{name}",
            "invalid-url",
            "must be an https address without a user, or http on localhost",
        )
    return text


def _orders(value: Any, faults: Faults) -> list[dict[str, Any]]:
    pointer = "/payment_orders"
    if not isinstance(value, list):
        faults.add(pointer, "wrong-type", "must be a list")
        return []
    items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
    if not items:
        faults.add(pointer, "too-few", "must hold at least one payment order")
    if len(items) > requests.MAX_ORDERS:
        faults.add(pointer, "too-many", f"must hold at most {requests.MAX_ORDERS} payment orders")
        return []
    first_use: dict[str, int] = {}
    checked: list[dict[str, Any]] = []
    for index, item in enumerate(items):
        order = _order(item, index, faults)
        checked.append(order)
        name = order.get("payment_order_id")
        if name is not None and first_use.setdefault(name, index) != index:
            faults.add(
                f"{pointer}/{index}/payment_order_id",
                "duplicate-payment-order-id",
                f"is the same as in payment order {first_use[name]} of this request",
            )
    return checked


def _order(value: Any, index: int, faults: Faults) -> dict[str, Any]:
    path = ("payment_orders", index)
    if not isinstance(value, Members):
        faults.add(pointer_to(path), "wrong-type", "must be a JSON object")
        return {}
    members = _members(value, path, _ORDER_FIELDS, faults)
    checked: dict[str, Any] = {}
    for name in ("payment_order_id", "seller_account"):
        if name in members:
            checked[name] = _identifier(members[name], (*path, name), faults)
    currency: str | None = None
    if "currency" in members:
        currency = _text(members["currency"], (*path, "currency"), requests.MAX_ID, faults)
        if currency is not None and currency not in EXPONENTS:
            faults.add(
                pointer_to((*path, "currency")),
                "unknown-currency",
                'must be an ISO 4217 currency in capital letters, such as "EUR"',
            )
            currency = None
    if "amount" in members:
        checked["amount"] = _amount(members["amount"], (*path, "amount"), currency, faults)
    checked["currency"] = currency
    return checked


def _amount(
    value: Any, path: tuple[str | int, ...], currency: str | None, faults: Faults
) -> str | None:
    pointer = pointer_to(path)
    if isinstance(value, Number):
        faults.add(pointer, "amount-not-a-string", 'must be a string such as "12.50", not a number')
        return None
    text = _text(value, path, requests.MAX_ID, faults)
    if text is None:
        return None
    try:
        # Without a currency, judge by the one with the most decimals: what fails there fails.
        parse_charge(text, currency or "CLF")
    except MoneyError as error:
        detail = _MONEY_DETAILS.get(error.code)
        if error.code == "too-many-decimals":
            if currency is None:
                return text
            detail = f"{currency} has {EXPONENTS[currency]} decimals"
        elif error.code == "amount-too-large":
            if currency is None:
                return text
            detail = f"must be at most {format_minor(MAX_MINOR, currency)} {currency}"
        faults.add(pointer, error.code, detail or "is not an amount")
        return None
    return text
