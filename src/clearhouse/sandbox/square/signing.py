"""How Square signs and repeats its webhooks (https://developer.squareup.com/docs/webhooks)."""

import hashlib
import hmac
from base64 import b64encode
from datetime import datetime

from clearhouse.sandbox.courier import Headers, Post


def sign(secret: str, url: str, body: bytes, now: datetime, retry: int) -> tuple[bytes, Headers]:
    """The body as it is; base64 HMAC-SHA256 over the notification URL and the body."""
    digest = hmac.new(secret.encode(), url.encode() + body, hashlib.sha256).digest()
    headers = [
        ("content-type", "application/json"),
        ("x-square-hmacsha256-signature", b64encode(digest).decode()),
        ("square-environment", "Sandbox"),
        ("square-initial-delivery-timestamp", now.strftime("%Y-%m-%dT%H:%M:%SZ")),
    ]
    if retry:
        headers += [("square-retry-number", str(retry)), ("square-retry-reason", "http_error")]
    return body, headers


_MINUTE, _HOUR = 60, 3600
POST = Post(
    schedule=(
        *(n * _MINUTE for n in (1, 2, 4, 8, 16, 32, 60)),
        *(n * _HOUR for n in (2, 4, 8, 8)),
    ),
    timeout=10.0,
    sign=sign,
)
