"""What reconciling found, for people and for scripts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.markup import escape
from rich.table import Table

from clearhouse.cli.console import out
from clearhouse.kernel.money import format_minor
from clearhouse.reconciliation.atlas import WHO
from clearhouse.reconciliation.matching import Mender
from clearhouse.reconciliation.model import BankNight, CauseFigures, Collected, Night

_SHOWN: Final = 10


@dataclass(slots=True)
class Reconciled:
    """All that one run found."""

    collected: list[Collected] = field(default_factory=list[Collected])
    nights: list[Night] = field(default_factory=list[Night])
    bank: BankNight | None = None


def is_clean(run: Reconciled) -> bool:
    """Whether all files were understood, and nothing differs but what time will mend."""
    return not any(one.read.trouble_count for one in run.collected) and all(
        found.cause.mender is Mender.TIME for _, found in _open(run)
    )


def show(run: Reconciled) -> None:
    """Files, days, the bank, and the breaks that are open."""
    collected, nights = run.collected, run.nights
    if collected:
        out.print(_files(collected))
        for one in collected:
            for trouble in one.read.troubles[:_SHOWN]:
                place = f"{one.name}:{trouble.line}" if trouble.line else one.name
                out.print(f"{place}: {trouble.text}", style="bad", markup=False)
            if one.read.trouble_count > _SHOWN:
                more = one.read.trouble_count - _SHOWN
                out.print(f"{one.name}: and {more:,} more.", style="bad", markup=False)
        out.print()
    if nights:
        out.print(_days(nights))
    found = _open(run)
    if run.bank is not None and run.bank.matched:
        out.print(f"{run.bank.matched:,} payouts are at the bank.")
    if found:
        out.print()
        out.print(_breaks(found))
    if is_clean(run):
        waiting = sum(one.count for _, one in found)
        later = f"; {waiting:,} are expected with a later report" if waiting else ""
        out.print(f"[good]Both sides agree{later}.[/good]")
    elif found:
        count = sum(one.count for _, one in found)
        out.print(f"[bad]{count:,} breaks are open.[/bad]")


def as_data(run: Reconciled) -> dict[str, object]:
    """The same for machines."""
    return {
        "clean": is_clean(run),
        "files": [
            {
                "name": one.name,
                "source": one.source,
                "state": one.read.state,
                "lines": one.read.lines,
                "new": one.read.new,
                "corrected": one.read.changed,
                "troubles": one.read.trouble_count,
            }
            for one in run.collected
        ],
        "days": [
            {
                "psp": night.psp,
                "day": night.day,
                "matched": [
                    {
                        "currency": one.currency,
                        "count": one.count,
                        "value": format_minor(one.value_minor, one.currency),
                        "fees": format_minor(one.fees_minor, one.currency),
                    }
                    for one in night.matched
                ],
                "new_breaks": night.new_breaks,
                "closed_breaks": night.closed_breaks,
            }
            for night in run.nights
        ],
        "payouts_at_the_bank": run.bank.matched if run.bank else None,
        "breaks": [
            {
                "psp": psp,
                "cause": one.cause.word,
                "count": one.count,
                "at_stake": format_minor(one.at_stake_minor, one.currency),
                "currency": one.currency,
                "oldest": one.oldest,
                "proposal": one.cause.proposal,
            }
            for psp, one in _open(run)
        ],
    }


def _open(run: Reconciled) -> list[tuple[str, CauseFigures]]:
    """What is open of each PSP: what its last night says; and at the bank."""
    last = {night.psp: night for night in run.nights}
    found = [(psp, one) for psp, night in last.items() for one in night.open_breaks]
    return found + [("bank", one) for one in (run.bank.open_breaks if run.bank else ())]


def _table(*columns: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="quiet")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def _files(collected: Sequence[Collected]) -> Table:
    numbers = ("lines", "new", "corrected", "troubles")
    table = _table("file", "of", "came out", *numbers, right=numbers)
    for one in collected:
        read = one.read
        counts = (read.lines, read.new, read.changed, read.trouble_count)
        state = read.state.value.replace("_", " ")
        table.add_row(escape(one.name), one.source, state, *(f"{count:,}" for count in counts))
    return table


def _days(nights: Sequence[Night]) -> Table:
    numbers = ("agreed", "worth", "fees", "new breaks", "closed")
    table = _table("PSP", "day", *numbers, right=numbers)
    for night in nights:
        agreed = [one for one in night.matched if one.count]
        table.add_row(
            night.psp,
            str(night.day),
            f"{sum(one.count for one in agreed):,}",
            "\n".join(
                f"{format_minor(one.value_minor, one.currency)} {one.currency}" for one in agreed
            ),
            "\n".join(
                f"{format_minor(one.fees_minor, one.currency)} {one.currency}" for one in agreed
            ),
            f"{night.new_breaks:,}",
            f"{night.closed_breaks:,}",
        )
    return table


def _breaks(found: Sequence[tuple[str, CauseFigures]]) -> Table:
    numbers = ("breaks", "at stake")
    table = _table("PSP", "cause", *numbers, "oldest", "closed by", "what to do", right=numbers)
    for psp, one in found:
        table.add_row(
            psp,
            one.cause.word,
            f"{one.count:,}",
            f"{format_minor(one.at_stake_minor, one.currency)} {one.currency}",
            str(one.oldest),
            WHO[one.cause.mender],
            escape(one.cause.proposal),
        )
    return table
