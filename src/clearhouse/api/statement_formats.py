"""A statement as JSON, CSV and a page to print, each in pieces: never all of it in memory."""

import csv
import io
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import datetime
from hashlib import sha256
from html import escape
from importlib import resources
from typing import Final

import msgspec

from clearhouse.kernel.money import format_minor
from clearhouse.wallets.statements.model import Parts, Statement, StatementLine

_STYLE: Final = (
    resources.files("clearhouse.api").joinpath("statements.css").read_text(encoding="utf-8")
)
_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of the page: its own style, and nothing else."""

WORDS: Final = {
    "sale": "Sale",
    "sale_reversal": "Sale taken back",
    "refund": "Refund",
    "refund_reversal": "Refund that failed",
    "matured": "Became available",
    "reserve": "Kept back",
    "reserve_release": "No longer kept back",
    "dispute_opened": "Dispute",
    "dispute_won": "Dispute won",
    "dispute_lost": "Dispute lost",
    "write_off": "Debt written off",
    "payout": "Payout",
    "payout_reversal": "Payout that came back",
}
"""What kinds of movements are called on the page; another kind is called by its name."""

_FORMULA: Final = tuple("=+-@\t\r")
_COLUMNS: Final = (
    "number", "recorded_at", "happened_at", "kind", "reference", "pending", "available",
    "reserved", "pending_after", "available_after", "reserved_after", "currency",
)  # fmt: skip


async def as_json(statement: Statement) -> AsyncIterator[bytes]:
    """One JSON object; its lines come last, so that the sums can be read before them."""
    currency = statement.currency
    head = {
        "seller_account": statement.seller_account,
        "currency": currency,
        "from": _moment(statement.begins),
        "to": _moment(statement.ends),
        "opening": _amounts(statement.opening, currency),
        "closing": _amounts(statement.closing, currency),
        "line_count": statement.count,
    }
    yield msgspec.json.encode(head)[:-1] + b',"lines":['
    separator = b""
    async for page in statement.pages():
        lines = [msgspec.json.encode(_line(one, currency)) for one in page]
        yield separator + b",".join(lines)
        separator = b","
    yield b"]}"


async def as_csv(statement: Statement) -> AsyncIterator[bytes]:
    """A row for the opening, one for each line, and one for the closing; RFC 4180."""
    yield _rows([_COLUMNS, _sum_row("opening", statement.begins, statement.opening, statement)])
    async for page in statement.pages():
        yield _rows([_line_row(one, statement.currency) for one in page])
    yield _rows([_sum_row("closing", statement.ends, statement.closing, statement)])


async def as_page(statement: Statement) -> AsyncIterator[bytes]:
    """A calm page, light or dark, which prints well."""
    currency = statement.currency
    title = f"Statement of {statement.seller_account} in {currency}"
    days = f"{statement.begins:%Y-%m-%d %H:%M} to {statement.ends:%Y-%m-%d %H:%M} UTC"
    head = "".join(
        f"<th scope=col>{word}</th>"
        for word in ("Recorded", "What", "Reference", "Pending", "Available", "Reserved", "Balance")
    )
    yield (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><main><h1>{escape(title)}</h1>"
        f"<p>{days}. {statement.count:,} {'line' if statement.count == 1 else 'lines'}; all amounts"
        f" in {escape(currency)}.</p><table><thead><tr>{head}</tr></thead><tbody>"
        + _sum_html("Opening balance", statement.opening, currency)
    ).encode()
    async for page in statement.pages():
        yield "".join(_line_html(one, currency) for one in page).encode()
    yield (
        _sum_html("Closing balance", statement.closing, currency) + "</tbody></table></main></html>"
    ).encode()


def _moment(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _amounts(parts: Parts, currency: str) -> dict[str, str]:
    return {
        name: format_minor(minor, currency)
        for name, minor in (
            ("pending", parts.pending),
            ("available", parts.available),
            ("reserved", parts.reserved),
            ("total", parts.total),
        )
    }


def _line(line: StatementLine, currency: str) -> dict[str, object]:
    return {
        "number": line.sequence,
        "kind": line.kind,
        "reference": line.reference,
        "happened_at": _moment(line.event_at),
        "recorded_at": _moment(line.recorded_at),
        "change": _amounts(line.change, currency),
        "after": _amounts(line.after, currency),
    }


def _rows(rows: list[tuple[object, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _line_row(line: StatementLine, currency: str) -> tuple[object, ...]:
    parts = (line.change.pending, line.change.available, line.change.reserved)
    after = (line.after.pending, line.after.available, line.after.reserved)
    return (
        line.sequence,
        _moment(line.recorded_at),
        _moment(line.event_at),
        line.kind,
        _harmless(line.reference),
        *(format_minor(minor, currency) for minor in (*parts, *after)),
        currency,
    )


def _sum_row(kind: str, moment: datetime, parts: Parts, of: Statement) -> tuple[object, ...]:
    after = (parts.pending, parts.available, parts.reserved)
    sums = (format_minor(minor, of.currency) for minor in after)
    return ("", _moment(moment), "", kind, "", "", "", "", *sums, of.currency)


def _harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line_html(line: StatementLine, currency: str) -> str:
    kind = line.kind.partition(".")[0]
    cells = "".join(
        _amount_html(minor, currency, blank=True)
        for minor in (line.change.pending, line.change.available, line.change.reserved)
    )
    return (
        f"<tr><td>{line.recorded_at:%Y-%m-%d %H:%M}</td><td>{escape(WORDS.get(kind, kind))}</td>"
        f"<td>{escape(line.reference)}</td>{cells}{_amount_html(line.after.total, currency)}</tr>"
    )


def _sum_html(what: str, parts: Parts, currency: str) -> str:
    cells = "".join(
        _amount_html(minor, currency)
        for minor in (parts.pending, parts.available, parts.reserved, parts.total)
    )
    return f"<tr class=sum><td></td><td colspan=2>{what}</td><td hidden></td>{cells}</tr>"


def _amount_html(minor: int, currency: str, *, blank: bool = False) -> str:
    if blank and not minor:
        return "<td></td>"
    shown = format_minor(minor, currency).replace("-", "\N{MINUS SIGN}")
    return f"<td class=less>{shown}</td>" if minor < 0 else f"<td>{shown}</td>"
