"""The hosted page of a checkout session, on which a tester plays the buyer.

Declines are shown and may be tried again; a challenge is passed on a page of its own; however
often the form is sent, the session is paid once.
"""

from html import escape
from typing import Final
from urllib.parse import parse_qsl

from clearhouse.kernel.money import Money
from clearhouse.sandbox.core import Core, Request, Response
from clearhouse.sandbox.stripe import charging, shapes
from clearhouse.sandbox.stripe.cards import CARDS, fingerprint
from clearhouse.sandbox.stripe.charging import Confirmation
from clearhouse.sandbox.stripe.checkout import KIND, intent_of, settle
from clearhouse.sandbox.stripe.checkout_html import FORM, LINE, NOTICE, PAGE
from clearhouse.sandbox.stripe.currencies import iso_minor
from clearhouse.sandbox.stripe.numbers import luhn, name_of_number
from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.stripe.shelves import Shelves

_FIELDS: Final = ("email", "number", "expiry", "cvc", "name")
_NOT_AUTHENTICATED: Final = (
    "We are unable to authenticate your payment method. Please choose a different payment method"
    " and try again."
)
_KEPT: Final = ("email", "name")
"""What the form shows again after a decline: nothing of the card."""


class CheckoutPage:
    """GET shows the page, POST pays."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def show(self, request: Request) -> Response:
        """The form while the session is open; afterwards the way back to the shop."""
        shelves, session = self._session(request)
        if session is None:
            return _html(404, NOTICE.format(text="There is no such page.", link=""))
        if session["status"] == "complete":
            return _see_other(_success(session))
        if session["status"] != "open":
            return _expired(session)
        intent = shelves.load("payment_intent", session["payment_intent"] or "")
        error = intent and intent["last_payment_error"]
        return self._form(shelves, session, _words(error) if error else "", {})

    async def pay(self, request: Request) -> Response:
        """Pay with the card that was typed in, or show why not."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        typed = {name: form.get(name, "").strip() for name in _FIELDS}
        await request.working_time()
        shelves, session = self._session(request)
        if session is None or session["status"] != "open":
            return await self.show(request)
        fault = self._fault(typed)
        if fault:
            return self._form(shelves, session, fault, typed)
        card = name_of_number(_digits(typed["number"]))
        assert card is not None
        page = f"http://{request.headers.get('host', 'localhost')}{request.path}"
        with self._core.truth.transaction():
            intent = self._confirm(shelves, session, card, typed, page)
        if intent["status"] == "requires_action":
            return _see_other(intent["next_action"]["redirect_to_url"]["url"])
        if intent["status"] == "requires_payment_method":
            return self._form(shelves, session, _words(intent["last_payment_error"]), typed)
        return _see_other(_success(session))

    def _confirm(
        self, shelves: Shelves, session: Json, card: str, typed: dict[str, str], page: str
    ) -> Json:
        intent = intent_of(shelves, session)
        method = shapes.payment_method(
            shelves.new_id("pm"), CARDS[card], fingerprint=fingerprint(card), now=shelves.now
        )
        method["billing_details"].update(email=typed["email"] or None, name=typed["name"] or None)
        session["customer_details"] = {
            "address": method["billing_details"]["address"],
            "business_name": None,
            "email": typed["email"] or None,
            "individual_name": None,
            "name": typed["name"] or None,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        }
        base, _, place = page.partition("/_sandbox/stripe/checkout/")
        account = place.partition("/")[0]
        challenge = f"{base}/_sandbox/stripe/3ds/{account}/{intent['id']}"
        confirmation = Confirmation(method, None, challenge, return_url=page)
        shelves.save(session)
        charging.confirm(shelves, intent, confirmation)
        settle(shelves, intent)
        return intent

    def _fault(self, typed: dict[str, str]) -> str:
        """What is wrong with what was typed, in the words of Stripe's page; empty if nothing."""
        number = _digits(typed["number"])
        if not luhn(number):
            return "Your card number is invalid."
        if name_of_number(number) is None:
            return "Use one of Stripe's documented test cards here, such as 4242 4242 4242 4242."
        month, year = _expiry(typed["expiry"])
        now = self._core.clock.now()
        if not 1 <= month <= 12:
            return "Your card's expiration date is invalid."
        if (year, month) < (now.year, now.month):
            return "Your card's expiration date is in the past."
        if not (typed["cvc"].isdecimal() and len(typed["cvc"]) in {3, 4}):
            return "Your card's security code is incomplete."
        return ""

    def _form(self, shelves: Shelves, session: Json, error: str, typed: dict[str, str]) -> Response:
        behind = shelves.load("checkout.behind", session["id"])
        assert behind is not None
        currency = session["currency"].upper()
        lines = "".join(
            LINE.format(
                name=escape(item["description"]), amount=_amount(item["amount_total"], currency)
            )
            for item in behind["items"]
        )
        kept = {name: escape(typed.get(name, ""), quote=True) for name in _KEPT}
        back = session["cancel_url"]
        form = FORM.format(
            amount=_amount(session["amount_total"], currency),
            lines=lines,
            error=f'<p class="error" role="alert">{escape(error)}</p>' if error else "",
            back=f'<a class="back" id="back" href="{escape(back, quote=True)}">← Back</a>'
            if back
            else "",
            **kept,
        )
        return _html(200, form)

    def _session(self, request: Request) -> tuple[Shelves, Json | None]:
        shelves = Shelves(self._core, request.params["account"])
        return shelves, shelves.load(KIND, request.params["id"])


def _words(error: Json) -> str:
    """Why a payment failed, for its buyer: what the API says of a challenge is for developers."""
    if error["code"] == "payment_intent_authentication_failure":
        return _NOT_AUTHENTICATED
    return error["message"]


def _digits(number: str) -> str:
    return number.replace(" ", "").replace("-", "")


def _expiry(text: str) -> tuple[int, int]:
    """Month and full year of ``MM / YY``; month 0 where it is none."""
    month, _, year = text.replace(" ", "").partition("/")
    if not (month.isdecimal() and year.isdecimal() and len(month) <= 2 and len(year) in {2, 4}):
        return 0, 0
    return int(month), int(year) + (2000 if len(year) == 2 else 0)


def _amount(units: int, currency: str) -> str:
    return f"{Money(iso_minor(units, currency), currency)}"


def _success(session: Json) -> str:
    url: str = session["success_url"]
    return url.replace("{CHECKOUT_SESSION_ID}", session["id"])


def _expired(session: Json) -> Response:
    back = session["cancel_url"]
    link = f'<a id="back" href="{escape(back, quote=True)}">Back to the shop</a>' if back else ""
    return _html(410, NOTICE.format(text="This checkout session has expired.", link=link))


def _see_other(url: str) -> Response:
    return Response(303, b"", [("location", url), ("cache-control", "no-store")])


def _html(status: int, body: str) -> Response:
    headers = [("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store")]
    return Response(status, (PAGE + body).encode(), headers)
