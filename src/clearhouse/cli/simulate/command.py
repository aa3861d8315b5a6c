"""``clearhouse simulate``: a marketplace's year in minutes, and whether every cent is there."""

import asyncio
import shutil
import tempfile
from datetime import date
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter, validators

from clearhouse.bootstrap import migrate_all
from clearhouse.cli import funds as funds_command
from clearhouse.cli.console import out, print_data
from clearhouse.cli.errors import OK, VIOLATION
from clearhouse.cli.logs import configure
from clearhouse.cli.servers import interruptible
from clearhouse.cli.simulate.run import Outcome, run
from clearhouse.cli.simulate.screen import as_data, conclude, month_line, months_head
from clearhouse.cli.steps import Steps
from clearhouse.postgres.embedded import EmbeddedPostgres
from clearhouse.settings import LogSettings

_BEGINS: Final = date(2026, 1, 1)
_SEED: Final = 2026
_FAST: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""Nothing of it has to survive a power cut."""


def simulate(
    *,
    days: Annotated[
        int, Parameter(help="How many days.", validator=validators.Number(gte=1, lte=1461))
    ] = 365,
    seed: Annotated[int, Parameter(help="Repeats everything that happens.")] = _SEED,
    json: Annotated[bool, Parameter(help="JSON, for scripts; amounts in minor units.")] = False,
    keep: Annotated[bool, Parameter(help="Keep the data, and say where it is.")] = False,
) -> int:
    """Simulate a year of a marketplace, and account for every cent of it.

    Twelve sellers sell in three currencies through three PSPs and are paid over three rails, by
    schedules and terms that all differ. Buyers get refunds, some of which fail late, and dispute
    charges; PSPs take payments back and charge some twice; banks reject payouts, return them and
    lose answers; two sellers go bankrupt with debt. It is clearhouse itself that does the work, on
    a PostgreSQL of its own; only time, PSPs and banks are played. At the end of each month, every
    book is compared with what the PSPs and banks know, which is summed up apart. It ends with 1
    if a cent is missing.

    **Examples**

    ```shell
    clearhouse simulate
    clearhouse simulate --days 60 --seed 7
    clearhouse simulate --json | jq .faults
    ```
    """
    # What goes wrong on purpose is no news; what is wrong is told at the end of each month.
    configure(LogSettings("error", "console"))
    directory = Path(tempfile.mkdtemp(prefix="clearhouse-simulate-"))
    # PostgreSQL runs as another user where this is root, and must be able to pass.
    directory.chmod(0o755)
    server = EmbeddedPostgres(directory, settings=_FAST)
    try:
        server.start()
        outcome = asyncio.run(
            interruptible(_simulate(server.dsn(), directory, days, seed, quiet=json))
        )
    finally:
        server.stop()
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)
    if json:
        print_data(as_data(outcome))
    else:
        conclude(outcome)
        out.print()
        funds_command.show(outcome.funds)
    if keep and not json:
        out.print(
            f"The data is kept; `clearhouse verify --data {directory}` works on it.", soft_wrap=True
        )
    return VIOLATION if outcome.faults else OK


async def _simulate(url: str, directory: Path, days: int, seed: int, *, quiet: bool) -> Outcome:
    await migrate_all(url)
    if quiet:
        return await run(url, directory, begins=_BEGINS, days=days, seed=seed)
    months_head()
    with Steps() as steps:
        steps.expect(days)
        return await run(
            url,
            directory,
            begins=_BEGINS,
            days=days,
            seed=seed,
            each_day=lambda day: steps.begin(f"{day:%d %B %Y}"),
            each_month=month_line,
        )
