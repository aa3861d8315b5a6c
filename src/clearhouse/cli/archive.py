"""``clearhouse archive``: put old payments away, while new ones come in."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

import asyncpg
from cyclopts import Parameter, validators
from rich.markup import escape

from clearhouse.bootstrap import Role, consumers, open_runtime
from clearhouse.cli.console import out, print_data
from clearhouse.cli.embedded import reach_database
from clearhouse.cli.errors import OK, VIOLATION
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.kernel.ids import floor_of
from clearhouse.upkeep.archive import Dropped, RangeOutcome, archive_before, drop_exported

DAYS: Final = 550
"""Longer than any card scheme lets a buyer wait with a dispute (540 days)."""


def archive(
    *,
    older_than: Annotated[
        int,
        Parameter(
            help="The age in days from which on payments go.", validator=validators.Number(gte=1)
        ),
    ] = DAYS,
    to: Annotated[
        Path | None,
        Parameter(help="Archive into this directory; without it, only say what would go."),
    ] = None,
    drop: Annotated[
        bool, Parameter(help="Drop detached tables once their files in --to were read back.")
    ] = False,
    json: Annotated[bool, Parameter(help="Print what became of each range as JSON.")] = False,
    common: Common = NO_OPTIONS,
) -> int:
    """List old partitions that can go, and with `--to` put them away while payments go on.

    A week goes when all in it is final, in every service, and every older week has gone. Its
    tables are exported, detached together, and kept in schemas `archive_*` unless `--drop` is
    given. The database URL must be that of the tables' owner, as for `clearhouse migrate`.
    It ends with 1 if a week that is old enough has to stay.

    **Examples**

    ```shell
    clearhouse archive
    clearhouse archive --older-than 730 --to /srv/archive
    clearhouse archive --to /srv/archive --drop
    ```
    """
    if drop and to is None:
        raise ConfigurationError(
            "--drop needs --to.", hint="Name the directory in which the exported files lie."
        )
    settings = common.load().settings
    with reach_database(settings) as url:
        outcomes, dropped = asyncio.run(_archive(url, older_than, to, drop=drop, quiet=json))
    if json:
        data = {"ranges": [as_data(one) for one in outcomes], "dropped": dropped}
        print_data(data)
    else:
        _conclude(outcomes, dropped, older_than, to)
    stays = any(one.stays for one in outcomes) or any(one.reason for one in dropped)
    return VIOLATION if stays else OK


async def _archive(
    url: str, older_than: int, to: Path | None, *, drop: bool, quiet: bool
) -> tuple[list[RangeOutcome], list[Dropped]]:
    async with open_runtime(url, size=1, name="archive") as runtime:
        before = floor_of(runtime.clock.now() - timedelta(days=older_than))
        readers = [consumer.subscription for consumer in consumers(runtime, Role)]
        owner = await asyncpg.connect(
            url, server_settings={"application_name": "clearhouse archive"}
        )
        try:
            outcomes = await archive_before(
                owner,
                runtime.clock,
                before,
                readers,
                to,
                progress=(lambda _: None) if quiet else show,
            )
            return outcomes, await drop_exported(owner, to) if drop and to else []
        except asyncpg.InsufficientPrivilegeError as error:
            raise ConfigurationError(
                f"PostgreSQL refused to archive: {error}.",
                hint="Use the URL of the tables' owner, as for `clearhouse migrate`.",
            ) from error
        finally:
            await owner.close()


def show(outcome: RangeOutcome) -> None:
    """One range as a line, and below it why it stays."""
    if outcome.stays:
        mark, what = "[warn]-[/warn]", "stays"
    elif outcome.exported is None:
        mark, what = "[good]✓[/good]", "can go"
    else:
        mark, what = "[good]✓[/good]", f"archived, tables locked for {outcome.locked_seconds:.2f} s"
    one = outcome.range
    out.print(
        f"{mark} {one.starts_at:%Y-%m-%d} to {one.ends_at:%Y-%m-%d}"
        f"  {outcome.rows:,} rows, {outcome.bytes / 1_000_000:,.1f} MB: {what}"
    )
    for reason in outcome.reasons:
        out.print(f"    [quiet]{escape(reason)}[/quiet]", soft_wrap=True)


def as_data(outcome: RangeOutcome) -> dict[str, object]:
    """A range for machines."""
    return {
        "starts_at": outcome.range.starts_at,
        "ends_at": outcome.range.ends_at,
        "rows": outcome.rows,
        "bytes": outcome.bytes,
        "stays": outcome.reasons,
        "locked_seconds": outcome.locked_seconds,
        "files": [
            {"file": file.file, "rows": file.rows, "sha256": file.sha256}
            for file in outcome.exported or ()
        ],
    }


def _conclude(
    outcomes: list[RangeOutcome], dropped: list[Dropped], older_than: int, to: Path | None
) -> None:
    for one in dropped:
        word = f"kept: {one.reason}" if one.reason else "dropped"
        out.print(f"  {escape(one.table)} [quiet]{escape(word)}[/quiet]", soft_wrap=True)
    if not outcomes:
        out.print(f"Nothing is older than {older_than:,} days.")
    elif to is None:
        out.print("[quiet]Nothing was changed; --to DIRECTORY archives what can go.[/quiet]")
