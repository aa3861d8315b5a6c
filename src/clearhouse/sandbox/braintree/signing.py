"""How Braintree signs and repeats its webhooks, as its official SDKs check them.

The body that a room emits is the notification's XML; what is sent is a form of its base64 and of
``public_key|hex HMAC-SHA1`` under the SHA-1 of the private key. The endpoint's secret is therefore
``public_key|private_key``.
"""

import hashlib
import hmac
from base64 import encodebytes
from datetime import datetime
from urllib.parse import urlencode

from clearhouse.sandbox.courier import Headers, Post


def sign(secret: str, _url: str, body: bytes, _now: datetime, _retry: int) -> tuple[bytes, Headers]:
    """The form ``bt_signature`` and ``bt_payload``."""
    public, _, private = secret.partition("|")
    payload = encodebytes(body)
    key = hashlib.sha1(private.encode()).digest()  # noqa: S324 - Braintree's own scheme
    digest = hmac.new(key, payload, hashlib.sha1).hexdigest()
    form = urlencode({"bt_signature": f"{public}|{digest}", "bt_payload": payload.decode()})
    return form.encode(), [("content-type", "application/x-www-form-urlencoded")]


# Every hour for three hours, as in Braintree's own sandbox.
POST = Post(schedule=(3600, 3600, 3600), timeout=30.0, sign=sign)
