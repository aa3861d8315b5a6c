"""The official fake nonces: which payment instrument each stands for, or what it goes wrong with.

With card nonces the amount decides the result of a sale; the "processor declined" ones
matter for verification only, as Braintree documents, and so behave like a good card here.
"""

from types import MappingProxyType
from typing import Final

import msgspec

from clearhouse.sandbox.braintree.triggers import PAYPAL

CARD: Final = "credit_card"
APPLE_PAY: Final = "apple_pay_card"
GOOGLE_PAY: Final = "android_pay_card"
VENMO: Final = "venmo_account"


class Instrument(msgspec.Struct, frozen=True):
    """What pays: never a whole card number, only its first six and last four digits.

    ``rejection`` is the gateway rejection that this instrument causes, ``authentication``
    the 3-D Secure status that it brings along; both are empty for an ordinary one. ``token``
    and ``customer_id`` are set when it comes from the vault. ``disputed`` says that its owner
    disputes what it pays.
    """

    kind: str
    brand: str = ""
    first_six: str = ""
    last_four: str = ""
    indicator: str = ""
    rejection: str = ""
    authentication: str = ""
    token: str = ""
    customer_id: str = ""
    disputed: bool = False


class NonceRefused(Exception):
    """The nonce cannot be used; ``problem`` is consumed, unknown, luhn or unsupported."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"payment method nonce refused: {problem}")
        self.problem = problem


VISA: Final = Instrument(CARD, "Visa", "401288", "1881")
_MASTERCARD: Final = Instrument(CARD, "MasterCard", "555555", "4444")
_AMEX: Final = Instrument(CARD, "American Express", "378282", "0005")
_DISCOVER: Final = Instrument(CARD, "Discover", "601111", "1117")
_JCB: Final = Instrument(CARD, "JCB", "353011", "0000")
_MAESTRO: Final = Instrument(CARD, "Maestro", "630400", "0000")
_DINERS: Final = Instrument(CARD, "Diners Club", "385200", "3237")

_BRANDS: Final = MappingProxyType(
    {
        "visa": VISA,
        "mastercard": _MASTERCARD,
        "amex": _AMEX,
        "discover": _DISCOVER,
        "jcb": _JCB,
        "maestro": _MAESTRO,
        "dinersclub": _DINERS,
    }
)

DISPUTED_NONCE: Final = "fake-disputed-visa-nonce"
"""The sandbox's own: the dispute card as a nonce, for merchants that send no card numbers."""

_INDICATORS: Final = MappingProxyType(
    {
        "business": "business",
        "commercial": "commercial",
        "consumer": "consumer",
        "corporate": "corporate",
        "debit": "debit",
        "durbin-regulated": "durbin_regulated",
        "healthcare": "healthcare",
        "payroll": "payroll",
        "prepaid": "prepaid",
        "prepaid-reloadable": "prepaid_reloadable",
        "purchase": "purchase",
        "no-indicators": "",
        "unknown-indicators": "",
        "country-of-issuance-usa": "",
        "country-of-issuance-cad": "",
        "issuing-bank-network-only": "",
    }
)

_AUTHENTICATIONS: Final = MappingProxyType(
    {
        "two-visa-successful-frictionless-authentication": "authenticate_successful",
        "two-visa-successful-step-up-authentication": "authenticate_successful",
        "two-visa-error-on-lookup": "lookup_error",
        "two-visa-timeout-on-lookup": "lookup_error",
        "visa-full-authentication": "authenticate_successful",
        "visa-failed-authentication": "authenticate_failed",
        "visa-failed-signature": "authenticate_signature_verification_failed",
        "visa-attempts-non-participating": "authenticate_attempt_successful",
        "visa-not-enrolled": "lookup_not_enrolled",
        "visa-unavailable": "authentication_unavailable",
        "visa-authentication-unavailable": "authenticate_unable_to_authenticate",
        "visa-bypassed-authentication": "authentication_bypassed",
        "visa-lookup-timeout": "lookup_error",
        "visa-mpi-lookup-error": "lookup_error",
        "visa-mpi-authenticate-error": "authenticate_error",
    }
)


