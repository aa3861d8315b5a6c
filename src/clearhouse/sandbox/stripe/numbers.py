"""The documented test card numbers, as a buyer types them on a hosted page.

They stand for the same cards as the ``pm_card_...`` names; a number is never kept.
"""

from typing import Final

from clearhouse.sandbox.stripe.cards import CARDS

_BY_NUMBER: Final = {
    "4242424242424242": "visa",
    "4000056655665556": "visa_debit",
    "5555555555554444": "mastercard",
    "5200828282828210": "mastercard_debit",
    "5105105105105100": "mastercard_prepaid",
    "371449635398431": "amex",
    "6011000990139424": "discover",
    "3056930009020004": "diners",
    "3566002020360505": "jcb",
    "6200000000000005": "unionpay",
    "4000000000000002": "chargeDeclined",
    "4000000000009995": "chargeDeclinedInsufficientFunds",
    "4000000000009987": "visa_chargeDeclinedLostCard",
    "4000000000009979": "visa_chargeDeclinedStolenCard",
    "4000000000006975": "visa_chargeDeclinedVelocityLimitExceeded",
    "4000000000000069": "chargeDeclinedExpiredCard",
    "4000000000000127": "chargeDeclinedIncorrectCvc",
    "4000000000000119": "chargeDeclinedProcessingError",
    "4000000000000341": "chargeCustomerFail",
    "4000000000003220": "threeDSecure2Required",
    "4000000000003063": "threeDSecureRequired",
    "4000002760003184": "authenticationRequired",
    "4000002500003155": "authenticationRequiredOnSetup",
    "4000003800000446": "authenticationRequiredSetupForOffSession",
    "4000008260003178": "authenticationRequiredChargeDeclinedInsufficientFunds",
    "4000008400001629": "threeDSecureRequiredChargeDeclined",
    "4000008400001280": "threeDSecureRequiredProcessingError",
    "4000000000003055": "threeDSecureOptional",
    "4000000000000259": "createDispute",
    "4000000000002685": "createDisputeProductNotReceived",
    "4000000000001976": "createDisputeInquiry",
    "4000000000005423": "createIssuerFraudRecord",
    "4100000000000019": "radarBlock",
    "4000000000004954": "riskLevelHighest",
    "4000000000009235": "riskLevelElevated",
    "4000000000000101": "cvcCheckFail",
    "4000000000000036": "avsZipFail",
    "4000000000000028": "avsLine1Fail",
    "4000000000000010": "avsFail",
    "4000000000000044": "avsUnchecked",
    "4000000000007726": "pendingRefund",
    "4000000000005126": "refundFail",
    "4000000000000077": "bypassPending",
}


def name_of_number(number: str) -> str | None:
    """The card behind a number without spaces, or None where it is none of the documented."""
    name = _BY_NUMBER.get(number)
    return name if name in CARDS else None


def luhn(number: str) -> bool:
    """Does the last digit check the others, as on every card?"""
    if not (number.isascii() and number.isdecimal() and 12 <= len(number) <= 19):
        return False
    digits = [int(digit) for digit in reversed(number)]
    doubled = (2 * digit - 9 * (digit > 4) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
