"""The body of ``POST /v1/payments`` read: at a glance when it is plainly right, else thoroughly.

The glance is one typed decoding. It trusts nothing that decoding cannot see: escapes, floats,
repeated members and anything unusual in ``buyer_info`` go to the complete check, which tells
every fault at once.
"""

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, cast

import msgspec

from clearhouse.api.buyer_info import encode_buyer_info, looks_plain
from clearhouse.api.cards import bytes_hold_card_number, holds_card_number
from clearhouse.api.faults import pointer_to
from clearhouse.api.problems import HttpError
from clearhouse.api.requests import MAX_BUYER_INFO, PaymentRequest
from clearhouse.api.strict_json import (
    DEEPEST,
    MalformedJson,
    Members,
    Number,
    TooDeep,
    read_strictly,
)
from clearhouse.api.validation import check_payment
from clearhouse.kernel.errors import CardNumberRefused, Fault, InvalidRequest
from clearhouse.kernel.money import MoneyError, parse_charge
from clearhouse.payments.model import Alternative, CaptureMode, NewOrder, NewPayment

_decoder: Final = msgspec.json.Decoder(PaymentRequest)
_encoder: Final = msgspec.json.Encoder(order="sorted")
_UNUSUAL: Final = re.compile(r"[\\\x7f-\x9f]")
_MEMBER: Final = re.compile(rb'"[ \t\r\n]*:')
_MEMBERS_OF_ORDER: Final = 4
_MEMBERS_BESIDE: Final = 6
"""checkout_id, buyer_info, credit_card_info with psp and one token, payment_orders."""
_MEMBERS_OF_CARD: Final = 3


def read_payment(
    body: bytes, psps: AbstractSet[str], pages: Sequence[str] = ()
) -> tuple[NewPayment, bytes]:
    """The payment that a body asks for, and its canonical JSON.

    Two bodies that say the same have the same canonical JSON, whatever their white space,
    escapes and order of members. ``pages`` are the PSPs with a payment page; a payment for one of
    them has no PSP yet unless it asks for one. Raises CardNumberRefused, InvalidRequest with every
    fault, and HttpError for what is not JSON.
    """
    escaped = b"\\" in body
    # Escapes hide digits, so such a body is looked at again once it is decoded.
    if bytes_hold_card_number(body):
        raise CardNumberRefused(_place_of_card(body))
    payment = None if escaped else at_a_glance(body, psps, pages)
    return payment or thoroughly(body, psps, pages)


def at_a_glance(
    body: bytes, psps: AbstractSet[str], pages: Sequence[str] = ()
) -> tuple[NewPayment, bytes] | None:
    """The payment of a plainly valid body without escapes; None when a closer look is needed."""
    if _has_unusual_characters(body):
        return None
    try:
        request = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    members = looks_plain(request.buyer_info)
    expected = members + _MEMBERS_BESIDE + _MEMBERS_OF_ORDER * len(request.payment_orders)
    optional = (request.capture, request.return_url, request.cancel_url, request.psp)
    expected += sum(member is not msgspec.UNSET for member in optional)
    cards = request.cards()
    if cards is None:
        expected -= _MEMBERS_OF_CARD
    else:
        expected += (_MEMBERS_OF_CARD - 1) * (len(cards) - 1)
    # A quote before a colon ends the name of a member, and nothing else can without an escape
    # (a text that begins with a colon only adds to the count). So equal counts prove that no
    # member came twice, which decoding would have hidden.
    if members < 0 or len(_MEMBER.findall(body)) != expected:
        return None
    return _payment(request, psps, pages)


def _has_unusual_characters(body: bytes) -> bool:
    if body.isascii():
        return b"\x7f" in body
    try:
        return _UNUSUAL.search(body.decode("utf-8")) is not None
    except UnicodeDecodeError:
        return True


