"""What Braintree settled: movements, settlement batch summary, payment-level fee report.

The report is asked for by GraphQL and downloaded as CSV from an address that is the permission
itself, so its GET needs no keys. A transaction is in it on the day it was settled, with its fee,
and with the day of its disbursement, which is the next one. Disputes are in neither.
"""

import csv
import io
import re
from collections.abc import Iterable
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

import msgspec

from clearhouse.kernel.money import exponent, format_minor
from clearhouse.sandbox.braintree.errors import Invalid, error
from clearhouse.sandbox.braintree.fields import Section, section, text
from clearhouse.sandbox.braintree.markup import Items, Node
from clearhouse.sandbox.braintree.store import PSP, Merchant
from clearhouse.sandbox.braintree.transaction import Transaction
from clearhouse.sandbox.braintree.wire import document, merchant_of
from clearhouse.sandbox.core import Core, Request, Response, Route
from clearhouse.sandbox.movements import Movement, day_bounds, day_of, moment_of
from clearhouse.sandbox.objects import Shelf
from clearhouse.sandbox.spoils import Spoil

_RATE: Final = Decimal("0.0259")
_FIXED: Final = 49
_FILE: Final = "/_sandbox/braintree/reports/{id}.csv"
_QUERY: Final = re.compile(r"\b(paymentLevelFees|transactionLevelFees)\b")
_BANK_AFTER: Final = timedelta(hours=12).total_seconds()
COLUMNS: Final = (
    *("Merchant Account ID", "Transaction ID", "Original Transaction ID", "Transaction Type"),
    *("Presentment Currency", "Settlement Currency", "Settlement Amount", "Settlement Date"),
    *("Disbursement Date", "Payment Instrument", "Card Brand", "Card Type", "First 6 of CC"),
    *("Issuing Bank", "Refunded Amount", "Exchange Rate", "Order ID"),
    *("Acquirer Reference Number", "Card Issuing Country", "Discount", "Discount Credit"),
    *("Per Transaction Fee", "Per Transaction Fee Credit", "Original Sale Amount", "Refund Type"),
    *("Multicurrency Fee Amount", "Multicurrency Fee Credit", "Total Fee Amount"),
)
"""The headers of an account with flat fees."""


def fee_of(amount: int) -> int:
    """2.59 % and 49 minor units, never more than the sale."""
    share = (amount * _RATE).quantize(Decimal(1), ROUND_HALF_UP)
    return min(amount, int(share) + _FIXED)


def settled(merchant: Merchant, transaction: Transaction) -> None:
    """Write down what a settled transaction moves."""
    is_sale = transaction.type == "sale"
    now = merchant.core.now_us()
    merchant.core.movements.record(
        Movement(
            psp=PSP,
            account=merchant.id,
            id=f"{transaction.id}:{transaction.type}",
            kind="charge" if is_sale else "refund",
            source=transaction.id,
            charge=transaction.id if is_sale else transaction.refunded_transaction_id or "",
            reference=transaction.order_id or "",
            currency=transaction.currency,
            gross_minor=transaction.amount if is_sale else -transaction.amount,
            fee_minor=fee_of(transaction.amount) if is_sale else 0,
            at=now,
            due=now,
            place=transaction.merchant_account_id,
            tail=transaction.instrument.last_four,
        )
    )


def paid_out(merchant: Merchant, payday: str) -> int:
    """Pay out all that was settled by the end of a payday, net of fees, to the sandbox's bank."""
    day, _, place = payday.partition("_")
    currency = place.upper()
    _, end = day_bounds(day)
    core = merchant.core
    total = core.movements.pay_out(PSP, merchant.id, place, currency, payday, end - 1)
    if total > 0:
        arrival = {
            "psp": PSP,
            "account": core.settings.payouts_to,
            "amount_minor": total,
            "currency": currency,
            "key": "",
            "text": f"BRAINTREE FUNDING {place} {day}",
        }
        core.agenda.later("bank.receives", _BANK_AFTER, arrival)
    return total


async def summary(merchant: Merchant, _request: Request, params: Section) -> Response:
    """POST /settlement_batch_summary: counts and sums of a day, and nothing of any transaction."""
    asked = section(params, "settlement_batch_summary")
    written = text(asked, "settlement_date")
    if not written:
        raise Invalid(error("82301"))
    try:
        start, end = day_bounds(written)
    except ValueError:
        raise Invalid(error("82302")) from None
    groups: dict[tuple[str, str, str], list[Movement]] = {}
    for line in merchant.core.movements.between(PSP, merchant.id, start, end):
        key = (_brand(merchant, line), line.place, _kind(line))
        groups.setdefault(key, []).append(line)
    off = 100 if merchant.core.spoils.has(Spoil.WRONG_TOTAL, PSP, start) else 0
    records = tuple(
        _record(brand, place, kind, lines, off)
        for (brand, place, kind), lines in sorted(groups.items())
    )
    return document(200, "settlement-batch-summary", {"records": Items("record", records)})


