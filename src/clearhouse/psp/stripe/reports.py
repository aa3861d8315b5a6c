"""Stripe's reports of balance changes, read.

``balance_change_from_activity.itemized`` and ``payout_reconciliation.itemized`` have the same
columns where it matters: https://docs.stripe.com/reports/report-types. Amounts are in major units
with decimals there, though the API counts in minor units. A PaymentIntent is what we know a charge
by, so ``payment_intent_id`` must be among the columns that a report is run with.
"""

from collections.abc import Iterable, Iterator, Sequence
from operator import sub
from types import MappingProxyType
from typing import Final

from clearhouse.kernel.money import MoneyError, exponent
from clearhouse.psp import csv_reports
from clearhouse.psp.csv_reports import plain_minors, report_minor, report_time
from clearhouse.psp.settlements import (
    LineBlock,
    LineKind,
    SettlementLine,
    Trouble,
    TroubleKind,
)

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
_CENTS: Final = 2
_OF_CHARGE: Final = frozenset({LineKind.CHARGE, LineKind.CHARGE_REVERSAL})


def read_report(content: Iterable[bytes]) -> Iterator[SettlementLine | Trouble]:
    """The lines of an itemized report, in its order."""
    for one in read_blocks(content):
        if isinstance(one, LineBlock):
            yield from one.lines()
        else:
            yield one


def read_blocks(content: Iterable[bytes]) -> Iterator[LineBlock | SettlementLine | Trouble]:
    """The same with plain lines in blocks."""
    for one in csv_reports.read_blocks(content, COLUMNS, OPTIONAL):
        if isinstance(one, Trouble):
            yield one
        elif not isinstance(one, csv_reports.Block):
            yield _line(*one)
        elif (block := _block(one.columns)) is not None:
            yield block
        else:
            yield from (_line(*row) for row in one.rows())


def _line(number: int, row: Sequence[str]) -> SettlementLine | Trouble:
    key, created, currency, gross, fee, net, category, *rest = row
    source, intent, payout, order, tail = rest
    code = currency.upper()
    kind = KINDS.get(category, LineKind.OTHER)
    try:
        gross_minor, fee_minor = report_minor(gross, code), report_minor(fee, code)
        if gross_minor - fee_minor != report_minor(net, code):
            text = f"Gross {gross} less fee {fee} is not net {net}."
            return Trouble(number, TroubleKind.UNREADABLE_LINE, text)
        at = report_time(created)
    except MoneyError as error:
        return Trouble(number, TroubleKind.UNREADABLE_LINE, f"No amount: {error}.")
    except ValueError:
        return Trouble(number, TroubleKind.UNREADABLE_LINE, f"No time: {created[:40]!r}.")
    if not key:
        return Trouble(number, TroubleKind.UNREADABLE_LINE, "The line has no transaction id.")
    return SettlementLine(
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


def _block(columns: Sequence[Sequence[str]]) -> LineBlock | None:
    """Many lines at once; None when one of them is not as nearly all are, which is told by
    looking at each.
    """
    keys, created, currencies, gross, fee, net, categories, sources, intents, *rest = columns
    payouts, orders, tails = rest
    codes = {name: name.upper() for name in set(currencies)}
    try:
        if not all(keys) or any(exponent(code) != _CENTS for code in codes.values()):
            return None
        moments = {text: report_time(text) for text in set(created)}
    except ValueError:
        return None
    gross_minor, fee_minor, net_minor = map(plain_minors, (gross, fee, net))
    if gross_minor is None or fee_minor is None or net_minor is None:
        return None
    if list(map(sub, gross_minor[1], fee_minor[1])) != net_minor[1]:
        return None
    kinds = {name: KINDS.get(name, LineKind.OTHER) for name in set(categories)}
    of_charge = {name for name, kind in kinds.items() if kind in _OF_CHARGE}
    if len(of_charge) == len(kinds) and all(intents):
        references, charges = intents, [""] * len(keys)
    else:
        references = [
            (intent or source) if category in of_charge else source
            for intent, source, category in zip(intents, sources, categories, strict=True)
        ]
        charges = [
            "" if category in of_charge else intent
            for intent, category in zip(intents, categories, strict=True)
        ]
    return LineBlock(
        keys,
        list(map(kinds.__getitem__, categories)),
        references,
        charges,
        orders,
        list(map(codes.__getitem__, currencies)),
        gross_minor[0],
        fee_minor[0],
        list(map(moments.__getitem__, created)),
        payouts,
        tails,
    )
