"""Braintree's payment-level fee report, read.

A CSV with one line for each transaction that was settled, sales and credits (refunds), named by
header since the order of its columns is not promised. Disputes and disbursements as such are not
in it: a disbursement is all lines of one merchant account and one disbursement date, and that is
the ``settlement`` of a line. https://developer.paypal.com/braintree/articles/control-panel/reporting
"""

from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import Final

from clearhouse.kernel.money import MoneyError
from clearhouse.psp.csv_reports import read_csv, report_minor, report_time
from clearhouse.psp.settlements import LineKind, SettlementLine, Trouble, TroubleKind

COLUMNS: Final = (
    "Merchant Account ID",
    "Transaction ID",
    "Transaction Type",
    "Settlement Currency",
    "Settlement Amount",
    "Settlement Date",
)
"""Without these nothing can be matched."""
OPTIONAL: Final = (
    "Original Transaction ID",
    "Disbursement Date",
    "Order ID",
    "Total Fee Amount",
    "Est. Total Fee Amount",
    "Last 4 of CC",
)
KINDS: Final = MappingProxyType({"sale": LineKind.CHARGE, "credit": LineKind.REFUND})
"""Braintree's transaction types in the contract's words; all others are OTHER."""


def read_report(content: Iterable[bytes]) -> Iterator[SettlementLine | Trouble]:
    """The lines of a fee report, in its order; credits take, with whatever sign they come."""
    for row in read_csv(content, COLUMNS, OPTIONAL):
        if isinstance(row, Trouble):
            yield row
            continue
        (
            number,
            (
                account,
                key,
                type_,
                currency,
                amount,
                settled,
                original,
                paid,
                order,
                fee,
                estimate,
                tail,
            ),
        ) = row
        code = currency.upper()
        kind = KINDS.get(type_.lower(), LineKind.OTHER)
        try:
            gross = report_minor(amount, code)
            fee_minor = report_minor(fee or estimate, code)
            at = report_time(settled)
        except MoneyError as error:
            yield Trouble(number, TroubleKind.UNREADABLE_LINE, f"No amount: {error}.")
            continue
        except ValueError:
            yield Trouble(number, TroubleKind.UNREADABLE_LINE, f"No date: {settled[:40]!r}.")
            continue
        if not key:
            yield Trouble(number, TroubleKind.UNREADABLE_LINE, "The line has no transaction id.")
            continue
        yield SettlementLine(
            f"{key}:{type_.lower()}",
            kind,
            key,
            original if kind is LineKind.REFUND else "",
            order,
            code,
            -abs(gross) if kind is LineKind.REFUND else gross,
            fee_minor,
            at,
            f"{account}:{paid}" if paid else "",
            tail,
        )
