"""The client token a browser's Drop-in starts with: base64 of JSON, as Braintree makes it."""

from base64 import b64encode
from hashlib import sha256

import msgspec

from clearhouse.sandbox.braintree.store import Merchant


def client_token(merchant: Merchant, base_url: str) -> str:
    """A token for one visit; the fingerprint in it is random and names no key."""
    fingerprint = sha256(merchant.core.randomness.token(32)).hexdigest()
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
