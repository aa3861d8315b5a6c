"""``clearhouse verify``: does every promise hold, over the whole database?"""

import asyncio
from contextlib import nullcontext
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.markup import escape

from clearhouse.cli.console import err, out
from clearhouse.cli.embedded import reach_database
from clearhouse.cli.errors import OK, VIOLATION
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.postgres.audit import CheckResult
from clearhouse.postgres.connection import open_pool
from clearhouse.proof.verify import Verdict
from clearhouse.proof.verify import verify as verify_books


def verify(
    *,
    json: Annotated[bool, Parameter(help="Print the verdict as JSON.")] = False,
    common: Common = NO_OPTIONS,
) -> int:
    """Check every promise over the whole database, in one snapshot.

    It reads only and disturbs nobody. It ends with 1 if anything is wrong, and names the
    rows. Payments on their way are no violation; how many there are is said.

    **Examples**

    ```shell
    clearhouse verify
    clearhouse verify --json | jq .holds
    ```
    """
    settings = common.load().settings
    with reach_database(settings) as url:
        verdict = asyncio.run(_verify(url, quiet=json))
    if json:
        out.print_json(msgspec.json.encode(as_data(verdict)).decode())
    else:
        conclude(verdict)
    return OK if verdict.holds else VIOLATION


async def _verify(url: str, *, quiet: bool) -> Verdict:
    pool = await open_pool(url, size=1, name="verify", scans=True)
    try:
        if quiet:
            return await verify_books(pool)
        with err.status("Checking...") if err.is_terminal else nullcontext():
            return await verify_books(pool, progress=show)
    finally:
        await pool.close()


def show(result: CheckResult) -> None:
    """One check as a line, and below it the rows that offend."""
    mark = "[bad]✗[/bad]" if result.violations else "[good]✓[/good]"
    out.print(f"{mark} {escape(result.title)}  [quiet]{result.examined:,} checked[/quiet]")
    for offender in result.offenders:
        out.print(f"    [bad]{escape(offender)}[/bad]", soft_wrap=True)
    if result.violations > len(result.offenders):
        out.print(f"    [quiet]and {result.violations - len(result.offenders):,} more[/quiet]")


def conclude(verdict: Verdict) -> None:
    """The verdict in one line, and what is still on its way."""
    left = verdict.unfinished
    if left.total:
        out.print(
            f"[quiet]  On their way: {left.not_started:,} not started, {left.executing:,}"
            f" executing, {left.booking:,} being booked.[/quiet]"
        )
    if verdict.holds:
        out.print("[good]Every promise holds.[/good]")
    else:
        out.print(f"[bad]{verdict.violations:,} violations: the rows are named above.[/bad]")


def as_data(verdict: Verdict) -> dict[str, object]:
    """The verdict for machines."""
    return {
        "holds": verdict.holds,
        "violations": verdict.violations,
        "unfinished": verdict.unfinished,
        "checks": verdict.results,
    }