def _payment(
    request: PaymentRequest, psps: AbstractSet[str], pages: Sequence[str]
) -> tuple[NewPayment, bytes] | None:
    """What the service is told, or None when a rule that types cannot express is broken."""
    chosen = _method(request, psps, pages)
    if chosen is None:
        return None
    psp, token = chosen[0]
    try:
        orders = tuple(
            NewOrder(
                order.payment_order_id,
                order.seller_account,
                parse_charge(order.amount, order.currency),
            )
            for order in request.payment_orders
        )
    except MoneyError:
        return None
    if len({order.payment_order_id for order in orders}) != len(orders):
        return None
    buyer_info = encode_buyer_info(request.buyer_info)
    if len(buyer_info) > MAX_BUYER_INFO:
        return None
    mode, url, cancel_url = request.capture, request.return_url, request.cancel_url
    payment = NewPayment(
        request.checkout_id,
        psp,
        token or "",
        buyer_info.decode(),
        orders,
        CaptureMode.AUTOMATIC if mode is msgspec.UNSET else CaptureMode(mode),
        None if url is msgspec.UNSET else url,
        on_page=token is None,
        cancel_url=None if cancel_url is msgspec.UNSET else cancel_url,
        alternatives=_alternatives(chosen),
    )
    cards = request.credit_card_info
    if isinstance(cards, list) and len(cards) == 1:
        # As a list of one or by itself, it is the same request.
        request = msgspec.structs.replace(request, credit_card_info=cards[0])
    if mode == CaptureMode.AUTOMATIC:
        # Said or not, it is the same request.
        request = msgspec.structs.replace(request, capture=msgspec.UNSET)
    return payment, _encoder.encode(request)


def _alternatives(chosen: Sequence[tuple[str, str | None]]) -> tuple[Alternative, ...]:
    if len(chosen) == 1:
        return ()
    return tuple(Alternative(psp, token or "") for psp, token in chosen)


def _method(
    request: PaymentRequest, psps: AbstractSet[str], pages: Sequence[str]
) -> list[tuple[str, str | None]] | None:
    """Each PSP with its token, without one for a page; None when nothing fits."""
    cards = request.cards()
    if cards is not None:
        chosen = [(card.psp, card.chosen()) for card in cards]
        fits = request.psp is msgspec.UNSET and request.cancel_url is msgspec.UNSET
        fits = fits and all(token is not None and psp in psps for psp, token in chosen)
        return chosen if fits and len({psp for psp, _ in chosen}) == len(chosen) else None
    if not pages or request.capture == CaptureMode.MANUAL:
        return None
    if len({order.currency for order in request.payment_orders}) != 1:
        return None
    if request.psp is msgspec.UNSET:
        # Whoever prepares the page chooses.
        return [("", None)]
    return [(request.psp, None)] if request.psp in pages else None


def thoroughly(
    body: bytes, psps: AbstractSet[str], pages: Sequence[str] = ()
) -> tuple[NewPayment, bytes]:
    """The payment of any valid body. Raises as ``read_payment`` does."""
    try:
        document = read_strictly(body)
    except TooDeep:
        fault = Fault("", "too-deep", f"must nest at most {DEEPEST} levels")
        raise InvalidRequest([fault]) from None
    except MalformedJson as error:
        raise HttpError("malformed-json", f"The body is not JSON: {error}.") from None
    place = _find_card(document, ())
    if place is not None:
        raise CardNumberRefused(place)
    values, faults = check_payment(document, psps, pages)
    if faults:
        raise InvalidRequest(faults.found)
    checked = _payment(msgspec.convert(values, PaymentRequest), psps, pages)
    if checked is None:  # pragma: no cover - both checks hold the same rules
        raise AssertionError("the complete check accepted what the typed one refuses")
    return checked


def _place_of_card(body: bytes) -> str:
    try:
        return _find_card(read_strictly(body), ()) or ""
    except (MalformedJson, TooDeep):
        return ""


def _find_card(value: Any, path: tuple[str | int, ...]) -> str | None:
    """The pointer of the first card number; of the parent when the member's name is one."""
    match value:
        case str():
            return pointer_to(path) if holds_card_number(value) else None
        case Number():
            found = holds_card_number(value.literal) or holds_card_number(value.digits())
            return pointer_to(path) if found else None
        case list():
            inner = enumerate(cast("list[Any]", value))
        case Members():
            inner = [*value.values.items(), *value.repeated]
            if any(holds_card_number(name) for name, _ in inner):
                return pointer_to(path)
        case _:
            return None
    for step, item in inner:
        place = _find_card(item, (*path, step))
        if place is not None:
            return place
    return None
