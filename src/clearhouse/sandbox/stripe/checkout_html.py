"""The HTML of the hosted checkout page: one stylesheet, one form, one notice."""

from typing import Final

PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Checkout (sandbox)</title><style>
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,sans-serif;color:#1a1f36;background:#f6f8fa}
main{display:grid;grid-template-columns:1fr 1fr;max-width:60rem;margin:3rem auto;gap:3rem;
padding:0 1.5rem}
@media(max-width:45rem){main{grid-template-columns:1fr;gap:1rem;margin:1rem auto}}
h1{font-size:2.2rem;margin:.25rem 0 1rem}h2{font-size:1.1rem;margin:0 0 1rem}
.mode{display:inline-block;background:#ffde92;color:#4a3500;border-radius:.25rem;
padding:0 .5rem;font-size:.8rem;font-weight:600}
.back{display:block;margin-bottom:1rem;color:#4f5b76;text-decoration:none}
ul{list-style:none;padding:0;margin:0}
li{display:flex;justify-content:space-between;gap:1rem;padding:.5rem 0;
border-bottom:1px solid #e3e8ee}
bdi{min-width:0;overflow-wrap:anywhere}li span{white-space:nowrap}
form,.notice{background:#fff;padding:1.5rem;border-radius:.5rem;box-shadow:0 1px 4px #0002}
label{display:block;font-size:.85rem;font-weight:600;margin:.75rem 0 .25rem}
input{width:100%;padding:.6rem;border:1px solid #c9d1da;border-radius:.35rem;font:inherit}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:1rem}
button{width:100%;margin-top:1.25rem;padding:.8rem;border:0;border-radius:.35rem;
background:#0a6b3d;color:#fff;font:inherit;font-weight:600;cursor:pointer}
button.plain{margin-top:.75rem;background:#e3e8ee;color:#1a1f36}
:focus-visible{outline:2px solid #0a6b3d;outline-offset:2px}
.error{background:#fdecea;color:#8c1d18;padding:.6rem .8rem;border-radius:.35rem;margin:0 0 .5rem}
.notice{width:min(30rem,100% - 2rem);margin:4rem auto;text-align:center}
.notice form{padding:0;box-shadow:none}
</style>"""

FORM: Final = """<main><section>{back}<span class="mode">SANDBOX</span>
<h1 id="total">{amount}</h1><ul>{lines}</ul></section>
<section><form method="post" id="payment"><h2>Pay with card</h2>{error}
<label for="email">Email</label>
<input id="email" name="email" type="email" autocomplete="email" value="{email}">
<label for="number">Card number</label>
<input id="number" name="number" inputmode="numeric" autocomplete="cc-number" required
placeholder="4242 4242 4242 4242">
<div class="pair"><div><label for="expiry">Expiry (MM / YY)</label>
<input id="expiry" name="expiry" autocomplete="cc-exp" required placeholder="MM / YY"></div>
<div><label for="cvc">CVC</label>
<input id="cvc" name="cvc" inputmode="numeric" autocomplete="cc-csc" required></div></div>
<label for="name">Name on card</label>
<input id="name" name="name" autocomplete="cc-name" value="{name}">
<button type="submit" id="pay">Pay {amount}</button></form></section></main></html>"""

LINE: Final = "<li><bdi>{name}</bdi><span>{amount}</span></li>"

NOTICE: Final = """<div class="notice"><p>{text}</p>{link}</div></html>"""

CHALLENGE: Final = """<div class="notice"><span class="mode">SANDBOX</span>
<h2>3-D Secure test page</h2><p>The bank asks its customer to confirm a payment of {amount}.</p>
<form method="post"><button name="result" value="complete">Complete</button>
<button name="result" value="fail" class="plain">Fail</button></form></div></html>"""
