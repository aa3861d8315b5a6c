"""A report as a page that can be printed: one HTML file without anything beside it."""

from collections.abc import Sequence
from html import escape
from typing import Final

from clearhouse.cli.report_forms import rows_of
from clearhouse.reconciliation.report import PastDay, Report

_STYLE: Final = """
body { font: 14px/1.5 system-ui, sans-serif; color: #1b1f24; max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2rem; }
p.note { color: #57606a; margin-top: .25rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #d0d7de; text-align: left; }
th { color: #57606a; font-weight: 600; } td.n, th.n { text-align: right; }
svg { width: 100%; height: auto; }
@media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; } }
"""
_TITLES: Final = {
    "figures": "What the PSPs reported",
    "breaks": "What does not agree yet",
    "cash": "Where the money is",
}
_NOTES: Final = {
    "figures": "Amounts as they moved at the PSP; unmatched is what open breaks are about.",
    "breaks": "All open breaks up to the last day, the largest first.",
    "cash": "By our books, and by the PSP's lines or the bank's statement.",
}
_WIDE, _HIGH, _LEFT = 900, 160, 40


def as_page(report: Report) -> str:
    """The whole page."""
    span = str(report.first) if report.first == report.last else f"{report.first} to {report.last}"
    parts = [_part(name, rows) for name, rows in rows_of(report).items() if name in _TITLES]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Reconciliation of {span}</title><style>{_STYLE}</style></head><body>\n"
        f'<h1>Reconciliation of {span}</h1>\n<p class="note">Made on {report.made_on}.</p>\n'
        + "\n".join(parts)
        + _chart(report.history)
        + "</body></html>\n"
    )


def _part(name: str, rows: Sequence[dict[str, object]]) -> str:
    head = f'<h2>{_TITLES[name]}</h2>\n<p class="note">{_NOTES[name]}</p>\n'
    if not rows:
        return f"{head}<p>None.</p>"
    numeric = {key for key, value in rows[0].items() if _is_number(value)}

    def cell(tag: str, key: str, value: object) -> str:
        kind = ' class="n"' if key in numeric else ""
        return f"<{tag}{kind}>{escape(str(value))}</{tag}>"

    header = "".join(cell("th", key, key.replace("_", " ")) for key in rows[0])
    body = "\n".join(
        f"<tr>{''.join(cell('td', key, value) for key, value in row.items())}</tr>" for row in rows
    )
    return f"{head}<table><thead><tr>{header}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _is_number(value: object) -> bool:
    return isinstance(value, int) or str(value).replace(".", "").replace("-", "").isdigit()


def _chart(history: Sequence[PastDay]) -> str:
    """Bars of lines per day, and over them the breaks that are still open of it."""
    if not history:
        return ""
    most = max(1, *(day.lines for day in history))
    step = (_WIDE - _LEFT) / len(history)
    bars: list[str] = []
    for place, day in enumerate(history):
        high = day.lines * (_HIGH - 40) / most
        x = _LEFT + place * step
        title = f"{day.day}: {day.lines:,} lines, {day.matched:,} agree, {day.open_breaks:,} open"
        colour = "#cf222e" if day.open_breaks else "#2da44e"
        bars.append(
            f'<rect x="{x:.1f}" y="{_HIGH - 20 - high:.1f}" width="{step * 0.8:.1f}"'
            f' height="{max(high, 1):.1f}" fill="{colour}"><title>{title}</title></rect>'
        )
        if day.open_breaks:
            bars.append(
                f'<text x="{x + step * 0.4:.1f}" y="{_HIGH - 24 - high:.1f}" font-size="10"'
                f' text-anchor="middle">{day.open_breaks:,}</text>'
            )
    first, last = history[0].day, history[-1].day
    return (
        "<h2>The last 30 days</h2>\n"
        '<p class="note">Lines a day; red where breaks are still open, with how many.</p>\n'
        f'<svg viewBox="0 0 {_WIDE} {_HIGH}" role="img" aria-label="Lines and open breaks a day">'
        + "".join(bars)
        + f'<text x="{_LEFT}" y="{_HIGH - 4}" font-size="11">{first}</text>'
        f'<text x="{_WIDE}" y="{_HIGH - 4}" font-size="11" text-anchor="end">{last}</text>'
        f'<text x="0" y="24" font-size="11">{most:,}</text></svg>\n'
    )
