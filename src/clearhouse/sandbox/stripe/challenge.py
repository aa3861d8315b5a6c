"""The page to which a 3-D Secure challenge leads, on which the tester plays the card's owner."""

from html import escape
from urllib.parse import parse_qsl, urlencode

from clearhouse.kernel.money import Money
from clearhouse.sandbox.core import Core, Request, Response
from clearhouse.sandbox.stripe import charging
from clearhouse.sandbox.stripe.charging import Confirmation
from clearhouse.sandbox.stripe.checkout import settle
from clearhouse.sandbox.stripe.checkout_html import CHALLENGE, NOTICE, PAGE
from clearhouse.sandbox.stripe.currencies import iso_minor
from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.stripe.shelves import Shelves


class ChallengePage:
    """GET shows the page, POST plays the owner's answer (``result=complete`` or ``fail``)."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def show(self, request: Request) -> Response:
        """The page with its two buttons, or 404 when nothing is asked."""
        intent = self._waiting(request)
        if intent is None:
            return _notice(404, "Nothing is waiting for authentication here.")
        currency = intent["currency"].upper()
        amount = Money(iso_minor(intent["amount"], currency), currency)
        return _html(200, CHALLENGE.format(amount=escape(str(amount))))

    async def answer(self, request: Request) -> Response:
        """Goes on with the payment and sends the browser back to ``return_url``, if any."""
        intent = self._waiting(request)
        if intent is None:
            return _notice(404, "Nothing is waiting for authentication here.")
        result = dict(parse_qsl(request.body.decode("utf-8", "replace"))).get("result")
        if result not in {"complete", "fail"}:
            return _notice(400, "result is complete or fail.")
        action = intent["next_action"].get("redirect_to_url")
        shelves = self._shelves(request)
        with self._core.truth.transaction():
            if result == "fail":
                charging.fail_challenge(shelves, intent)
            else:
                method = shelves.load("payment_method", intent["payment_method"])
                assert method is not None
                confirmation = Confirmation(method, None, "", authenticated=True)
                charging.confirm(shelves, intent, confirmation)
                settle(shelves, intent)
        if action is None:
            return _notice(200, "Done; you may close this page.")
        back = {
            "payment_intent": intent["id"],
            "payment_intent_client_secret": intent["client_secret"],
        }
        joint = "&" if "?" in action["return_url"] else "?"
        return Response(303, b"", [("location", f"{action['return_url']}{joint}{urlencode(back)}")])

    def _shelves(self, request: Request) -> Shelves:
        return Shelves(self._core, request.params["account"])

    def _waiting(self, request: Request) -> Json | None:
        intent = self._shelves(request).load("payment_intent", request.params["id"])
        return intent if intent and intent["status"] == "requires_action" else None


def _notice(status: int, text: str) -> Response:
    return _html(status, NOTICE.format(text=text, link=""))


def _html(status: int, body: str) -> Response:
    headers = [("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store")]
    return Response(status, (PAGE + body).encode(), headers)
