"""What the demo shows while it runs: one live picture on a terminal, plain lines elsewhere."""

from dataclasses import dataclass, field
from typing import Final, Protocol

from rich.console import Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from clearhouse.cli.console import out
from clearhouse.cli.demo.books import Progress
from clearhouse.cli.demo.figures import duration, percentile, shares, sparkline
from clearhouse.cli.demo.shop import Tally

_BAR: Final = 34
_HISTORY: Final = 24
_RECENT: Final = 6
_STATES: Final = (
    ("SUCCESS", "green", "paid"),
    ("FAILED", "red", "declined"),
    ("EXECUTING", "yellow", "at the PSP"),
    ("NOT_STARTED", "bright_black", "waiting"),
)
_PLAIN_EVERY_SECONDS: Final = 2.0


@dataclass(slots=True)
class Picture:
    """All that is shown, as of now."""

    phase: str
    elapsed: float = 0.0
    seconds: float = 1.0
    tally: Tally = field(default_factory=Tally)
    progress: Progress = field(default_factory=lambda: Progress({}, 0))
    rates: list[float] = field(default_factory=list[float])
    latencies: list[float] = field(default_factory=list[float])
    waiting_for: int = 0


class Screen(Protocol):
    """Shows pictures and notes until it is closed."""

    def show(self, picture: Picture) -> None:
        """Show the newest picture."""
        ...

    def note(self, line: str) -> None:
        """Say one thing that stays."""
        ...

    def close(self) -> None:
        """Leave the terminal in order; may be repeated."""
        ...


def open_screen() -> Screen:
    """The screen that fits to where stdout leads."""
    return LiveScreen() if out.is_terminal else PlainScreen()


class LiveScreen:
    """One picture that changes in place."""

    def __init__(self) -> None:
        self._live = Live(console=out, transient=True, refresh_per_second=8)
        self._live.start()

    def show(self, picture: Picture) -> None:
        self._live.update(draw(picture))

    def note(self, line: str) -> None:
        out.print(f"  {escape(line)}", style="quiet")

    def close(self) -> None:
        self._live.stop()


class PlainScreen:
    """A line from time to time."""

    def __init__(self) -> None:
        self._next = 0.0

    def show(self, picture: Picture) -> None:
        if picture.elapsed >= self._next or picture.phase == "":
            self._next = picture.elapsed + _PLAIN_EVERY_SECONDS
            out.print(plain(picture), soft_wrap=True, markup=False)

    def note(self, line: str) -> None:
        out.print(line, soft_wrap=True, markup=False)

    def close(self) -> None:
        pass


def plain(picture: Picture) -> str:
    """The picture in one line."""
    tally, progress = picture.tally, picture.progress
    states = ", ".join(f"{progress.of(status):,} {word}" for status, _, word in _STATES)
    return (
        f"{picture.elapsed:4.0f} s  {picture.phase}: {tally.payments:,} checkouts,"
        f" p99 {duration(percentile(tally.latencies, 0.99))}; orders: {states}"
    )


def draw(picture: Picture) -> RenderableType:
    """The picture as a terminal shows it."""
    tally, progress = picture.tally, picture.progress
    head = Table.grid(expand=True)
    head.add_column()
    head.add_column(justify="right")
    head.add_row(
        "[bold]clearhouse[/bold] [quiet]a marketplace sells[/quiet]",
        f"[quiet]{picture.phase}, {picture.elapsed:.0f} s[/quiet]",
    )
    bar = ProgressBar(
        total=picture.seconds,
        completed=min(picture.elapsed, picture.seconds),
        complete_style="cyan",
        finished_style="green",
    )
    recent = picture.rates[-_RECENT:]
    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(style="quiet", width=12)
    facts.add_column(justify="right", width=8)
    facts.add_column(width=_HISTORY, style="name", no_wrap=True)
    facts.add_column()
    facts.add_row(
        "checkouts",
        f"{tally.payments:,}",
        sparkline(picture.rates, _HISTORY),
        f"{sum(recent) / max(1, len(recent)):.0f}/s",
    )
    facts.add_row(
        "answered in",
        duration(percentile(tally.latencies, 0.5)),
        sparkline(picture.latencies, _HISTORY),
        f"half of them; 99 % within {duration(percentile(tally.latencies, 0.99))}",
    )
    facts.add_row("orders", f"{progress.total:,}", "", _clicks(tally))
    return Padding(
        Group(head, bar, Text(), facts, Text(), _psps(progress), Text(), _footer(picture)),
        (1, 2),
    )


def _clicks(tally: Tally) -> str:
    if not tally.double_clicks:
        return ""
    return f"[quiet]{tally.double_clicks} buttons pressed twice, one payment each[/quiet]"


def _psps(progress: Progress) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="name", width=12)
    table.add_column(width=_BAR, no_wrap=True)
    for _ in _STATES:
        table.add_column(justify="right", min_width=9)
    table.add_row("", "", *(f"[{colour}]{word}[/{colour}]" for _, colour, word in _STATES))
    psps = sorted({psp for psp, _ in progress.by_psp})
    most = max((sum(_counts(progress, psp)) for psp in psps), default=1)
    for psp in psps:
        counts = _counts(progress, psp)
        bar = Text()
        for (_, colour, _), part in zip(
            _STATES, shares(counts, max(len(counts), _BAR * sum(counts) // most)), strict=True
        ):
            bar.append("█" * part, style=colour)
        table.add_row(psp, bar, *(f"{count:,}" for count in counts))
    return table


def _counts(progress: Progress, psp: str) -> list[int]:
    return [progress.by_psp.get((psp, status), 0) for status, _, _ in _STATES]


def _footer(picture: Picture) -> RenderableType:
    if picture.waiting_for:
        return Text(f"{picture.waiting_for:,} checkouts are not done yet", style="yellow")
    if picture.progress.unsettled:
        return Text(
            f"{picture.progress.unsettled:,} orders got no clear answer from their PSP;"
            " they are asked again with the same key",
            style="yellow",
        )
    return Text("Ctrl-C stops everything", style="bright_black")
