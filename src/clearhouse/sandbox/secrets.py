"""What the sandbox's PSPs sign with; apart, since who only tells it needs no server."""

from collections.abc import Mapping
from typing import Final

SECRETS: Final[Mapping[str, str]] = {
    "stripe": "whsec_sandbox",
    "braintree": "sandbox|sandbox",
    "square": "sandbox",
}
"""What each PSP signs with where nobody says otherwise; Braintree's is public and private key."""
