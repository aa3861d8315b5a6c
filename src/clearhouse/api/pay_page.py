"""The payment page as HTML: calm, without any card data, and with a policy that lets little run."""

from base64 import b64encode
from dataclasses import dataclass, replace
from hashlib import sha256
from html import escape
from importlib import resources
from typing import Final
from urllib.parse import urlsplit

from clearhouse.kernel.money import format_minor
from clearhouse.payments.pages.model import PaymentPage


def _asset(name: str) -> str:
    return resources.files("clearhouse.api").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


_BRAINTREE: Final = (
    "https://*.braintreegateway.com https://*.braintree-api.com"
    " https://*.cardinalcommerce.com https://*.cardinaltrusted.com"
)
"""Braintree's hosts, and those of Cardinal, who asks the banks for it."""
_STYLE: Final = _asset("pay.css")
_SCRIPT: Final = _asset("pay.js")
_WAIT: Final = _asset("wait.js")
_PAUSES: Final = (1, 2, 3, 5, 8, 13, 20, 30)
"""Seconds between looks: a tab that is left open must not have a PSP asked all day."""
_DECLINED: Final = {
    "insufficient_funds": "There is not enough money on this card.",
    "expired_card": "This card has expired.",
    "incorrect_cvc": "The security code was not right.",
    "incorrect_number": "The card number was not right.",
    "incorrect_postal_code": "The postal code was not right.",
    "card_not_supported": "This card cannot be used here.",
    "limit_exceeded": "This payment is above the card's limit.",
}
_TICK: Final = (
    '<svg class="mark good" viewBox="0 0 48 48" fill="none" stroke="currentColor" '
    'stroke-width="3" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
    '<circle cx="24" cy="24" r="21"/><path d="M15 24.5l6.5 6.5L33.5 18"/></svg>'
)
_CLOCK: Final = (
    '<svg class="mark calm" viewBox="0 0 48 48" fill="none" stroke="currentColor" '
    'stroke-width="3" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
    '<circle cx="24" cy="24" r="21"/><path d="M24 13v12l7 5"/></svg>'
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A page to answer with: its HTML and its Content-Security-Policy."""

    html: bytes
    policy: str


def waiting(words: str, *, look: int, query: str = "", back: str | None = None) -> Shown:
    """Something is under way: a page that looks again by itself, each time after a longer pause.

    ``look`` counts how often it did; ``query`` begins the address to look at.
    """
    link = f'<a class="quiet" href="{escape(back)}">Go back to pay</a>' if back else ""
    body = (
        f'<div class="wait"></div><h1>One moment</h1><p role="status">{escape(words)}</p>{link}'
        f'<noscript><p><a class="quiet" href="?{query}">Look again</a></p></noscript>'
        f"<script>{_WAIT}</script>"
    )
    seconds = _PAUSES[min(look, len(_PAUSES) - 1)]
    again = f' data-again="?{query}look={look + 1}" data-seconds="{seconds}"'
    policy = f"script-src {_hash(_WAIT)}; {_policy(None)}"
    return replace(_page("One moment", body, main=again), policy=policy)


def paid(page: PaymentPage) -> Shown:
    """It is paid; the buyer is led back to the shop."""
    body = f"{_TICK}<h1>Thank you, it is paid</h1>{_sum(page)}"
    if page.return_url:
        body += f'<a class="button" href="{escape(page.return_url)}">Continue</a>'
        return _page("Paid", body, refresh=f"5;url={page.return_url}")
    return _page("Paid", body + "<p>You can close this page.</p>")


def expired(page: PaymentPage) -> Shown:
    """It can never be paid any more."""
    body = (
        f"{_CLOCK}<h1>This payment page has expired</h1>"
        "<p>Nothing was charged. Please go back to the shop and start the payment again.</p>"
    )
    return _page("Expired", body + _to_shop(page, "button"))


def cancelled(page: PaymentPage, link: str) -> Shown:
    """The buyer turned back from the PSP's page; they may still pay."""
    body = (
        f"{_CLOCK}<h1>You have not paid yet</h1>{_sum(page)}"
        f'<a class="button" href="{escape(link)}">Go back to pay</a>{_to_shop(page, "quiet")}'
    )
    return _page("Not paid yet", body)


def trouble() -> Shown:
    """The PSP does not answer: the buyer is told, and the page looks again."""
    return _moment(
        "The payment service does not answer just now. This page tries again by itself; "
        "nothing was charged."
    )


def nowhere() -> Shown:
    """There is no page for this link."""
    body = (
        f"{_CLOCK}<h1>There is no payment page here</h1>"
        "<p>Perhaps the link is not complete. Please go back to the shop and follow it again.</p>"
    )
    return _page("No payment page", body)


def unseen() -> Shown:
    """We cannot look: nothing is said of what was charged, and the page looks again."""
    return _moment(
        "We cannot see your payment just now. This page looks again by itself; whatever you "
        "paid here is not lost, and is not charged twice."
    )


def failed() -> Shown:
    """What was sent makes no sense: the buyer starts again from what is stored."""
    body = (
        f"{_CLOCK}<h1>That did not work</h1><p>Your card was not taken.</p>"
        '<a class="button" href="?">Back to the payment</a>'
    )
    return _page("That did not work", body)


def card_fields(page: PaymentPage, client_token: str, script_url: str) -> Shown:
    """Our own page, with the PSP's fields in it."""
    note = ""
    if page.declined_for:
        why = _DECLINED.get(page.declined_for, "The bank did not accept this card.")
        note = f"{why} Nothing was charged. Please try another card."
    amount = format_minor(page.total.minor, page.total.currency)
    body = (
        f"<h1>Your payment</h1>{_sum(page)}"
        f'<p class="note" id="note" role="alert"{"" if note else " hidden"}>{escape(note)}</p>'
        f'<form id="pay" method="post" data-authorization="{escape(client_token)}" '
        f'data-amount="{escape(amount)}"><div id="card"></div>'
        '<input type="hidden" name="nonce"><button type="submit" disabled>Pay '
        f"{escape(amount)} {escape(page.total.currency)}</button></form>"
        f"{_to_shop(page, 'quiet')}"
        "<noscript><p>To pay here, please allow this page to run scripts.</p></noscript>"
        '<p class="fine">Your card details go straight to the payment service; this page never '
        "sees them.</p>"
        f'<script src="{escape(script_url)}"></script><script>{_SCRIPT}</script>'
    )
    return _page("Pay", body, script_url=script_url)


def _sum(page: PaymentPage) -> str:
    currency = page.total.currency
    amount = format_minor(page.total.minor, currency)
    return f'<p class="sum">{escape(amount)} <small>{escape(currency)}</small></p>'


def _moment(words: str) -> Shown:
    """Something does not answer: the page says so, and looks again by itself."""
    body = f'<div class="wait"></div><h1>One moment, please</h1><p>{words}</p>'
    return _page("One moment", body, refresh="5")


def _to_shop(page: PaymentPage, kind: str) -> str:
    url = page.cancel_url or page.return_url
    return f'<a class="{kind}" href="{escape(url)}">Back to the shop</a>' if url else ""


def _page(
    title: str,
    body: str,
    *,
    refresh: str | None = None,
    script_url: str | None = None,
    main: str = "",
) -> Shown:
    again = f'<meta http-equiv="refresh" content="{escape(refresh)}">' if refresh else ""
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">'
        f'<link rel="icon" href="data:,">{again}<title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><main{main}>{body}</main></body></html>"
    )
    return Shown(html.encode(), _policy(script_url))


def _policy(script_url: str | None) -> str:
    """Nothing runs and nothing is loaded, but for the PSP's fields where they are shown.

    Braintree's own Drop-in needs more: the frame of a challenge is the page of whichever bank it
    is, its form is sent to Cardinal, and both are laid out by style of their own.
    """
    base = "base-uri 'none'; frame-ancestors 'none'"
    style = _hash(_STYLE)
    if script_url is None:
        return f"default-src 'none'; style-src {style}; img-src data:; form-action 'none'; {base}"
    parts = urlsplit(script_url)
    hosts = frames = f"{parts.scheme}://{parts.netloc}"
    forms = "'self'"
    if parts.netloc.endswith(".braintreegateway.com"):
        hosts += f" {_BRAINTREE}"
        frames, forms, style = "https:", f"'self' {_BRAINTREE}", "'unsafe-inline'"
    return (
        f"default-src 'none'; style-src {style} {hosts}; script-src {_hash(_SCRIPT)} {hosts}; "
        f"frame-src {frames}; connect-src {hosts}; img-src data: {hosts}; form-action {forms}; "
        f"{base}"
    )
