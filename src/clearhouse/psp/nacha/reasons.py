"""NACHA's return codes in our words. Pure.

The codes are those of the Nacha Operating Rules, appendix four ("Return Reason Codes"), as far as
a credit can come back with them; the wordings are the rules' titles.
"""

from types import MappingProxyType
from typing import Final

from clearhouse.psp.rails import FailureReason

_R = FailureReason

# fmt: off
REASONS: Final = MappingProxyType({
    "R01": _R.INSUFFICIENT_FUNDS,  # insufficient funds
    "R02": _R.ACCOUNT_CLOSED,      # account closed
    "R03": _R.ACCOUNT_INVALID,     # no account, or unable to locate account
    "R04": _R.ACCOUNT_INVALID,     # invalid account number structure
    "R06": _R.CANCELLED,           # returned per ODFI's request
    "R12": _R.ACCOUNT_INVALID,     # account sold to another DFI
    "R13": _R.BANK_UNKNOWN,        # RDFI not qualified to participate, or bad routing number
    "R14": _R.REGULATORY,          # representative payee deceased
    "R15": _R.REGULATORY,          # beneficiary or account holder deceased
    "R16": _R.ACCOUNT_BLOCKED,     # account frozen, or returned per OFAC instruction
    "R17": _R.HOLDER_MISMATCH,     # file record edit criteria, questionable circumstances
    "R18": _R.REJECTED_BY_RAIL,    # improper effective entry date
    "R19": _R.REJECTED_BY_RAIL,    # amount field error
    "R20": _R.NOT_ALLOWED,         # non-transaction account
    "R21": _R.REJECTED_BY_RAIL,    # invalid company identification
    "R22": _R.REJECTED_BY_RAIL,    # invalid individual id number
    "R23": _R.REFUSED_BY_HOLDER,   # credit entry refused by receiver
    "R24": _R.DUPLICATE,           # duplicate entry
    "R25": _R.REJECTED_BY_RAIL,    # addenda error
    "R26": _R.REJECTED_BY_RAIL,    # mandatory field error
    "R27": _R.REJECTED_BY_RAIL,    # trace number error
    "R28": _R.BANK_UNKNOWN,        # routing number check digit error
    "R30": _R.NOT_ALLOWED,         # RDFI not participant in check truncation
    "R32": _R.NOT_ALLOWED,         # RDFI non-settlement
    "R34": _R.NOT_ALLOWED,         # limited participation DFI
})
# fmt: on
"""A code that is not here is OTHER."""


def reason(code: str) -> FailureReason:
    """Our word for a code."""
    return REASONS.get(code, FailureReason.OTHER)
