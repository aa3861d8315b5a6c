"""Square's payouts and their entries, read.

Square has no settlement file: a report here is what its API said, one JSON object to a line, a
payout (``{"payout": ...}``) followed by its entries (``{"entry": ...}``) and closed by the count
and the sum that they must have (``{"end": {"entries": n, "net_minor": m}}``).
https://developer.squareup.com/docs/payouts-api/overview. Amounts are minor units; an entry's net
is its gross less its fee. The currency is in ``currency``, or in ``currency_code``, as in some of
the API's own examples.
"""

from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import Any, Final

import msgspec

from clearhouse.kernel.money import EXPONENTS
from clearhouse.psp.csv_reports import report_time
from clearhouse.psp.settlements import LineKind, SettlementLine, Trouble, TroubleKind

KINDS: Final = MappingProxyType(
    {
        "CHARGE": LineKind.CHARGE,
        "REFUND": LineKind.REFUND,
        "DISPUTE": LineKind.DISPUTE,
        "OPEN_DISPUTE": LineKind.DISPUTE,
        "RETURNED_PAYOUT": LineKind.PAYOUT_REVERSAL,
        "FEE": LineKind.FEE,
        "PROCESSING_FEE": LineKind.FEE,
        "PROCESSING_FEE_REFUND": LineKind.FEE,
        "DEPOSIT_FEE": LineKind.FEE,
        "TAX_ON_FEE": LineKind.FEE,
        "HOLD_ADJUSTMENT": LineKind.RESERVE,
        "RELEASE_ADJUSTMENT": LineKind.RESERVE,
        "RESERVE_HOLD": LineKind.RESERVE,
        "RESERVE_RELEASE": LineKind.RESERVE,
        "MONEY_TRANSFER": LineKind.TRANSFER,
    }
)
"""Square's entry types in the contract's words; all others are OTHER."""


def read_report(content: Iterable[bytes]) -> Iterator[SettlementLine | Trouble]:
    """The lines of a report, in its order; a payout itself is a line that takes its amount."""
    number = entries = net = 0
    payout = ""
    closed = True
    for number, text in enumerate(_lines(content), 1):
        try:
            record = msgspec.json.decode(text, type=dict[str, dict[str, Any]])
            if "payout" in record:
                if not closed:
                    yield _cut_off(number, payout)
                line = _payout(record["payout"])
                payout, entries, net, closed = line.reference, 0, 0, False
            elif "end" in record:
                closed = True
                end = record["end"]
                if (end.get("entries"), end.get("net_minor")) != (entries, net):
                    problem = f"Payout {payout} says {end}, and has {entries} entries over {net}."
                    yield Trouble(number, TroubleKind.WRONG_TOTAL, problem)
                continue
            else:
                line = _entry(record["entry"], payout)
                entries, net = entries + 1, net + line.net_minor
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            kind = f"The line is no payout and no entry ({type(error).__name__})."
            yield Trouble(number, TroubleKind.UNREADABLE_LINE, kind)
            continue
        yield line
    if number == 0:
        yield Trouble(0, TroubleKind.NOT_THIS_REPORT, "The file is empty.")
    elif not closed:
        yield _cut_off(number, payout)


def _cut_off(number: int, payout: str) -> Trouble:
    text = f"The entries of payout {payout} do not come to their end."
    return Trouble(number, TroubleKind.CUT_OFF, text)


def _lines(content: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in content:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line.strip())
    if rest.strip():
        yield rest


def _payout(payout: dict[str, Any]) -> SettlementLine:
    minor, currency = _money(payout["amount_money"])
    reference = str(payout["id"])
    at = report_time(str(payout["created_at"]))
    trace = str(payout.get("end_to_end_id") or "")
    return SettlementLine(
        reference, LineKind.PAYOUT, reference, trace, "", currency, -minor, 0, at, reference, ""
    )


def _entry(entry: dict[str, Any], payout: str) -> SettlementLine:
    type_ = str(entry["type"])
    gross, currency = _money(entry["gross_amount_money"])
    fee, _ = _money(entry["fee_amount_money"]) if entry.get("fee_amount_money") else (0, currency)
    details: dict[str, Any] = entry.get(f"type_{type_.lower()}_details") or {}
    kind = KINDS.get(type_, LineKind.OTHER)
    if kind is LineKind.DISPUTE and gross > 0:
        kind = LineKind.DISPUTE_REVERSAL
    charge = str(details.get("payment_id") or "")
    own = str(details.get("refund_id") or details.get("dispute_id") or "")
    return SettlementLine(
        str(entry["id"]),
        kind,
        own or charge,
        charge if own else "",
        "",
        currency,
        gross,
        fee,
        report_time(str(entry["effective_at"])),
        str(entry.get("payout_id") or payout),
        "",
    )


def _money(money: dict[str, Any]) -> tuple[int, str]:
    currency = str(money.get("currency") or money["currency_code"])
    amount = money["amount"]
    if currency not in EXPONENTS or not isinstance(amount, int):
        raise ValueError
    return amount, currency
