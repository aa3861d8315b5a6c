"""How a simulation is shown: a line for each month, where the money went, and the verdict."""

from collections.abc import Mapping
from typing import Final

from rich.markup import escape
from rich.table import Table

from clearhouse.cli.console import amount, out
from clearhouse.cli.funds import as_data as funds_data
from clearhouse.cli.simulate.run import Month, Outcome
from clearhouse.ledger.funds import Funds, Movement, Owner

_HEADS: Final = ("payments", "refunds", "disputes", "payouts", "came back")
_WIDTH: Final = 10
_LABEL: Final = 18


def months_head() -> None:
    """The heads of the columns."""
    cells = "".join(f"{head:>{_WIDTH}}" for head in _HEADS)
    out.print(f"[quiet]{'by the end of':{_LABEL}}{cells}[/quiet]")


def month_line(month: Month) -> None:
    """A month, and what does not agree at its end."""
    numbers = (month.payments, month.refunds, month.disputes, month.payouts, month.came_back)
    cells = "".join(f"{number:>{_WIDTH},}" for number in numbers)
    mark = "[bad]✗[/bad]" if month.faults else "[good]✓[/good]"
    day = f"{month.ends:%d %B %Y}"
    out.print(f"[name]{day:{_LABEL}}[/name]{cells}  {mark}")
    for fault in month.faults:
        out.print(f"    [bad]{escape(fault)}[/bad]", soft_wrap=True)


def conclude(outcome: Outcome) -> None:
    """Where the buyers' money went, and the verdict in one line."""
    out.print()
    out.print(_where_it_went(outcome))
    out.print()
    for seller, lost in outcome.written_off:
        out.print(f"[quiet]{escape(seller)} went bankrupt and owed {lost}.[/quiet]")
    codes = ", ".join(one.currency for one in outcome.funds)
    last = outcome.months[-1]
    if outcome.faults:
        out.print(f"[bad]{len(outcome.faults):,} things do not agree: they are named above.[/bad]")
    else:
        out.print(
            f"[good]Every cent of {codes} is accounted for[/good], after {outcome.days:,} days and"
            f" {last.payments:,} payments.",
            soft_wrap=True,
        )


def where_it_went(funds: Funds) -> dict[str, int]:
    """What buyers paid, and what became of it: the first is the sum of all others."""
    moved, owned = funds.moved, funds.owned
    sellers = (Owner.SELLERS, Owner.RESERVE, Owner.UNDER_WAY, Owner.DEBT)
    disputed = -moved.get(Movement.DISPUTED, 0)
    return {
        "Paid by buyers": moved.get(Movement.PAID_BY_BUYERS, 0),
        "Paid out to sellers": -moved.get(Movement.PAID_OUT, 0),
        "Owed to sellers still": sum(owned.get(who, 0) for who in sellers),
        "Fees of the platform": owned.get(Owner.PLATFORM, 0),
        "Refunded to buyers": owned.get(Owner.BUYERS, 0) - moved.get(Movement.GIVEN_BACK, 0),
        "Charged back by banks": disputed,
        "Less what the platform lost": owned.get(Owner.LOSSES, 0),
    }


def as_data(outcome: Outcome) -> dict[str, object]:
    """The same for machines."""
    return {
        "days": outcome.days,
        "seed": outcome.seed,
        "faults": outcome.faults,
        "months": [
            {
                "ends": month.ends,
                "payments": month.payments,
                "refunds": month.refunds,
                "disputes": month.disputes,
                "payouts": month.payouts,
                "payouts_back": month.came_back,
                "faults": month.faults,
            }
            for month in outcome.months
        ],
        "where_it_went": {one.currency: where_it_went(one) for one in outcome.funds},
        "written_off": [
            {"seller_account": seller, "amount": str(lost)} for seller, lost in outcome.written_off
        ],
        "funds": [funds_data(one) for one in outcome.funds],
    }


def _where_it_went(outcome: Outcome) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="quiet")
    table.add_column("", no_wrap=True, min_width=30)
    for one in outcome.funds:
        table.add_column(one.currency, justify="right", no_wrap=True, min_width=14)
    parts: list[Mapping[str, int]] = [where_it_went(one) for one in outcome.funds]
    for number, name in enumerate(parts[0] if parts else ()):
        cells = [
            amount(part[name], one.currency) for part, one in zip(parts, outcome.funds, strict=True)
        ]
        table.add_row(f"[key]{name}[/key]" if not number else f"  {name}", *cells)
    rest = [
        amount(2 * part["Paid by buyers"] - sum(part.values()), one.currency)
        for part, one in zip(parts, outcome.funds, strict=True)
    ]
    table.add_row("[key]Unaccounted for[/key]", *rest)
    return table
