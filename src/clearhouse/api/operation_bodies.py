"""The bodies of requests about a payment that exists: few members, every fault at once."""

import re
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from clearhouse.api.buyer_info import check_characters
from clearhouse.api.cards import bytes_hold_card_number, holds_card_number
from clearhouse.api.documents import document_of
from clearhouse.api.faults import Faults
from clearhouse.api.requests import ID_PATTERN, MAX_AMOUNT, MAX_ID, Identifier
from clearhouse.api.strict_json import Members, Number
from clearhouse.kernel.errors import CardNumberRefused, InvalidRequest
from clearhouse.kernel.money import EXPONENTS, MAX_MINOR, MoneyError, format_minor, parse_charge

MAX_REASON: Final = 200
_ID: Final = re.compile(ID_PATTERN, re.ASCII)
_encoder: Final = msgspec.json.Encoder(order="sorted")
_MONEY: Final = {
    "amount-not-decimal": 'must be digits with at most one point, such as "12.50"',
    "amount-not-positive": "must be greater than zero",
    "too-many-decimals": "{currency} has {places} decimals",
    "amount-too-large": "must be at most {most} {currency}",
}

Amount = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,18}(\.[0-9]{1,18})?$",
        max_length=MAX_AMOUNT,
        description="A decimal string in major units of the payment's currency. "
        "Left out: all that is left.",
    ),
]


class RefundRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Money to give back; every member may be left out."""

    amount: Amount | msgspec.UnsetType = msgspec.UNSET
    reason: (
        Annotated[
            str,
            Meta(
                max_length=MAX_REASON,
                description="Why, in your words; shown with the refund and told to the PSP.",
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    refund_id: (
        Annotated[
            Identifier,
            Meta(description="Yours, unique for ever; left out: one is made. Serves as the key."),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET


class CaptureRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """How much of an authorization to take."""

    amount: Amount | msgspec.UnsetType = msgspec.UNSET


class VoidRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Nothing needs to be said; an empty object."""


Body = TypeVar("Body", bound="RefundRequest | CaptureRequest | VoidRequest")


def read_operation(body: bytes, kind: type[Body], currency: str) -> tuple[Body, int | None, bytes]:
    """What a body asks for, its amount in minor units (None: all), and its canonical JSON.

    An empty body counts as an empty object. Raises CardNumberRefused, InvalidRequest with every
    fault, and HttpError for what is not JSON.
    """
    if bytes_hold_card_number(body):
        raise CardNumberRefused("")
    faults = Faults()
    values = _values(document_of(body), kind, currency, faults)
    if faults:
        raise InvalidRequest(faults.found)
    wanted = msgspec.convert(values, kind)
    amount = values.get("amount")
    minor = None if amount is None else parse_charge(amount, currency).minor
    return wanted, minor, _encoder.encode(values)


def _values(document: Any, kind: type[Body], currency: str, faults: Faults) -> dict[str, Any]:
    if not isinstance(document, Members):
        faults.add("", "wrong-type", "must be a flat JSON object")
        return {}
    known = kind.__struct_fields__
    checked: dict[str, Any] = {}
    for name, value in document.values.items():
        pointer = f"/{name}" if name in known else ""
        if name not in known:
            faults.add(pointer, "unknown-field", f"may hold {_listed(known)} only")
        elif name == "amount":
            checked[name] = check_amount(value, currency, faults)
        elif not isinstance(value, str):
            faults.add(pointer, "wrong-type", "must be a string")
        elif check_characters(value, pointer, faults, allowed=""):
            if holds_card_number(value):
                raise CardNumberRefused(pointer)
            _check_text(name, value, faults)
            checked[name] = value
    for name, _ in document.repeated:
        pointer = f"/{name}" if name in known else ""
        faults.add(pointer, "duplicate-key", "is given more than once")
    return checked


def _check_text(name: str, value: str, faults: Faults) -> None:
    longest = MAX_REASON if name == "reason" else MAX_ID
    if len(value) > longest:
        faults.add(f"/{name}", "too-long", f"must have at most {longest} characters")
    elif name != "reason" and not _ID.fullmatch(value):
        faults.add(
            f"/{name}",
            "invalid-characters",
            "may hold ASCII letters, digits and . _ : ~ @ + = - only, a letter or digit first",
        )


def check_amount(value: Any, currency: str, faults: Faults) -> str:
    """An amount as it was written, if it is one; else a fault at ``/amount``."""
    if isinstance(value, Number):
        faults.add(
            "/amount", "amount-not-a-string", 'must be a string such as "12.50", not a number'
        )
    elif not isinstance(value, str):
        faults.add("/amount", "wrong-type", "must be a string")
    else:
        try:
            parse_charge(value, currency)
        except MoneyError as error:
            words = {
                "currency": currency,
                "places": EXPONENTS[currency],
                "most": format_minor(MAX_MINOR, currency),
            }
            faults.add("/amount", error.code, _MONEY[error.code].format(**words))
        else:
            return value
    return ""


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(names) if names else "nothing"
