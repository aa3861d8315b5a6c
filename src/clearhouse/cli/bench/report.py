"""Readings of several rounds, as medians and ratios, for a terminal and for the docs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from rich.table import Table

from clearhouse.cli.console import out


@dataclass(slots=True)
class Row:
    """One figure beside its yardstick; both lists grow by one with each round.

    ``reach`` is the ratio to reach, None where it is only stated. For latencies less is
    better, and ``at_most`` is set.
    """

    name: str
    yardstick: str
    unit: str
    reach: float | None
    at_most: bool = False
    ours: list[float] = field(default_factory=list[float])
    theirs: list[float] = field(default_factory=list[float])
    note: str = ""

    @property
    def ratio(self) -> float:
        """The median of the rounds' own ratios: neighbours in time share the machine's mood."""
        return median(a / b for a, b in zip(self.ours, self.theirs, strict=True) if b)

    @property
    def reached(self) -> bool | None:
        """Whether the ratio is what it should be; None where nothing was set."""
        if self.reach is None:
            return None
        return self.ratio <= self.reach if self.at_most else self.ratio >= self.reach

    @property
    def goal(self) -> str:
        """The ratio to reach, in words."""
        if self.reach is None:
            return "stated"
        return f"{'≤' if self.at_most else '≥'} {self.reach:g} ×"


def _figure(values: Sequence[float], unit: str) -> str:
    middle = median(values)
    return f"{middle:.2f} {unit}" if unit in ("ms", "s") else f"{middle:,.0f} {unit}"


def show(rows: Sequence[Row], machine: str) -> None:
    """The table on a terminal."""
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="quiet")
    for title, justify in (
        ("what", "left"),
        ("figure", "right"),
        ("yardstick", "left"),
        ("figure", "right"),
        ("ratio", "right"),
        ("reach", "right"),
    ):
        table.add_column(title, justify="right" if justify == "right" else "left")
    for row in rows:
        style = {True: "good", False: "warn", None: "key"}[row.reached]
        table.add_row(
            row.name,
            _figure(row.ours, row.unit),
            f"[quiet]{row.yardstick}[/quiet]",
            f"[quiet]{_figure(row.theirs, row.unit)}[/quiet]",
            f"[{style}]{row.ratio:.2f} ×[/{style}]",
            f"[quiet]{row.goal}[/quiet]",
        )
    out.print()
    out.print(table)
    rounds = len(rows[0].ours) if rows else 0
    out.print(f"\n[quiet]{machine}; medians of {rounds} rounds.[/quiet]")
    for row in rows:
        if row.note:
            out.print(f"[quiet]{row.name}: {row.note}[/quiet]")


def markdown(rows: Sequence[Row], machine: str, today: str) -> str:
    """The same as a Markdown section, to be put into docs/benchmarks.md."""
    lines = [
        (
            f"Measured on {today}: {machine}. Medians of {len(rows[0].ours)} rounds; a ratio is the"
            " median of the rounds' own ratios."
        ),
        "",
        "| what | figure | yardstick | figure | ratio | reach |",
        "|---|---:|---|---:|---:|---:|",
    ]
    cell: Callable[[Row], str] = lambda row: (  # noqa: E731 - one row of a table
        f"| {row.name} | {_figure(row.ours, row.unit)} | `{row.yardstick}` |"
        f" {_figure(row.theirs, row.unit)} | {row.ratio:.2f} × | {row.goal} |"
    )
    lines += [cell(row) for row in rows]
    lines += ["", *(f"- {row.name}: {row.note}" for row in rows if row.note)]
    return "\n".join(lines).rstrip() + "\n"
