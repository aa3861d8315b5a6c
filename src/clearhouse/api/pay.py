"""``/pay/{token}``: where a buyer pays. It asks for no key: who has the link may pay."""

from typing import Any, Final
from urllib.parse import parse_qs

from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import Redirect

from clearhouse.api import pay_page
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.http import read_body
from clearhouse.api.pay_page import Shown
from clearhouse.api.problems import HttpError, Problem
from clearhouse.kernel.errors import UnavailableError
from clearhouse.payments.pages.model import PageState, PaymentPage

_MOST_BYTES: Final = 8_192
_LONGEST_NONCE: Final = 512
_LOOKS: Final = (0.05, 0.1, 0.2, 0.4)
"""Seconds between looks at a page that is about to change; afterwards its buyer's browser asks."""
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class PayPages:
    """Handlers of the buyer's page, which leads on to the PSP's or holds the PSP's fields."""

    def __init__(self, deps: ApiDependencies) -> None:
        self._desk = deps.pages
        self._clock = deps.clock
        self._public_url = deps.public_url
        self._script_url = deps.drop_in_script

    async def show(self, request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
        """What the buyer must see now. Raises NotFound for a link that leads nowhere."""
        came_from = request.query_params.get("from")
        look = _number(request.query_params.get("look", ""))
        page = await self._settled(await self._desk.page(token), came_from)
        if page.state is PageState.COMPLETED:
            return _answer(pay_page.paid(page))
        if page.state is PageState.EXPIRED:
            return _answer(pay_page.expired(page))
        if page.state is PageState.CREATED:
            return _answer(pay_page.waiting("Your payment page is being opened.", look=look))
        if page.url is None:
            return _answer(await self._our_page(page, look))
        link = f"{self._public_url}/pay/{page.token}"
        if came_from == "cancel":
            return _answer(pay_page.cancelled(page, link))
        if came_from == "psp":
            words = "Your payment is being confirmed. If you have not paid yet, you still can."
            return _answer(pay_page.waiting(words, look=look, query="from=psp&amp;", back=link))
        return Redirect(page.url, status_code=303, headers=_HEADERS)

    async def take(self, request: Request[Any, Any, Any], token: FromPath[str]) -> Response[Any]:
        """Take the nonce that the PSP's fields made; pressed twice, it is taken once."""
        length = request.headers.get("content-length")
        body = await read_body(request.receive, length.encode() if length else None, _MOST_BYTES)
        page = await self._desk.page(token)
        try:
            given = parse_qs(body.decode("ascii"), max_num_fields=5).get("nonce", [""])
        except ValueError:
            given = [""]
        nonce = given[0]
        if not (0 < len(nonce) <= _LONGEST_NONCE and nonce.isascii() and nonce.isprintable()):
            raise HttpError("invalid-parameter", "The form holds no nonce of the payment service.")
        if page.url is None and page.state is PageState.OPEN:
            await self._desk.try_card(page, nonce)
        link = f"{self._public_url}/pay/{page.token}"
        return Redirect(link, status_code=303, headers=_HEADERS)

    async def _settled(self, page: PaymentPage, came_from: str | None) -> PaymentPage:
        """The page, after a moment's wait where it is about to change.

        A card under way is asked about in its own time, which a PSP may have wished.
        """
        if _is_moving(page, came_from) and not page.attempt_open:
            await self._desk.wake(page)
        for pause in _LOOKS:
            if not _is_moving(page, came_from):
                break
            await self._clock.sleep(pause)
            page = await self._desk.page(page.token)
        return page

    async def _our_page(self, page: PaymentPage, look: int) -> Shown:
        if page.attempt_open:
            return pay_page.waiting("Your payment is being made.", look=look)
        try:
            client_token = await self._desk.client_token(page)
        except UnavailableError:
            return pay_page.trouble()
        return pay_page.card_fields(page, client_token, self._script_url)


def is_buyers(path: str) -> bool:
    """Whether a buyer's browser is answered at a path, which cannot read problem details."""
    return path.startswith("/pay/")


def sorry(problem: Problem) -> Response[bytes]:
    """A problem as a page for buyers."""
    shown = pay_page.nowhere() if problem.status == 404 else pay_page.failed()
    if problem.status >= 500:
        shown = pay_page.unseen()
    answer = _answer(shown)
    answer.status_code = problem.status
    answer.headers.update(problem.headers)
    return answer


def _number(text: str) -> int:
    """What a page wrote into its own address, and anybody may change."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _is_moving(page: PaymentPage, came_from: str | None) -> bool:
    """Whether it is opened, charged or asked about just now, so that its buyer waits."""
    if page.state is PageState.OPEN:
        return page.attempt_open if page.url is None else came_from == "psp"
    return page.state is PageState.CREATED


def _answer(shown: Shown) -> Response[Any]:
    headers = {"Content-Security-Policy": shown.policy, **_HEADERS}
    return Response(shown.html, media_type="text/html", headers=headers)
