"""A report as tables for the screen, as JSON, and as CSV for a spreadsheet."""

import csv
import io

import msgspec
from rich.markup import escape
from rich.table import Table

from clearhouse.cli.console import out
from clearhouse.kernel.money import format_minor
from clearhouse.reconciliation.report import Report

_AMOUNTS = ("matched", "charged", "refunded", "disputed", "fees", "paid_out", "unmatched")


def rows_of(report: Report) -> dict[str, list[dict[str, object]]]:
    """The report's parts as rows; amounts as decimal strings."""
    return {
        "figures": [
            {
                "psp": one.psp,
                "currency": one.currency,
                "lines": one.lines,
                "matched_lines": one.matched,
                **{
                    name: format_minor(getattr(one, f"{name}_minor"), one.currency)
                    for name in _AMOUNTS
                },
                "unmatched_basis_points": one.basis_points,
            }
            for one in report.figures
        ],
        "breaks": [
            {
                "psp": one.psp,
                "cause": one.cause.word,
                "currency": one.currency,
                "count": one.count,
                "at_stake": format_minor(one.at_stake_minor, one.currency),
                "oldest": str(one.oldest),
                "age_days": one.age_days,
            }
            for one in report.breaks
        ],
        "cash": [
            {
                "place": one.place,
                "owner": one.owner,
                "currency": one.currency,
                "ours": format_minor(one.ours_minor, one.currency),
                "theirs": ""
                if one.theirs_minor is None
                else format_minor(one.theirs_minor, one.currency),
            }
            for one in report.cash
        ],
        "history": [
            {
                "day": str(one.day),
                "lines": one.lines,
                "matched_lines": one.matched,
                "open_breaks": one.open_breaks,
            }
            for one in report.history
        ],
    }


def as_json(report: Report) -> str:
    """One JSON object."""
    head = {"first": report.first, "last": report.last, "made_on": report.made_on}
    return msgspec.json.format(msgspec.json.encode({**head, **rows_of(report)})).decode() + "\n"


def as_csv(report: Report) -> str:
    """One table after the other, each with a line of its own names; the first column says which."""
    told = io.StringIO()
    writer = csv.writer(told, lineterminator="\n")
    for part, rows in rows_of(report).items():
        for place, row in enumerate(rows):
            if place == 0:
                writer.writerow(["part", *row])
            writer.writerow([part, *row.values()])
    return told.getvalue()


def show(report: Report) -> None:
    """Tables on the screen."""
    span = str(report.first) if report.first == report.last else f"{report.first} to {report.last}"
    out.print(f"[key]Reconciliation of {span}[/key]")
    for part, rows in rows_of(report).items():
        if not rows or part == "history":
            continue
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="quiet")
        for name, value in rows[0].items():
            number = isinstance(value, int) or name in {*_AMOUNTS, "at_stake", "ours", "theirs"}
            table.add_column(name.replace("_", " "), justify="right" if number else "left")
        for row in rows:
            table.add_row(*(escape(str(value)) for value in row.values()))
        out.print()
        out.print(table)
    if not report.figures:
        out.print("No line of these days was compared yet.", style="quiet")
