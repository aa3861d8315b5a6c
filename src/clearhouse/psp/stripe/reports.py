"""Stripe's reports of balance changes, read.

``balance_change_from_activity.itemized`` and ``payout_reconciliation.itemized`` have the same
columns where it matters: https://docs.stripe.com/reports/report-types. Amounts are in major units
with decimals there, though the API counts in minor units. A PaymentIntent is what we know a charge
by, so ``payment_intent_id`` must be among the columns that a report is run with.
"""

from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import Final

from clearhouse.kernel.money import MoneyError
from clearhouse.psp.csv_reports import read_csv, report_minor, report_time
from clearhouse.psp.settlements import LineKind, SettlementLine, Trouble, TroubleKind

COLUMNS: Final = (
    "balance_transaction_id",
    "created_utc",
    "currency",
    "gross",
    "fee",
    "net",
    "reporting_category",
    "source_id",
    "payment_intent_id",
)
"""Without these nothing can be matched."""
OPTIONAL: Final = ("automatic_payout_id", "payment_metadata[payment_order_id]", "card_last4")
KINDS: Final = MappingProxyType(
    {
        "charge": LineKind.CHARGE,
        "charge_failure": LineKind.CHARGE_REVERSAL,
        "refund": LineKind.REFUND,
        "partial_capture_reversal": LineKind.REFUND,
        "refund_failure": LineKind.REFUND_REVERSAL,
        "dispute": LineKind.DISPUTE,
        "dispute_reversal": LineKind.DISPUTE_REVERSAL,
        "payout": LineKind.PAYOUT,
        "payout_reversal": LineKind.PAYOUT_REVERSAL,
        "transfer": LineKind.TRANSFER,
        "transfer_reversal": LineKind.TRANSFER,
        "fee": LineKind.FEE,
        "network_cost": LineKind.FEE,
        "tax": LineKind.FEE,
        "risk_reserved_funds": LineKind.RESERVE,
        "payout_minimum_balance_hold": LineKind.RESERVE,
        "payout_minimum_balance_release": LineKind.RESERVE,
    }
)
"""Stripe's reporting categories in the contract's words; all others are OTHER.

https://docs.stripe.com/reports/reporting-categories
"""
_OF_CHARGE: Final = frozenset({LineKind.CHARGE, LineKind.CHARGE_REVERSAL})


def read_report(content: Iterable[bytes]) -> Iterator[SettlementLine | Trouble]:
    """The lines of an itemized report, in its order."""
    for row in read_csv(content, COLUMNS, OPTIONAL):
        if isinstance(row, Trouble):
            yield row
            continue
        (
            number,
            (
                key,
                created,
                currency,
                gross,
                fee,
                net,
                category,
                source,
                intent,
                payout,
                order,
                tail,
            ),
        ) = row
        code = currency.upper()
        kind = KINDS.get(category, LineKind.OTHER)
        try:
            gross_minor, fee_minor = report_minor(gross, code), report_minor(fee, code)
            if gross_minor - fee_minor != report_minor(net, code):
                text = f"Gross {gross} less fee {fee} is not net {net}."
                yield Trouble(number, TroubleKind.UNREADABLE_LINE, text)
                continue
            at = report_time(created)
        except MoneyError as error:
            yield Trouble(number, TroubleKind.UNREADABLE_LINE, f"No amount: {error}.")
            continue
        except ValueError:
            yield Trouble(number, TroubleKind.UNREADABLE_LINE, f"No time: {created[:40]!r}.")
            continue
        if not key:
            yield Trouble(number, TroubleKind.UNREADABLE_LINE, "The line has no transaction id.")
            continue
        yield SettlementLine(
            key,
            kind,
            (intent or source) if kind in _OF_CHARGE else source,
            "" if kind in _OF_CHARGE else intent,
            order,
            code,
            gross_minor,
            fee_minor,
            at,
            payout,
            tail,
        )
