"""Stripe's decline codes in the words of the contract.

``advice_code`` is Stripe's own word on trying again and wins over this table, which is
used where a decline carries none.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from clearhouse.psp.contract import Declined, DeclineReason, Retry

_R = DeclineReason

ADVICE: Final = MappingProxyType(
    {
        "try_again_later": Retry.SOFT,
        "confirm_card_data": Retry.CUSTOMER,
        "do_not_try_again": Retry.HARD,
    }
)

# fmt: off
DECLINES: Final = MappingProxyType({
    # The issuer may say yes another time.
    "approve_with_id":                   (_R.CARD_DECLINED,           Retry.SOFT),
    "call_issuer":                       (_R.CARD_DECLINED,           Retry.SOFT),
    "card_declined":                     (_R.CARD_DECLINED,           Retry.SOFT),
    "do_not_honor":                      (_R.CARD_DECLINED,           Retry.SOFT),
    "do_not_try_again":                  (_R.CARD_DECLINED,           Retry.HARD),
    "generic_decline":                   (_R.CARD_DECLINED,           Retry.SOFT),
    "no_action_taken":                   (_R.CARD_DECLINED,           Retry.SOFT),
    "not_permitted":                     (_R.CARD_DECLINED,           Retry.SOFT),
    "try_again_later":                   (_R.CARD_DECLINED,           Retry.SOFT),
    "insufficient_funds":                (_R.INSUFFICIENT_FUNDS,      Retry.SOFT),
    "card_velocity_exceeded":            (_R.LIMIT_EXCEEDED,          Retry.SOFT),
    "withdrawal_count_limit_exceeded":   (_R.LIMIT_EXCEEDED,          Retry.SOFT),
    "card_decline_rate_limit_exceeded":  (_R.LIMIT_EXCEEDED,          Retry.HARD),
    "issuer_not_available":              (_R.PROCESSING_ERROR,        Retry.SOFT),
    "processing_error":                  (_R.PROCESSING_ERROR,        Retry.SOFT),
    "reenter_transaction":               (_R.PROCESSING_ERROR,        Retry.SOFT),
    # Only the buyer can mend it.
    "authentication_required":           (_R.AUTHENTICATION_REQUIRED, Retry.CUSTOMER),
    "authentication_not_handled":        (_R.AUTHENTICATION_REQUIRED, Retry.CUSTOMER),
    "offline_pin_required":              (_R.AUTHENTICATION_REQUIRED, Retry.CUSTOMER),
    "online_or_offline_pin_required":    (_R.AUTHENTICATION_REQUIRED, Retry.CUSTOMER),
    "payment_intent_authentication_failure":
                                         (_R.AUTHENTICATION_REQUIRED, Retry.CUSTOMER),
    "incorrect_pin":                     (_R.AUTHENTICATION_REQUIRED, Retry.CUSTOMER),
    "invalid_pin":                       (_R.AUTHENTICATION_REQUIRED, Retry.CUSTOMER),
    "incorrect_cvc":                     (_R.INCORRECT_CVC,           Retry.CUSTOMER),
    "invalid_cvc":                       (_R.INCORRECT_CVC,           Retry.CUSTOMER),
    "incorrect_zip":                     (_R.INCORRECT_POSTAL_CODE,   Retry.CUSTOMER),
    "incorrect_address":                 (_R.INCORRECT_POSTAL_CODE,   Retry.CUSTOMER),
    "invalid_expiry_month":              (_R.EXPIRED_CARD,            Retry.CUSTOMER),
    "invalid_expiry_year":               (_R.EXPIRED_CARD,            Retry.CUSTOMER),
    # Never again with this card.
    "expired_card":                      (_R.EXPIRED_CARD,            Retry.HARD),
    "incorrect_number":                  (_R.INCORRECT_NUMBER,        Retry.HARD),
    "invalid_number":                    (_R.INCORRECT_NUMBER,        Retry.HARD),
    "invalid_account":                   (_R.INCORRECT_NUMBER,        Retry.HARD),
    "new_account_information_available": (_R.INCORRECT_NUMBER,        Retry.HARD),
    "lost_card":                         (_R.LOST_OR_STOLEN,          Retry.HARD),
    "stolen_card":                       (_R.LOST_OR_STOLEN,          Retry.HARD),
    "pickup_card":                       (_R.LOST_OR_STOLEN,          Retry.HARD),
    "fraudulent":                        (_R.FRAUD_SUSPECTED,         Retry.HARD),
    "highest_risk_level":                (_R.FRAUD_SUSPECTED,         Retry.HARD),
    "merchant_blacklist":                (_R.FRAUD_SUSPECTED,         Retry.HARD),
    "security_violation":                (_R.FRAUD_SUSPECTED,         Retry.HARD),
    "restricted_card":                   (_R.CARD_NOT_SUPPORTED,      Retry.HARD),
    "card_not_supported":                (_R.CARD_NOT_SUPPORTED,      Retry.HARD),
    "service_not_allowed":               (_R.CARD_NOT_SUPPORTED,      Retry.HARD),
    "transaction_not_allowed":           (_R.CARD_NOT_SUPPORTED,      Retry.HARD),
    "testmode_decline":                  (_R.CARD_NOT_SUPPORTED,      Retry.HARD),
    "currency_not_supported":            (_R.CURRENCY_NOT_SUPPORTED,  Retry.HARD),
    "invalid_amount":                    (_R.LIMIT_EXCEEDED,          Retry.HARD),
    "duplicate_transaction":             (_R.CARD_DECLINED,           Retry.HARD),
    "revocation_of_authorization":       (_R.CARD_DECLINED,           Retry.HARD),
    "revocation_of_all_authorizations":  (_R.CARD_DECLINED,           Retry.HARD),
    "stop_payment_order":                (_R.CARD_DECLINED,           Retry.HARD),
})
# fmt: on


def declined(error: Mapping[str, Any], reference: str | None) -> Declined:
    """A Stripe error object (or ``last_payment_error``) as a decline.

    An unknown code is a soft ``OTHER``: Stripe says that nothing was charged, and new codes
    appear more often than new ways to lose a card.
    """
    codes = [str(error[name]) for name in ("decline_code", "code") if error.get(name)]
    known = next((DECLINES[code] for code in codes if code in DECLINES), None)
    reason, retry = known or (DeclineReason.OTHER, Retry.SOFT)
    retry = ADVICE.get(str(error.get("advice_code")), retry)
    return Declined(reason, retry, codes[0] if codes else "card_error", reference)
