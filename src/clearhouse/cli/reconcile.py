"""``clearhouse reconcile``: our books beside the PSPs' reports and the bank's statements."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from clearhouse.bootstrap import Runtime, collector_of, office_of, open_psps, open_runtime
from clearhouse.cli.console import print_data
from clearhouse.cli.embedded import reach_database
from clearhouse.cli.errors import OK, VIOLATION
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.cli.reconciled import Reconciled, as_data, is_clean, show
from clearhouse.cli.steps import Steps
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp.settlements import Settlements
from clearhouse.reconciliation.office import Office
from clearhouse.reconciliation.statements import BANK
from clearhouse.settings import Settings

_DAY: Final = timedelta(days=1)


def reconcile(
    *files: Path,
    date: Annotated[
        datetime | None, Parameter(help="The UTC day to fetch and compare; unset: yesterday.")
    ] = None,
    psp: Annotated[str | None, Parameter(help="One PSP only.")] = None,
    fetch: Annotated[
        bool, Parameter(negative="--no-fetch", help="Fetch the day's reports from the PSPs first.")
    ] = True,
    json: Annotated[bool, Parameter(help="Print what was found as JSON.")] = False,
    common: Common = NO_OPTIONS,
) -> int:
    """Compare our books with the PSPs' reports and the bank's statements; keep what differs.

    With files, these are read, and the days that they speak of are compared. Without, the
    reports of a day are fetched from the PSPs. What PSPs paid out is held against the bank.
    Files are kept as they came; the same file twice, or one that overlaps another, changes
    nothing. It ends with 1 while anything differs that time alone will not mend, or a file was
    not understood whole.

    **Examples**

    ```shell
    clearhouse reconcile
    clearhouse reconcile --date 2026-11-21 --psp stripe
    clearhouse reconcile balance_change_*.csv statement.xml
    clearhouse reconcile --no-fetch --json | jq '.breaks[].cause'
    ```
    """
    if files and (date or psp):
        raise ConfigurationError(
            "Give files, or --date and --psp, but not both.",
            hint="A file says itself whose it is and which days it speaks of.",
        )
    settings = common.load().settings
    if psp is not None and psp not in settings.psps:
        raise ConfigurationError(
            f"{psp} is not an enabled PSP.",
            hint=f"Enabled are: {', '.join(settings.psps) or 'none'}.",
        )
    chosen = [psp] if psp is not None else list(settings.psps)
    if not files and not chosen:
        raise ConfigurationError(
            "There is nothing to compare: no PSP is configured, and no file was given.",
            hint="Set a PSP's credentials, or name files.",
        )
    day = date.date() if date is not None else None
    with reach_database(settings) as url:
        run = _Run(settings, chosen, fetch=fetch)
        asyncio.run(run.go(url, files, day))
    if json:
        print_data(as_data(run.found))
    else:
        show(run.found)
    return OK if is_clean(run.found) else VIOLATION


class _Run:
    """One call of the command, and what came of it."""

    def __init__(self, settings: Settings, psps: Sequence[str], *, fetch: bool) -> None:
        self._settings = settings
        self._psps = psps
        self._fetch = fetch
        self.found = Reconciled()

    async def go(self, url: str, files: Sequence[Path], day: date | None) -> None:
        async with open_runtime(url, size=2, name="reconcile") as runtime:
            with Steps() as steps:
                if files:
                    await self._read(runtime, files, steps)
                else:
                    chosen = day or runtime.clock.now().date() - _DAY
                    await self._fetched(runtime, chosen, steps)

    async def _read(self, runtime: Runtime, files: Sequence[Path], steps: Steps) -> None:
        collector, office = (
            collector_of(runtime, self._settings),
            office_of(runtime, self._settings),
        )
        spans: dict[str, tuple[date, date]] = {}
        steps.expect(len(files) + 1)
        for file in files:
            steps.begin(f"Reading {file.name}")
            one = await collector.read(file, steps.lines)
            self.found.collected.append(one)
            if one.source != BANK and one.read.first is not None and one.read.last is not None:
                first, last = spans.get(one.source, (one.read.first, one.read.last))
                spans[one.source] = (min(first, one.read.first), max(last, one.read.last))
        for psp, (first, last) in spans.items():
            steps.expect((last - first).days + 1)
            day = first
            while day <= last:
                steps.begin(f"Comparing {psp}, {day}")
                self.found.nights.append(await office.day(psp, day))
                day += _DAY
        await self._bank(office, steps)

    async def _bank(self, office: Office, steps: Steps) -> None:
        steps.begin("Comparing payouts with the bank")
        self.found.bank = await office.bank()

    async def _fetched(self, runtime: Runtime, day: date, steps: Steps) -> None:
        collector, office = (
            collector_of(runtime, self._settings),
            office_of(runtime, self._settings),
        )
        steps.expect(len(self._psps) + 1)
        if self._fetch:
            steps.expect(len(self._psps))
            async with open_psps(self._settings) as adapters:
                for psp in self._psps:
                    steps.begin(f"Fetching the reports of {psp}, {day}")
                    adapter = adapters[psp]
                    if isinstance(adapter, Settlements):
                        self.found.collected += await collector.fetch(
                            psp, adapter, day, steps.lines
                        )
        for psp in self._psps:
            steps.begin(f"Comparing {psp}, {day}")
            self.found.nights.append(await office.day(psp, day))
        await self._bank(office, steps)
