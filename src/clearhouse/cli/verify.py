"""``clearhouse verify``: does every promise hold, over the whole database and at the PSPs?"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape

from clearhouse.bootstrap import open_psps
from clearhouse.cli.console import err, out, print_data
from clearhouse.cli.embedded import reach_database
from clearhouse.cli.errors import OK, VIOLATION
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.postgres.audit import CheckResult
from clearhouse.postgres.connection import open_pool
from clearhouse.proof.psp_books import PspReading, Tell
from clearhouse.proof.verify import Verdict
from clearhouse.proof.verify import verify as verify_books
from clearhouse.settings import Settings


def verify(
    *,
    psp: Annotated[
        bool,
        Parameter(
            negative="--no-psp", help="Read the PSPs' own books too, where credentials are set."
        ),
    ] = True,
    since: Annotated[
        datetime | None,
        Parameter(help="Ask the PSPs about orders accepted since then only, such as 2026-11-01."),
    ] = None,
    json: Annotated[bool, Parameter(help="Print the verdict as JSON.")] = False,
    common: Common = NO_OPTIONS,
) -> int:
    """Check every promise over the whole database, in one snapshot, and at the PSPs.

    It reads only and disturbs nobody. It ends with 1 if anything is wrong, and names the
    rows. Payments on their way are no violation; how many there are is said. A PSP that
    cannot be asked is named, and counts neither for nor against.

    **Examples**

    ```shell
    clearhouse verify
    clearhouse verify --no-psp
    clearhouse verify --since 2026-11-01
    clearhouse verify --json | jq .holds
    ```
    """
    settings = common.load().settings
    if since is not None:
        since = since.replace(tzinfo=UTC) if since.tzinfo is None else since.astimezone(UTC)
    with reach_database(settings) as url:
        verdict = asyncio.run(_verify(settings, url, since, ask=psp, quiet=json))
    if json:
        print_data(as_data(verdict))
    else:
        conclude(verdict)
    return OK if verdict.holds else VIOLATION


async def _verify(
    settings: Settings, url: str, since: datetime | None, *, ask: bool, quiet: bool
) -> Verdict:
    pool = await open_pool(url, size=1, name="verify", scans=True)
    try:
        async with open_psps(settings) if ask else nullcontext() as psps:
            if quiet:
                return await verify_books(pool, psps=psps, since=since)
            with _telling() as tell:
                return await verify_books(pool, psps=psps, since=since, progress=show, tell=tell)
    finally:
        await pool.close()


@contextmanager
def _telling() -> Generator[Tell]:
    """What is being done, on a terminal; elsewhere nothing is said before there is a result."""
    if not err.is_terminal:
        yield lambda _psp, _charges, _until: None
        return
    with err.status("Checking...") as status:

        def tell(psp: str, charges: int, until: datetime) -> None:
            status.update(
                f"Reading the books of {escape(psp)}: {charges:,} charges,"
                f" up to {until:%Y-%m-%d %H:%M}..."
            )

        yield tell


def show(result: CheckResult) -> None:
    """One check as a line, and below it the rows that offend."""
    mark = "[bad]✗[/bad]" if result.violations else "[good]✓[/good]"
    out.print(f"{mark} {escape(result.title)}  [quiet]{result.examined:,} checked[/quiet]")
    for offender in result.offenders:
        out.print(f"    [bad]{escape(offender)}[/bad]", soft_wrap=True)
    if result.violations > len(result.offenders):
        out.print(f"    [quiet]and {result.violations - len(result.offenders):,} more[/quiet]")


def conclude(verdict: Verdict) -> None:
    """What could not be asked, what is still on its way, and the verdict in one line."""
    for reading in verdict.psps:
        if not reading.asked:
            out.print(f"[warn]- {escape(_books_only(reading))}[/warn]", soft_wrap=True)
    left = verdict.unfinished
    if left.total:
        out.print(
            f"[quiet]  On their way: {left.not_started:,} not started, {left.executing:,}"
            f" executing, {left.booking:,} being booked, {left.operations:,} captures, voids and"
            f" refunds, {left.payouts:,} payouts.[/quiet]"
        )
    if verdict.holds:
        out.print(f"[good]Every promise holds{_scope(verdict)}.[/good]")
    else:
        out.print(f"[bad]{verdict.violations:,} violations: the rows are named above.[/bad]")


def as_data(verdict: Verdict) -> dict[str, object]:
    """The verdict for machines."""
    return {
        "holds": verdict.holds,
        "violations": verdict.violations,
        "unfinished": verdict.unfinished,
        "psps": verdict.psps,
        "checks": verdict.results,
    }


def _books_only(reading: PspReading) -> str:
    return f"{reading.psp}: books only ({reading.detail.rstrip('.')})."


def _scope(verdict: Verdict) -> str:
    """What the promise rests on: our books, and those of the PSPs that could be asked."""
    asked = [reading.psp for reading in verdict.psps if reading.asked]
    rest = [reading.psp for reading in verdict.psps if not reading.asked]
    if asked and rest:
        return f", here and at {', '.join(asked)}; for {', '.join(rest)} by our books only"
    if asked:
        return f", here and at {', '.join(asked)}"
    return " by our books; no PSP was asked" if verdict.psps else ""
