"""The page behind a payment link, where a tester is the buyer, and the buyer's bank after it."""

from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from clearhouse.sandbox.core import Core, Request, Response
from clearhouse.sandbox.square import charging, page_markup
from clearhouse.sandbox.square.errors import Json, SquareError
from clearhouse.sandbox.square.page_cards import CODE, NotACard, Typed, card_of
from clearhouse.sandbox.square.shelves import Shelves
from clearhouse.sandbox.square.sources import Source

_WORDS: Final = {
    "CVV_FAILURE": "The CVV does not match the card.",
    "ADDRESS_VERIFICATION_FAILURE": "The postal code does not match the card.",
    "INVALID_EXPIRATION": "The expiry date does not match the card.",
}
_DECLINED: Final = "The card was declined. Please try another one."
_NOT_CONFIRMED: Final = "Your bank could not confirm that it is you. Please try again."
_DELAY: Final = timedelta(days=7)


class Page:
    """GET shows it, POST pays; what was paid or deleted is never paid again."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def show(self, request: Request) -> Response:
        """The page with its card fields, or what became of it."""
        shelves, link, order = self._found(request)
        return _ended(link, order) or self._form(shelves, request, link, order, "")

    async def pay(self, request: Request) -> Response:
        """Take what was typed: pay, be declined, or go to the bank's challenge."""
        shelves, link, order = self._found(request)
        ended = _ended(link, order)
        if ended is not None or link is None or order is None:
            return ended or page_markup.gone()
        typed = _form(request)
        try:
            card = card_of(
                Typed(
                    typed.get("number", ""),
                    typed.get("expiry", ""),
                    typed.get("cvv", ""),
                    typed.get("postal_code", ""),
                ),
                self._core.clock.now(),
            )
        except NotACard as error:
            return self._form(shelves, request, link, order, str(error))
        if card.needs_verification and card.decline is None:
            return self._challenge(shelves, request, link, card)
        return self._charge(shelves, request, link, order, card)

    async def ask(self, request: Request) -> Response:
        """The bank's page: a code that was sent to the buyer's telephone."""
        shelves, link, order = self._found(request)
        waiting = shelves.load("challenge", request.params["id"])
        if _ended(link, order) or link is None or order is None or waiting is None:
            return _ended(link, order) or page_markup.gone()
        return page_markup.challenge(order, waiting["last_4"], "")

    async def confirm(self, request: Request) -> Response:
        """The buyer's answer: the right code pays, giving up goes back to the card fields."""
        shelves, link, order = self._found(request)
        waiting = shelves.load("challenge", request.params["id"])
        if _ended(link, order) or link is None or order is None or waiting is None:
            return _ended(link, order) or page_markup.gone()
        typed = _form(request)
        if typed.get("result") == "cancel":
            return self._form(shelves, request, link, order, _NOT_CONFIRMED)
        if typed.get("code", "").strip() != CODE:
            words = "This code is not right."
            return page_markup.challenge(order, waiting["last_4"], words)
        card = Source(brand=waiting["brand"], last_4=waiting["last_4"], bin=waiting["bin"])
        return self._charge(shelves, request, link, order, card)

    def _charge(
        self, shelves: Shelves, request: Request, link: Json, order: Json, card: Source
    ) -> Response:
        body: Json = {
            "source_id": "hosted-page",
            "amount_money": order["total_money"],
            "location_id": order["location_id"],
            "order_id": order["id"],
        }
        if "payment_note" in link:
            body["note"] = link["payment_note"]
        asked = charging.Asked(body, card, _DELAY, card.decline, order.get("reference_id"))
        with self._core.truth.transaction():
            try:
                payment = charging.take(shelves, asked, f"page {self._core.name(24)}")
            except SquareError as error:
                words = _WORDS.get(error.error["code"], _DECLINED)
                payment = None
            else:
                words = ""
                _settle(shelves, order, payment)
        if payment is None:
            return self._form(shelves, request, link, order, words)
        return _back(link, order)

    def _challenge(self, shelves: Shelves, request: Request, link: Json, card: Source) -> Response:
        kept: Json = {"id": link["id"], "brand": card.brand, "last_4": card.last_4, "bin": card.bin}
        with self._core.truth.transaction():
            self._core.objects.put(
                shelves.shelf("challenge"), link["id"], kept, created_at=self._core.now_us()
            )
        return Response(303, b"", [("location", f"{request.path}/challenge")])

    def _form(
        self, shelves: Shelves, request: Request, link: Json, order: Json, words: str
    ) -> Response:
        action = f"/_sandbox/square/pay/{shelves.account}/{request.params['id']}"
        back = str(_options(link).get("redirect_url", ""))
        return page_markup.form(order, action, back, words)

    def _found(self, request: Request) -> tuple[Shelves, Any, Any]:
        shelves = Shelves(self._core, request.params["account"])
        link = shelves.load("payment_link", request.params["id"])
        return shelves, link, shelves.load("order", link["order_id"]) if link else None


def _settle(shelves: Shelves, order: Json, payment: Json) -> None:
    """The order has its tender, and is completed unless the money is still looked at."""
    order["tenders"] = [
        {
            "id": payment["id"],
            "payment_id": payment["id"],
            "location_id": order["location_id"],
            "transaction_id": order["id"],
            "created_at": payment["created_at"],
            "amount_money": payment["total_money"],
            "type": "CARD",
        }
    ]
    order["state"] = "COMPLETED"
    order["net_amount_due_money"] = {**order["total_money"], "amount": 0}
    order["closed_at"] = payment["created_at"]
    shelves.change_order(order)


def _ended(link: Json | None, order: Json | None) -> Response | None:
    """What a page says that can't be paid any more: the way back, or that it is gone."""
    if link is None or order is None:
        return page_markup.gone()
    if order["state"] == "COMPLETED":
        return _back(link, order)
    if link.get("deleted") or order["state"] == "CANCELED":
        return page_markup.gone()
    return None


def _back(link: Json, order: Json) -> Response:
    url = _options(link).get("redirect_url")
    if not url:
        return page_markup.thanks(order)
    told = {"orderId": order["id"], "transactionId": order["tenders"][0]["id"]}
    joint = "&" if "?" in url else "?"
    return Response(303, b"", [("location", f"{url}{joint}{urlencode(told)}")])


def _options(link: Json) -> Json:
    return link.get("checkout_options") or {}


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode("utf-8", "replace")))