def routes(core: Core) -> list[Route]:
    """GraphQL, as far as reports are asked for there, and the address of their files."""
    shelf = Shelf(PSP, "", "report")

    async def ask(request: Request) -> Response:
        merchant = merchant_of(core, request)
        if merchant is None:
            return _refused("AUTHENTICATION", "Authentication credentials are invalid.")
        try:
            body: Any = msgspec.json.decode(request.body)
            field = _QUERY.search(body["query"])
            variables = dict(body.get("variables") or {})
        except (msgspec.DecodeError, KeyError, TypeError, ValueError):
            return _refused("VALIDATION", "The request is no GraphQL query.")
        if field is None:
            return _refused("VALIDATION", "The sandbox answers queries for reports only.")
        try:
            start, _ = day_bounds(str(variables.get("date")))
        except ValueError:
            return _refused("VALIDATION", "Variable date is no date.")
        if start > core.now_us():
            return _refused("VALIDATION", "Date must not be in the future.")
        name = core.name(40)
        told = {"merchant": merchant.id, "date": variables["date"]}
        told["place"] = variables.get("merchantAccountId") or ""
        with core.truth.transaction():
            core.objects.put(shelf, name, told, created_at=core.now_us())
        base = f"http://{request.headers.get('host', 'localhost')}"
        url = base + _FILE.replace("{id}", name)
        return _json({"data": {"report": {field[1]: {"url": url}}}, "extensions": {}})

    async def download(request: Request) -> Response:
        report = core.objects.get(shelf, request.params["file"].removesuffix(".csv"))
        if report is None:
            return Response(403, b"", [("content-type", "application/xml")])
        start, end = day_bounds(report["date"])
        merchant, place = Merchant(core, report["merchant"]), report["place"] or None
        lines = core.spoils.lines(core.movements, PSP, merchant.id, start, end, place)
        content = core.spoils.file(_render(merchant, lines), PSP, start)
        return Response(200, content, [("content-type", "text/csv")])

    path = _FILE.replace("{id}.csv", "{file}")
    return [
        Route(PSP, "POST", "/graphql", ask, _failed, "report"),
        Route(PSP, "GET", path, download, _failed, "report"),
    ]


def _render(merchant: Merchant, lines: Iterable[Movement]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for line in lines:
        transaction = merchant.get(line.source)
        is_sale = line.kind == "charge"
        writer.writerow(
            {
                "Merchant Account ID": line.place,
                "Transaction ID": line.source,
                "Original Transaction ID": "" if is_sale else line.charge,
                "Transaction Type": _kind(line),
                "Presentment Currency": line.currency,
                "Settlement Currency": line.currency,
                "Settlement Amount": format_minor(abs(line.gross_minor), line.currency),
                "Settlement Date": day_of(line.at),
                "Disbursement Date": f"{moment_of(line.at) + timedelta(days=1):%Y-%m-%d}",
                "Payment Instrument": transaction.instrument.kind if transaction else "",
                "Card Brand": transaction.instrument.brand if transaction else "",
                "Card Type": "Credit",
                "First 6 of CC": transaction.instrument.first_six if transaction else "",
                "Exchange Rate": "1",
                "Order ID": line.reference,
                "Card Issuing Country": "USA",
                "Discount": str(_RATE) if is_sale else "0",
                "Per Transaction Fee": format_minor(_FIXED if is_sale else 0, line.currency),
                "Total Fee Amount": format_minor(line.fee_minor, line.currency),
            }
        )
    return out.getvalue().encode()


def _kind(line: Movement) -> str:
    """A sale that is told to have failed stands there as money given back."""
    return "sale" if line.kind == "charge" else "credit"


def _brand(merchant: Merchant, line: Movement) -> str:
    transaction = merchant.get(line.source)
    return transaction.instrument.brand if transaction else ""


def _record(brand: str, place: str, kind: str, lines: list[Movement], off: int) -> dict[str, Node]:
    total = sum(abs(line.gross_minor) for line in lines) + off
    return {
        "card_type": brand,
        "count": str(len(lines)),
        "merchant_account_id": place,
        "kind": kind,
        "amount_settled": str(Decimal(total).scaleb(-exponent(lines[0].currency))),
    }


def _refused(kind: str, message: str) -> Response:
    extensions = {"errorClass": kind, "errorType": "user_error"}
    return _json({"data": None, "errors": [{"message": message, "extensions": extensions}]})


def _json(body: object) -> Response:
    return Response(200, msgspec.json.encode(body), [("content-type", "application/json")])


def _failed(_request: Request, status: int) -> Response:
    return Response(status, b"{}", [("content-type", "application/json")])
