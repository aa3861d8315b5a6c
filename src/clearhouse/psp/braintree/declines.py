"""Braintree's codes in the words of the contract: processor, gateway and validation.

``processor_response_type`` is Braintree's own word on trying again and wins over the table.
"""

from types import MappingProxyType
from typing import Final

from clearhouse.psp.contract import DeclineReason, Retry

_R = DeclineReason

RESPONSE_TYPES: Final = MappingProxyType({"soft_declined": Retry.SOFT, "hard_declined": Retry.HARD})

# fmt: off
PROCESSOR: Final = MappingProxyType({
    "2000": (_R.CARD_DECLINED,           Retry.SOFT),      # do not honor
    "2001": (_R.INSUFFICIENT_FUNDS,      Retry.SOFT),
    "2002": (_R.LIMIT_EXCEEDED,          Retry.SOFT),
    "2003": (_R.LIMIT_EXCEEDED,          Retry.SOFT),      # activity limit
    "2004": (_R.EXPIRED_CARD,            Retry.HARD),
    "2005": (_R.INCORRECT_NUMBER,        Retry.HARD),
    "2006": (_R.EXPIRED_CARD,            Retry.HARD),      # invalid expiration date
    "2007": (_R.INCORRECT_NUMBER,        Retry.HARD),      # no account
    "2008": (_R.INCORRECT_NUMBER,        Retry.HARD),      # account length
    "2009": (_R.INCORRECT_NUMBER,        Retry.HARD),      # no such issuer
    "2010": (_R.INCORRECT_CVC,           Retry.HARD),
    "2012": (_R.LOST_OR_STOLEN,          Retry.HARD),
    "2013": (_R.LOST_OR_STOLEN,          Retry.HARD),
    "2014": (_R.FRAUD_SUSPECTED,         Retry.HARD),
    "2015": (_R.CARD_NOT_SUPPORTED,      Retry.HARD),      # transaction not allowed
    "2021": (_R.FRAUD_SUSPECTED,         Retry.HARD),      # security violation
    "2022": (_R.CARD_DECLINED,           Retry.HARD),      # cardholder inactive
    "2024": (_R.CARD_NOT_SUPPORTED,      Retry.HARD),
    "2047": (_R.LOST_OR_STOLEN,          Retry.HARD),      # pick up card
    "2053": (_R.LOST_OR_STOLEN,          Retry.HARD),      # reported lost or stolen
    "2059": (_R.INCORRECT_POSTAL_CODE,   Retry.HARD),
    "2060": (_R.INCORRECT_POSTAL_CODE,   Retry.HARD),      # address and CVV
    "2099": (_R.AUTHENTICATION_REQUIRED, Retry.CUSTOMER),  # redo with 3-D Secure
    "3000": (_R.PROCESSING_ERROR,        Retry.SOFT),      # network not available
})

GATEWAY: Final = MappingProxyType({
    "application_incomplete": (_R.REJECTED_BY_PSP,         Retry.HARD),
    "avs":                    (_R.INCORRECT_POSTAL_CODE,   Retry.CUSTOMER),
    "avs_and_cvv":            (_R.INCORRECT_CVC,           Retry.CUSTOMER),
    "cvv":                    (_R.INCORRECT_CVC,           Retry.CUSTOMER),
    "excessive_retry":        (_R.LIMIT_EXCEEDED,          Retry.HARD),
    "fraud":                  (_R.FRAUD_SUSPECTED,         Retry.HARD),
    "risk_threshold":         (_R.FRAUD_SUSPECTED,         Retry.HARD),
    "three_d_secure":         (_R.AUTHENTICATION_REQUIRED, Retry.CUSTOMER),
    "token_issuance":         (_R.PAYMENT_METHOD_INVALID,  Retry.CUSTOMER),
})

VALIDATION: Final = MappingProxyType({
    "91511": (_R.PAYMENT_METHOD_INVALID, Retry.CUSTOMER),  # customer has no card
    "91518": (_R.PAYMENT_METHOD_INVALID, Retry.CUSTOMER),  # token is invalid
    "91564": (_R.PAYMENT_METHOD_INVALID, Retry.CUSTOMER),  # nonce consumed
    "91565": (_R.PAYMENT_METHOD_INVALID, Retry.CUSTOMER),  # nonce unknown
    "91566": (_R.PAYMENT_METHOD_INVALID, Retry.CUSTOMER),  # nonce locked
    "91569": (_R.PAYMENT_METHOD_INVALID, Retry.CUSTOMER),  # nonce of nothing
    "91517": (_R.CARD_NOT_SUPPORTED,     Retry.HARD),
    "91567": (_R.CARD_NOT_SUPPORTED,     Retry.HARD),
    "91577": (_R.CARD_NOT_SUPPORTED,     Retry.HARD),
    "81528": (_R.LIMIT_EXCEEDED,         Retry.HARD),      # amount too large
    "815193": (_R.LIMIT_EXCEEDED,        Retry.HARD),      # amount not supported by processor
})
# fmt: on

KEY_NOT_ALLOWED: Final = "915231"
KEY_REUSED: Final = "915232"
KEY_IN_FLIGHT: Final = "915233"
KEY_OF_FAILED_REQUEST: Final = "915234"
KEY_SERVER_ERROR: Final = "915235"
