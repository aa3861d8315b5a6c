"""``clearhouse funds``: where all the money came from, where it lies, and whose it is."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

from clearhouse.cli.console import amount, out, print_data
from clearhouse.cli.embedded import reach_database
from clearhouse.cli.errors import OK, VIOLATION
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.ledger import store
from clearhouse.ledger.funds import Funds, Movement, Owner
from clearhouse.postgres.connection import open_pool


def funds(
    *,
    currency: Annotated[str | None, Parameter(help="Only this one, such as USD.")] = None,
    json: Annotated[bool, Parameter(help="Print it as JSON; amounts in minor units.")] = False,
    common: Common = NO_OPTIONS,
) -> int:
    """Account for every cent: what came and went, where it lies now, and whose it is.

    Three sums for each currency, from the journal and from the accounts. It ends with 1 if
    they are not one.

    **Examples**

    ```shell
    clearhouse funds
    clearhouse funds --currency EUR
    clearhouse funds --json | jq '.[] | {currency, agree}'
    ```
    """
    settings = common.load().settings
    with reach_database(settings) as url:
        found = asyncio.run(_funds(url))
    wanted = [one for one in found if currency is None or one.currency == currency.upper()]
    if json:
        print_data([as_data(one) for one in wanted])
    else:
        show(wanted)
    return OK if all(one.agree for one in wanted) else VIOLATION


async def _funds(url: str) -> list[Funds]:
    pool = await open_pool(url, size=1, name="funds", scans=True)
    try:
        async with pool.acquire() as connection:
            return await store.funds(connection)
    finally:
        await pool.close()


def show(found: Iterable[Funds]) -> None:
    """A table for each currency, and the verdict in one line."""
    empty = True
    for one in found:
        if not empty:
            out.print()
        empty = False
        out.print(_table(one))
        if one.agree:
            out.print(f"[good]Every cent of {one.currency} is accounted for.[/good]")
        else:
            sums = (one.moved_minor, one.held_minor, one.owned_minor)
            apart = max(sums) - min(sums)
            out.print(
                f"[bad]The sums are {amount(apart, one.currency)} {one.currency} apart:"
                " run clearhouse verify, which names the rows.[/bad]",
                soft_wrap=True,
            )
    if empty:
        out.print("[quiet]Nothing is booked yet.[/quiet]")


def as_data(one: Funds) -> dict[str, object]:
    """The same for machines."""
    return {
        "currency": one.currency,
        "agree": one.agree,
        "moved": {"total": one.moved_minor, **_plain(one.moved)},
        "held": {"total": one.held_minor, **_plain(one.held)},
        "owned": {"total": one.owned_minor, **_plain(one.owned)},
    }


def _plain(
    parts: Mapping[Movement, int] | Mapping[str, int] | Mapping[Owner, int],
) -> dict[str, int]:
    return {str(name): minor for name, minor in parts.items()}


def _table(one: Funds) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True, min_width=36)
    table.add_column(justify="right", no_wrap=True, min_width=16)
    sections = (
        (f"What came and went, in {one.currency}", one.moved, one.moved_minor),
        ("Where it is", one.held, one.held_minor),
        ("Whose it is", one.owned, one.owned_minor),
    )
    for number, (title, parts, total) in enumerate(sections):
        if number:
            table.add_row()
        table.add_row(f"[name]{title}[/name]")
        for name, minor in parts.items():
            table.add_row(f"  {name}", amount(minor, one.currency))
        table.add_row("  [quiet]together[/quiet]", f"[bold]{amount(total, one.currency)}[/bold]")
    return table
