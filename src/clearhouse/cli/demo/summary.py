"""The demo's last word: what was sold, whose money it is, and whether it all holds."""

from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clearhouse.cli.console import amount
from clearhouse.cli.demo.books import Books, Money
from clearhouse.cli.demo.comparison import Comparison
from clearhouse.cli.demo.figures import duration, percentile
from clearhouse.cli.demo.shop import Tally
from clearhouse.proof.verify import Verdict

_GOOD: Final = "[good]✓[/good]"
_BAD: Final = "[bad]✗[/bad]"
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was proven, or not; ``detail`` says it in a sentence."""

    holds: bool
    detail: str


async def tell(console: Console, books: Books, tally: Tally, selling_seconds: float) -> None:
    """Print what happened: orders, money, speed, trouble."""
    title(console, "What happened")
    _facts(console, {"sold": _sold(tally, selling_seconds)})
    console.print(indented(await _orders(books)))
    failures = await books.table("failures")
    if failures:
        listed = ", ".join(f"{row['reason']} {row['orders']:,}" for row in failures)
        _facts(console, {"declined": listed})
    title(console, "Whose money it is")
    console.print(indented(_money(await books.money())))
    title(console, "How fast, and what went wrong on the way")
    life = (await books.table("whole_life"))[0]
    again = (await books.table("asked_again"))[0]
    facts = {
        "POST answered": f"half within {duration(percentile(tally.latencies, 0.5))}, 99 % within"
        f" {duration(percentile(tally.latencies, 0.99))}, each after its commit was durable",
        "paid or declined": f"half within {duration(life['p50'] or 0)}, 99 % within"
        f" {duration(life['p99'] or 0)} of being accepted",
        "no clear answer": f"orders: {again['orders']:,}; they were asked again with the same key"
        f" until it was known, {again['calls']:,} more calls in all",
        "pressed twice": f"buttons: {tally.double_clicks:,}; the first answer came again, byte for"
        " byte",
    }
    if tally.repeats:
        facts["no API"] = f"the shop sent {tally.repeats:,} requests again, with the same key"
    _facts(console, facts)


def prove(console: Console, checks: list[Check]) -> bool:
    """Print the verdicts; whether all hold."""
    title(console, "Does it hold?")
    for check in checks:
        console.print(f"  {_GOOD if check.holds else _BAD} {escape(check.detail)}")
    return all(check.holds for check in checks)


def truth_check(comparison: Comparison) -> Check:
    """The PSPs' truth against the books, in a sentence."""
    if comparison.same:
        return Check(
            True,
            f"The PSPs took money {len(comparison.agreed):,} times; the books have each once,"
            " for the same amount.",
        )
    named = {
        "charged twice": comparison.charged_twice,
        "charged but not in the books": comparison.charged_not_booked,
        "in the books but not charged": comparison.booked_not_charged,
        "with another amount": comparison.other_amount,
    }
    parts = [f"{len(ids)} {what} ({', '.join(ids[:_NAMED])})" for what, ids in named.items() if ids]
    return Check(False, f"The PSPs and the books differ: {'; '.join(parts)}.")


def verify_check(verdict: Verdict) -> Check:
    """The verdict of `clearhouse verify`, in a sentence."""
    if verdict.holds:
        examined = sum(result.examined for result in verdict.results)
        return Check(
            True,
            f"clearhouse verify: all {len(verdict.results)} promises hold,"
            f" {examined:,} facts checked.",
        )
    broken = "; ".join(result.title for result in verdict.results if result.violations)
    return Check(False, f"clearhouse verify: {verdict.violations:,} violations: {broken}.")


def cent_check(money: list[Money]) -> Check:
    """Whether what buyers paid is what the PSPs owe us, and was all owed to sellers or is ours."""
    wrong = [m.currency for m in money if m.paid != m.receivable or m.paid != m.owed + m.fees]
    if wrong:
        return Check(False, f"Money does not add up in {', '.join(wrong)}.")
    return Check(
        True,
        f"Paid by buyers = owed or paid to sellers + platform fees, to the cent, in {len(money)}"
        " currencies.",
    )


def next_steps(console: Console) -> None:
    """Where to look next."""
    title(console, "Where to look next")
    steps = {
        "clearhouse up": "the same without the marketplace, with your data kept",
        "README.md": "a first payment of your own, in a minute",
        "docs/concepts/journey.md": "what happened to each of these payments, step by step",
        "docs/concepts/promises.md": "what is proven here, and how",
        "clearhouse report": "matched, unmatched, and where the money is; breaks list for the rest",
    }
    for name, meaning in steps.items():
        console.print(f"  [name]{name:<26}[/name] [quiet]{meaning}[/quiet]")
    console.print()


def _sold(tally: Tally, seconds: float) -> str:
    rate = tally.payments / seconds if seconds else 0
    return (
        f"{tally.payments:,} checkouts over {tally.orders:,} payment orders"
        f" in {seconds:.0f} s ({rate:.0f} checkouts/s)"
    )


async def _orders(books: Books) -> Table:
    table = _table("PSP", "orders", "paid", "declined", "open")
    for row in await books.table("outcomes"):
        table.add_row(
            f"[name]{row['psp']}[/name]",
            f"{row['orders']:,}",
            f"[good]{row['succeeded']:,}[/good]",
            f"[bad]{row['failed']:,}[/bad]",
            f"{row['open']:,}",
        )
    return table


def _money(money: list[Money]) -> Table:
    table = _table("", "paid by buyers", "to sellers", "sellers", "platform fees")
    for m in money:
        table.add_row(
            f"[name]{m.currency}[/name]",
            amount(m.paid, m.currency),
            amount(m.owed, m.currency),
            f"{m.sellers}",
            amount(m.fees, m.currency),
        )
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="quiet")
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", no_wrap=True, min_width=8)
    return table


def indented(table: Table) -> Table:
    """A table two columns in."""
    grid = Table.grid()
    grid.add_column(width=2)
    grid.add_column()
    grid.add_row("", table)
    return grid


def title(console: Console, title: str) -> None:
    """Begin a part of what is told."""
    console.print(f"\n[bold]{title}[/bold]")


def _facts(console: Console, facts: dict[str, str]) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=17, style="quiet", no_wrap=True)
    grid.add_column()
    for name, value in facts.items():
        grid.add_row(name, escape(value))
    console.print(indented(grid))
