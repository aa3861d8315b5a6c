"""Square's error codes in the words of the contract.

Square publishes no word on trying again, so the split is ours.
"""

from types import MappingProxyType
from typing import Final

from clearhouse.psp.contract import DeclineReason, Retry

_R = DeclineReason

# fmt: off
DECLINES: Final = MappingProxyType({
    # The issuer may say yes another time.
    "CARD_DECLINED":                       (_R.CARD_DECLINED,           Retry.SOFT),
    "GENERIC_DECLINE":                     (_R.CARD_DECLINED,           Retry.SOFT),
    "INSUFFICIENT_FUNDS":                  (_R.INSUFFICIENT_FUNDS,      Retry.SOFT),
    "TRANSACTION_LIMIT":                   (_R.LIMIT_EXCEEDED,          Retry.SOFT),
    # Only the buyer can mend it.
    "CARD_DECLINED_CALL_ISSUER":           (_R.CARD_DECLINED,           Retry.CUSTOMER),
    "VOICE_FAILURE":                       (_R.CARD_DECLINED,           Retry.CUSTOMER),
    "CARD_DECLINED_VERIFICATION_REQUIRED": (_R.AUTHENTICATION_REQUIRED, Retry.CUSTOMER),
    "VERIFY_CVV_FAILURE":                  (_R.INCORRECT_CVC,           Retry.CUSTOMER),
    "CVV_FAILURE":                         (_R.INCORRECT_CVC,           Retry.CUSTOMER),
    "VERIFY_AVS_FAILURE":                  (_R.INCORRECT_POSTAL_CODE,   Retry.CUSTOMER),
    "ADDRESS_VERIFICATION_FAILURE":        (_R.INCORRECT_POSTAL_CODE,   Retry.CUSTOMER),
    "INVALID_POSTAL_CODE":                 (_R.INCORRECT_POSTAL_CODE,   Retry.CUSTOMER),
    "INVALID_EXPIRATION":                  (_R.EXPIRED_CARD,            Retry.CUSTOMER),
    "INVALID_PIN":                         (_R.AUTHENTICATION_REQUIRED, Retry.CUSTOMER),
    "CARD_TOKEN_EXPIRED":                  (_R.PAYMENT_METHOD_INVALID,  Retry.CUSTOMER),
    "CARD_TOKEN_USED":                     (_R.PAYMENT_METHOD_INVALID,  Retry.CUSTOMER),
    "SOURCE_USED":                         (_R.PAYMENT_METHOD_INVALID,  Retry.CUSTOMER),
    "SOURCE_EXPIRED":                      (_R.PAYMENT_METHOD_INVALID,  Retry.CUSTOMER),
    # Never again with this card.
    "CARD_EXPIRED":                        (_R.EXPIRED_CARD,            Retry.HARD),
    "INVALID_ACCOUNT":                     (_R.INCORRECT_NUMBER,        Retry.HARD),
    "INVALID_CARD":                        (_R.INCORRECT_NUMBER,        Retry.HARD),
    "INVALID_CARD_DATA":                   (_R.INCORRECT_NUMBER,        Retry.HARD),
    "PAN_FAILURE":                         (_R.INCORRECT_NUMBER,        Retry.HARD),
    "CARD_NOT_SUPPORTED":                  (_R.CARD_NOT_SUPPORTED,      Retry.HARD),
    "UNSUPPORTED_CARD_BRAND":              (_R.CARD_NOT_SUPPORTED,      Retry.HARD),
    "CARDHOLDER_INSUFFICIENT_PERMISSIONS": (_R.CARD_NOT_SUPPORTED,      Retry.HARD),
    "PAYMENT_LIMIT_EXCEEDED":              (_R.LIMIT_EXCEEDED,          Retry.HARD),
})
# fmt: on
