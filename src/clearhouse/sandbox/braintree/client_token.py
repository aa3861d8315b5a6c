"""The client token a browser's Drop-in starts with: base64 of JSON, as Braintree makes it."""

from base64 import b64encode
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import msgspec

from clearhouse.sandbox.braintree.store import PSP, Merchant
from clearhouse.sandbox.objects import Shelf

LIFETIME: Final = timedelta(hours=24)


def client_token(merchant: Merchant, base_url: str) -> str:
    """A token for one visit, good for a day; its fingerprint is random and names no key."""
    fingerprint = sha256(merchant.core.randomness.token(32)).hexdigest()
    core = merchant.core
    with core.truth.transaction():
        body = {"created_at": merchant.now().isoformat()}
        core.objects.put(_shelf(merchant), fingerprint, body, created_at=core.now_us())
    path = f"{base_url}/merchants/{merchant.id}"
    content: dict[str, object] = {
        "version": 2,
        "environment": "sandbox",
        "merchantId": merchant.id,
        "authorizationFingerprint": fingerprint,
        "configUrl": f"{path}/client_api/v1/configuration",
        "clientApiUrl": f"{path}/client_api",
        "graphQL": {"url": f"{base_url}/graphql", "date": "2018-05-08"},
        "challenges": [],
        "threeDSecureEnabled": True,
        "paypalEnabled": True,
    }
    return b64encode(msgspec.json.encode(content)).decode()


def is_current(merchant: Merchant, fingerprint: str) -> bool:
    """Whether a browser with this fingerprint is let in."""
    body = merchant.core.objects.get(_shelf(merchant), fingerprint)
    if body is None:
        return False
    return merchant.now() - datetime.fromisoformat(body["created_at"]) <= LIFETIME


def _shelf(merchant: Merchant) -> Shelf:
    return Shelf(PSP, merchant.id, "fingerprint")
