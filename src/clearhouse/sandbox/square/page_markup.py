"""What the sandbox's Square page looks like: plain HTML, in words that testers can look for."""

from html import escape
from typing import Final

from clearhouse.kernel.money import Money
from clearhouse.sandbox.core import Response
from clearhouse.sandbox.square.errors import Json

_STYLE: Final = """body{font:16px/1.5 system-ui,sans-serif;background:#f4f4f5;margin:0}
main{max-width:26rem;margin:2rem auto;background:#fff;padding:1.5rem;border-radius:.75rem}
h1{font-size:1.25rem}table{width:100%}td{vertical-align:top;overflow-wrap:anywhere}
td:last-child{text-align:end;white-space:nowrap;padding-inline-start:1rem}
label{display:block;margin:.75rem 0 .25rem}
input{width:100%;padding:.6rem;font:inherit;box-sizing:border-box;
border:1px solid #8b8b94;border-radius:.4rem}
button{width:100%;padding:.75rem;margin-top:1rem;border:0;border-radius:.5rem;
background:#006aff;color:#fff;font-size:1rem}button.plain{background:#e4e4e7;color:#111}
[role=alert]{background:#fee2e2;color:#991b1b;padding:.6rem;border-radius:.5rem}
a{color:#0059d6}small{display:block;margin-top:1rem;color:#65656d}
:focus-visible{outline:2px solid #0059d6;outline-offset:2px}"""


def form(order: Json, action: str, back: str, words: str) -> Response:
    """The card fields, with why the last try did not work."""
    total = _text(order["total_money"])
    lines = "".join(
        f"<tr><td><bdi>{escape(line['name'])}</bdi></td><td>{_text(line['total_money'])}</td></tr>"
        for line in order["line_items"]
    )
    way_back = f'<p><a id="back" href="{escape(back)}">Back to the shop</a></p>' if back else ""
    fields = "".join(
        f'<label for="{name}">{label}</label><input id="{name}" name="{name}"'
        f' autocomplete="{fill}" placeholder="{hint}" required>'
        for name, label, fill, hint in (
            ("number", "Card number", "cc-number", "4111 1111 1111 1111"),
            ("expiry", "Expiry (MM/YY)", "cc-exp", "12/34"),
            ("cvv", "CVV", "cc-csc", "111"),
            ("postal_code", "Postal code", "postal-code", "94103"),
        )
    )
    return _page(
        "Checkout",
        f"<h1>Checkout</h1><table>{lines}<tr><td><b>Total</b></td><td><b>{total}</b></td></tr>"
        f'</table>{_alert(words)}<form method="post" action="{escape(action)}">{fields}'
        f'<button id="pay">Pay {total}</button></form>{way_back}',
    )


def challenge(order: Json, last_4: str, words: str) -> Response:
    """The bank asks whether it is the buyer."""
    total = _text(order["total_money"])
    return _page(
        "Your bank",
        f"<h1>Confirm your payment</h1><p>{total} with the card that ends in {escape(last_4)}.</p>"
        f"<p>Your bank sent a code to your telephone. In the sandbox it is 123456.</p>"
        f'{_alert(words)}<form method="post"><label for="code">Verification code</label>'
        f'<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code">'
        f'<button id="confirm" name="result" value="confirm">Confirm</button>'
        f'<button id="cancel" class="plain" name="result" value="cancel">Cancel</button></form>',
    )


def thanks(order: Json) -> Response:
    """It is paid, and there is no way back."""
    return _page("Thank you", f"<h1>Thank you</h1><p>You paid {_text(order['total_money'])}.</p>")


def gone() -> Response:
    """There is nothing to pay here."""
    words = "<h1>This link is no longer available</h1><p>Nothing was charged.</p>"
    return _page("Not available", words, 410)


def _alert(words: str) -> str:
    return f'<p role="alert" id="error">{escape(words)}</p>' if words else ""


def _text(money: Json) -> str:
    return escape(str(Money(money["amount"], money["currency"])))


def _page(title: str, content: str, status: int = 200) -> Response:
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head>"
        f"<body><main>{content}<small>Square, played by the clearhouse sandbox</small></main>"
        f"</body></html>"
    )
    headers = [("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store")]
    return Response(status, html.encode(), headers)