def _known() -> dict[str, Instrument]:
    nonces = {"fake-valid-nonce": VISA, "fake-pinless-debit-visa-nonce": VISA}
    for name, card in _BRANDS.items():
        nonces[f"fake-valid-{name}-nonce"] = card
        nonces[f"fake-processor-declined-{name}-nonce"] = card
        nonces[f"fake-apple-pay-{name}-nonce"] = msgspec.structs.replace(card, kind=APPLE_PAY)
        nonces[f"fake-android-pay-{name}-nonce"] = msgspec.structs.replace(card, kind=GOOGLE_PAY)
    for name, indicator in _INDICATORS.items():
        nonces[f"fake-valid-{name}-nonce"] = msgspec.structs.replace(VISA, indicator=indicator)
    for name, status in _AUTHENTICATIONS.items():
        nonces[f"fake-three-d-secure-{name}-nonce"] = msgspec.structs.replace(
            VISA, authentication=status
        )
    return nonces | {
        "fake-processor-failure-jcb-nonce": _JCB,
        DISPUTED_NONCE: msgspec.structs.replace(VISA, disputed=True),
        "fake-apple-pay-mpan-nonce": msgspec.structs.replace(VISA, kind=APPLE_PAY),
        "fake-android-pay-nonce": Instrument(GOOGLE_PAY, "Visa", "411111", "1111"),
        "fake-gateway-rejected-fraud-nonce": msgspec.structs.replace(VISA, rejection="fraud"),
        "fake-gateway-rejected-risk-thresholds-nonce": msgspec.structs.replace(
            VISA, rejection="risk_threshold"
        ),
        "fake-paypal-one-time-nonce": Instrument(PAYPAL),
        "fake-paypal-billing-agreement-nonce": Instrument(PAYPAL),
        "fake-venmo-account-nonce": Instrument(VENMO),
        "fake-token-issuance-error-venmo-account-nonce": Instrument(
            VENMO, rejection="token_issuance"
        ),
    }


_KNOWN: Final = MappingProxyType(_known())

_PROBLEMS: Final = MappingProxyType(
    {"fake-consumed-nonce": "consumed", "fake-luhn-invalid-nonce": "luhn"}
)

_UNSUPPORTED: Final = (
    "fake-abstract-transactable-",
    "fake-amex-express-checkout-",
    "fake-europe-bank-account-",
    "fake-local-payment-method-",
    "fake-masterpass-",
    "fake-meta-checkout-",
    "fake-paypal-future-",
    "fake-sepa-",
    "fake-us-bank-account-",
    "fake-visa-checkout-",
    "tokensam_fake_",
)
"""Nonces of instruments that the sandbox's merchant accounts do not take, by their beginning."""


def instrument_of(nonce: str) -> Instrument:
    """The instrument behind a nonce. Raises NonceRefused."""
    if nonce in _KNOWN:
        return _KNOWN[nonce]
    if nonce in _PROBLEMS:
        raise NonceRefused(_PROBLEMS[nonce])
    raise NonceRefused("unsupported" if nonce.startswith(_UNSUPPORTED) else "unknown")


_FRAUD: Final = "4000111111111511"
_RISK: Final = "4111130000000003"
_DISPUTED: Final = "4023898493988028"
_FAILING: Final = frozenset(
    ["4000111111111115", "5105105105105100", "378734493671000", "6011000990139424"]
)
"""Cards that pay, but do not pass a verification in the vault."""

_PREFIXES: Final = (
    ("4", "Visa"),
    ("5", "MasterCard"),
    ("34", "American Express"),
    ("37", "American Express"),
    ("6011", "Discover"),
    ("35", "JCB"),
    ("36", "Diners Club"),
    ("38", "Diners Club"),
    ("63", "Maestro"),
)


def card_of(number: str) -> Instrument:
    """The instrument of a raw card number. Raises NonceRefused when its check digit is wrong."""
    digits = number.replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdigit() and 12 <= len(digits) <= 19 and _luhn(digits)):
        raise NonceRefused("luhn")
    brand = next((name for prefix, name in _PREFIXES if digits.startswith(prefix)), "Unknown")
    rejection = {_FRAUD: "fraud", _RISK: "risk_threshold"}.get(digits, "")
    disputed = digits == _DISPUTED
    return Instrument(CARD, brand, digits[:6], digits[-4:], rejection=rejection, disputed=disputed)


def fails_verification(number: str) -> bool:
    """Whether a card is declined when the vault verifies it."""
    return number in _FAILING


def _luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0
