"""The test amounts of Braintree's sandbox: an amount, not a card, decides what happens.

The table is of major units in any currency (``2000`` yen is declined as ``2000.00`` dollars
are), as Braintree documents it. One limit fits all: amounts are compared, never rounded.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from clearhouse.sandbox.braintree.responses import Response, response_of

APPROVED: Final = "1000"
PARTIAL: Final = "1004"
PROCESSED: Final = "1002"
PAYPAL: Final = "paypal_account"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the processor says to an authorization.

    ``status`` is the transaction's; ``reason`` is set when the gateway itself refused, before
    any processor was asked, and then ``response`` is None. ``partial`` means that only half
    of the amount was approved.
    """

    status: str
    response: Response | None = None
    reason: str = ""
    partial: bool = False


def rejected(reason: str) -> Verdict:
    """The gateway refuses by itself: fraud, duplicate, application_incomplete, …"""
    return Verdict("gateway_rejected", reason=reason)


def authorization(amount: Decimal, instrument: str, *, accept_partial: bool = False) -> Verdict:
    """What an amount in major units does; ``instrument`` is the payment instrument type."""
    if amount == Decimal("1004.00") and accept_partial:
        return Verdict("authorized", response_of(PARTIAL), partial=True)
    if Decimal(2000) <= amount < Decimal(3000):
        return Verdict("processor_declined", response_of(str(int(amount))))
    if Decimal(3000) <= amount < Decimal(3001):
        return Verdict("failed", response_of("3000"))
    if amount == Decimal("5001.00"):
        return rejected("application_incomplete")
    if amount == Decimal("5001.01") and instrument == PAYPAL:
        return Verdict("processor_declined", response_of("2038"))
    return Verdict("authorized", response_of(APPROVED))


def settlement(amount: Decimal, instrument: str) -> tuple[str, Response | None]:
    """How a submitted amount settles: the status, and the processor's word if it refused.

    Cards always settle; only the instruments that Braintree calls "certain types" (here
    PayPal) can be refused or wait.
    """
    if instrument == PAYPAL:
        if Decimal(4001) <= amount < Decimal(4002):
            return "settlement_declined", response_of("4001")
        if Decimal(4002) <= amount < Decimal(4003):
            return "settlement_pending", response_of("4002")
        if Decimal(4003) <= amount < Decimal(5001):
            return "settlement_declined", response_of(str(int(amount)))
        if amount == Decimal("5001.02"):
            return "settlement_declined", response_of("3000")
    return "settled", None
