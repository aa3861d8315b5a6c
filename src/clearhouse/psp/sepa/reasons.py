"""ISO 20022 reason codes in our words. Pure.

The codes are those of ISO's external code sets ExternalStatusReason1Code and
ExternalReturnReason1Code, as far as the European Payments Council's rulebook of SEPA credit
transfers (EPC125-05, "reason codes for rejects and returns") and banks' own guides use them.
"""

from types import MappingProxyType
from typing import Final

from clearhouse.psp.rails import FailureReason

_R = FailureReason

# fmt: off
REASONS: Final = MappingProxyType({
    "AC01": _R.ACCOUNT_INVALID,         # incorrect account number
    "AC03": _R.ACCOUNT_INVALID,         # invalid creditor account number
    "AC04": _R.ACCOUNT_CLOSED,          # closed account number
    "AC06": _R.ACCOUNT_BLOCKED,         # blocked account
    "AC07": _R.ACCOUNT_CLOSED,          # closed creditor account number
    "AC14": _R.NOT_ALLOWED,             # invalid creditor account type
    "AG01": _R.NOT_ALLOWED,             # transaction forbidden on this type of account
    "AG02": _R.REJECTED_BY_RAIL,        # invalid bank operation code
    "AGNT": _R.BANK_UNKNOWN,            # incorrect agent
    "AM01": _R.REJECTED_BY_RAIL,        # zero amount
    "AM02": _R.LIMIT_EXCEEDED,          # not allowed amount
    "AM03": _R.CURRENCY_NOT_SUPPORTED,  # not allowed currency
    "AM04": _R.INSUFFICIENT_FUNDS,      # insufficient funds
    "AM09": _R.REJECTED_BY_RAIL,        # wrong amount
    "AM10": _R.REJECTED_BY_RAIL,        # invalid control sum
    "AM14": _R.LIMIT_EXCEEDED,          # amount exceeds agreed limit
    "AM18": _R.REJECTED_BY_RAIL,        # invalid number of transactions
    "AM21": _R.LIMIT_EXCEEDED,          # limit exceeded
    "BE01": _R.HOLDER_MISMATCH,         # inconsistent with end customer
    "BE04": _R.REJECTED_BY_RAIL,        # missing creditor address
    "BE05": _R.REJECTED_BY_RAIL,        # unrecognised initiating party
    "BE06": _R.HOLDER_MISMATCH,         # unknown end customer
    "CNOR": _R.BANK_UNKNOWN,            # creditor bank is not registered
    "CUST": _R.CANCELLED,               # requested by customer
    "CUTA": _R.CANCELLED,               # cancel upon unable to apply
    "DS04": _R.REJECTED_BY_RAIL,        # order rejected
    "DT01": _R.REJECTED_BY_RAIL,        # invalid date
    "ED05": _R.OTHER,                   # settlement failed
    "FF01": _R.REJECTED_BY_RAIL,        # invalid file format
    "FOCR": _R.CANCELLED,               # following cancellation request
    "FR01": _R.REGULATORY,              # fraud
    "MD07": _R.REGULATORY,              # end customer deceased
    "MS02": _R.REFUSED_BY_HOLDER,       # not specified reason, customer generated
    "MS03": _R.OTHER,                   # not specified reason, agent generated
    "NARR": _R.OTHER,                   # narrative
    "NOAS": _R.OTHER,                   # no answer from customer
    "RC01": _R.BANK_UNKNOWN,            # bank identifier incorrect
    "RC03": _R.BANK_UNKNOWN,            # invalid debtor bank identifier
    "RC04": _R.BANK_UNKNOWN,            # invalid creditor bank identifier
    "RC07": _R.BANK_UNKNOWN,            # invalid creditor BIC
    "RR01": _R.REGULATORY,              # missing debtor account or identification
    "RR02": _R.REGULATORY,              # missing debtor name or address
    "RR03": _R.REGULATORY,              # missing creditor name or address
    "RR04": _R.REGULATORY,              # regulatory reason
    "SVNR": _R.NOT_ALLOWED,             # service not rendered
    "TM01": _R.REJECTED_BY_RAIL,        # cut-off time
    "UPAY": _R.CANCELLED,               # undue payment
})
# fmt: on
"""A code that is not here is OTHER."""

DUPLICATE: Final = frozenset({"AM05", "DU01", "DU02", "DU03", "DU04", "DUPL"})
"""The bank takes it for a repetition: what it says of the copy says nothing of the first."""


def reason(code: str) -> FailureReason:
    """Our word for a code."""
    return REASONS.get(code, FailureReason.OTHER)
