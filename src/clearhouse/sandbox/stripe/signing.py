"""How Stripe signs and repeats its webhooks (https://docs.stripe.com/webhooks)."""

import hashlib
import hmac
from datetime import datetime

from clearhouse.sandbox.courier import Headers, Post


def sign(secret: str, _url: str, body: bytes, now: datetime, _retry: int) -> tuple[bytes, Headers]:
    """The body as it is; hex HMAC-SHA256 of ``"{t}.{body}"``, the prefix of the secret included."""
    moment = str(int(now.timestamp()))
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return body, [
        ("content-type", "application/json; charset=utf-8"),
        ("stripe-signature", f"t={moment},v1={digest}"),
        ("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
    ]


# Stripe publishes no intervals: "up to three days with an exponential back off".
POST = Post(
    schedule=(60, 300, 1800, 7200, 18000, 36000, 36000, 43200, 43200, 43200),
    timeout=10.0,
    sign=sign,
)
