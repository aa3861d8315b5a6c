"""What a browser may call: a card becomes a nonce, and its owner is authenticated.

Let in by the fingerprint of a client token, never by the merchant's keys. The frame of the
Drop-in has this server's own origin, so other origins need not be let in.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from clearhouse.sandbox.braintree import secure
from clearhouse.sandbox.braintree.checks import check_cvv
from clearhouse.sandbox.braintree.client_token import is_current
from clearhouse.sandbox.braintree.fields import Section, section, text
from clearhouse.sandbox.braintree.instruments import liability
from clearhouse.sandbox.braintree.issued import Issued, Nonces
from clearhouse.sandbox.braintree.nonces import NonceRefused, card_of, fails_verification
from clearhouse.sandbox.braintree.store import Merchant
from clearhouse.sandbox.core import Core, Request, Response

Endpoint = Callable[[Merchant, Request, Section], Awaitable[Response]]

_JSON: Final = [("content-type", "application/json"), ("cache-control", "no-store")]


def table() -> list[tuple[str, str, Endpoint]]:
    """Method, path below the merchant, and endpoint."""
    methods = "/client_api/v1/payment_methods"
    return [
        ("POST", f"{methods}/credit_cards", _tokenize),
        ("POST", f"{methods}/{{nonce}}/three_d_secure/lookup", _look_up),
        ("POST", f"{methods}/{{nonce}}/three_d_secure/authenticate", _authenticate),
        ("GET", "/client_api/v1/configuration", _configuration),
    ]


def let_in(core: Core, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """The frame's handler: reads the JSON, checks the fingerprint."""

    async def handler(request: Request) -> Response:
        merchant = Merchant(core, request.params["merchant"])
        try:
            asked = msgspec.json.decode(request.body or b"{}", type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _error(400, "The request is no JSON object.")
        fingerprint = text(asked, "authorizationFingerprint")
        if request.method != "GET" and not is_current(merchant, fingerprint):
            return _error(403, "Authorization fingerprint is invalid or expired.")
        return await endpoint(merchant, request, asked)

    return handler


async def _tokenize(merchant: Merchant, _request: Request, asked: Section) -> Response:
    card = section(asked, "creditCard")
    number = text(card, "number").replace(" ", "")
    month, year = text(card, "expirationMonth"), text(card, "expirationYear")
    wrong = [] if _within(month, 1, 12) else [("expirationMonth", "81712")]
    wrong += [] if _within(year, 2000, 2099) else [("expirationYear", "81713")]
    try:
        instrument = card_of(number)
    except NonceRefused:
        wrong.insert(0, ("number", "81715"))
        return _invalid(wrong)
    if wrong:
        return _invalid(wrong)
    shown = {
        "expirationMonth": month,
        "expirationYear": year,
        "cardholderName": text(card, "cardholderName"),
    }
    with merchant.core.truth.transaction():
        issued = Nonces(merchant).issue(
            Issued(
                nonce="",
                instrument=instrument,
                created_at=merchant.now(),
                cvv=check_cvv(text(card, "cvv")),
                secure=secure.of_card(number),
                shown=shown,
                declines=fails_verification(number),
            )
        )
    return _json(201, {"creditCards": [_shown(issued)]})


async def _look_up(merchant: Merchant, request: Request, _asked: Section) -> Response:
    found = Nonces(merchant).find(request.params["nonce"])
    if found is None or found.consumed:
        return _error(404, "The nonce is unknown or used.")
    if secure.asks_owner(found.secure):
        lookup = {"threeDSecureVersion": "2.2.0", "transactionId": found.nonce}
        return _json(201, {"paymentMethod": _shown(found), "lookup": lookup})
    return _authenticated(merchant, found, secure.without_owner(found.secure))


async def _authenticate(merchant: Merchant, request: Request, asked: Section) -> Response:
    found = Nonces(merchant).find(request.params["nonce"])
    if found is None or found.consumed or not secure.asks_owner(found.secure):
        return _error(404, "Nothing is waiting for authentication here.")
    return _authenticated(merchant, found, secure.answered(found.secure, text(asked, "code")))


async def _configuration(merchant: Merchant, request: Request, _asked: Section) -> Response:
    path = f"http://{request.headers.get('host', 'localhost')}/merchants/{merchant.id}/client_api"
    return _json(
        200,
        {
            "environment": "sandbox",
            "merchantId": merchant.id,
            "clientApiUrl": path,
            "challenges": ["cvv"],
            "creditCards": {"supportedCardTypes": ["Visa", "MasterCard", "American Express"]},
            "threeDSecureEnabled": True,
        },
    )


def _authenticated(merchant: Merchant, found: Issued, status: str) -> Response:
    """The nonce is used up for one that carries the authentication."""
    instrument = msgspec.structs.replace(found.instrument, authentication=status)
    with merchant.core.truth.transaction():
        nonces = Nonces(merchant)
        nonces.use(found.nonce)
        draft = msgspec.structs.replace(found, instrument=instrument, secure="")
        issued = nonces.issue(draft)
    return _json(201, {"paymentMethod": _shown(issued), "lookup": None})


def _shown(issued: Issued) -> dict[str, Any]:
    """A payment method as the browser gets it."""
    card = issued.instrument
    possible, shifted = liability(card.authentication)
    info = None
    if card.authentication:
        info = {
            "status": card.authentication,
            "liabilityShifted": shifted,
            "liabilityShiftPossible": possible,
        }
    return {
        "nonce": issued.nonce,
        "type": "CreditCard",
        "description": f"ending in {card.last_four[-2:]}",
        "consumed": issued.consumed,
        "details": {
            "bin": card.first_six,
            "cardType": card.brand,
            "lastFour": card.last_four,
            "lastTwo": card.last_four[-2:],
            **issued.shown,
        },
        "threeDSecureInfo": info,
        "liabilityShifted": shifted,
        "liabilityShiftPossible": possible,
    }


def _within(number: str, low: int, high: int) -> bool:
    return number.isascii() and number.isdigit() and low <= int(number[:9]) <= high


def _invalid(wrong: list[tuple[str, str]]) -> Response:
    fields = [
        {"field": name, "code": code, "message": f"{name} is invalid"} for name, code in wrong
    ]
    content = {
        "error": {"message": "Credit card is invalid"},
        "fieldErrors": [{"field": "creditCard", "fieldErrors": fields}],
    }
    return _json(422, content)


def _error(status: int, message: str) -> Response:
    return _json(status, {"error": {"message": message}})


def _json(status: int, content: object) -> Response:
    return Response(status, msgspec.json.encode(content), list(_JSON))
