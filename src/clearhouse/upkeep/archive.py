"""``clearhouse archive``: put away what is closed, oldest first, and keep every promise checkable.

A range of time goes in three steps. Its partitions are *sealed*, so that nothing can be written
to them any more. Then, at leisure and in no transaction that anybody waits for, they are looked
at once more, exported to files and summed up. Last, in one brief transaction, the sums are
stored and the partitions of all services detached: an audit sees the rows or their sums, never
both or neither. Killed in between, the next run seals what is sealed and begins again.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, cast
from uuid import UUID

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import UnavailableError
from clearhouse.messaging.consumer import Subscription
from clearhouse.postgres.archive import Exported, Range, detach, find_ranges, seal, unseal
from clearhouse.postgres.connection import Connection
from clearhouse.postgres.queries import load_queries
from clearhouse.upkeep.closed import open_reasons
from clearhouse.upkeep.export import export_range, hash_of

_SQL: Final = load_queries("clearhouse.upkeep", "archive.sql")
_SUMS: Final = (("ledger", "archived_postings"), ("wallets", "archived_movements"))
"""Where a service keeps the sums of what leaves, as its function ``runs_of`` tells them."""
_IN_MEMORY: Final = 16 * 1024 * 1024
_TRIES: Final = 20
_BEHIND: Final = "an older range stays, and only what is older than everything kept may go"
_STILL_SEALED: Final = "it cannot be written to until the next run, which will find its tables free"


@dataclass(frozen=True, slots=True)
class RangeOutcome:
    """What became of a range: archived, could be (``exported`` is None), or why it stays.

    ``locked_seconds`` is for how long others may have waited for its tables.
    """

    range: Range
    rows: int
    bytes: int
    reasons: tuple[str, ...] = ()
    exported: tuple[Exported, ...] | None = None
    locked_seconds: float | None = None

    @property
    def stays(self) -> bool:
        """True when something in it, or before it, is still open, or it could not be had."""
        return bool(self.reasons)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A detached table that is gone, or (``reason``) why it is kept."""

    table: str
    reason: str = ""


async def archive_before(
    connection: Connection,
    clock: Clock,
    before: UUID,
    subscriptions: Sequence[Subscription],
    directory: Path | None,
    *,
    tries: int = _TRIES,
    progress: Callable[[RangeOutcome], None] = lambda _: None,
) -> list[RangeOutcome]:
    """Archive the closed ranges that end at or before ``before`` (a UUIDv7 bound), oldest first.

    Without a ``directory`` nothing is changed: a dry run. ``connection`` must be the owner's,
    and in no transaction. The first range that must stay keeps all younger ones, so that one
    bound, the horizon, tells what is archived. Safe to repeat, and to interrupt.
    """
    outcomes: list[RangeOutcome] = []
    for one in await find_ranges(connection, before):
        names = [partition.sql for partition in one.partitions]
        size = int(await connection.fetchval(_SQL["size"], names))
        rows = await _count(connection, one)
        if any(outcome.stays for outcome in outcomes):
            outcome = RangeOutcome(one, rows, size, (_BEHIND,))
        elif reasons := await open_reasons(connection, one, subscriptions):
            outcome = RangeOutcome(one, rows, size, reasons)
        elif directory is None:
            outcome = RangeOutcome(one, rows, size)
        else:
            outcome = await _archive(connection, clock, one, size, subscriptions, directory, tries)
        outcomes.append(outcome)
        progress(outcome)
    return outcomes


async def drop_exported(connection: Connection, directory: Path) -> list[Dropped]:
    """Drop detached tables whose files lie in ``directory`` as they were written, one by one."""
    dropped: list[Dropped] = []
    for row in await connection.fetch(_SQL["not_dropped"]):
        path = directory / row["file"]
        table = f"archive_{row['service']}.{row['name']}"
        try:
            digest = hash_of(path)
        except OSError as error:
            dropped.append(Dropped(table, f"{path} cannot be read: {error.strerror or error}"))
            continue
        if digest != row["sha256"]:
            dropped.append(Dropped(table, f"{path} is not what was exported"))
            continue
        async with connection.transaction():
            await connection.execute(
                f'drop table if exists "archive_{row["service"]}"."{row["name"]}"'
            )
            await connection.execute(_SQL["note_dropped"], row["service"], row["name"])
        dropped.append(Dropped(table))
    return dropped


async def _archive(
    connection: Connection,
    clock: Clock,
    one: Range,
    size: int,
    subscriptions: Sequence[Subscription],
    directory: Path,
    tries: int,
) -> RangeOutcome:
    try:
        await seal(connection, clock, one, tries=tries)
        if reasons := await open_reasons(connection, one, subscriptions):
            outcome = await _kept(connection, one, size, *reasons)
        else:
            outcome = await _put_away(connection, clock, one, size, directory, tries)
    except UnavailableError as error:
        outcome = await _kept(connection, one, size, error.message.rstrip("."))
    except BaseException:
        if not connection.is_closed():
            with suppress(UnavailableError):
                await unseal(connection, clock, one, tries=tries)
        raise
    if outcome.stays:
        try:
            await unseal(connection, clock, one, tries=tries)
        except UnavailableError:
            return replace(outcome, reasons=(*outcome.reasons, _STILL_SEALED))
    return outcome


async def _put_away(
    connection: Connection, clock: Clock, one: Range, size: int, directory: Path, tries: int
) -> RangeOutcome:
    exported = await export_range(connection, one, directory)
    with _spool() as postings, _spool() as movements:
        spools = dict(zip(_SUMS, (postings, movements), strict=True))
        await _sum_up(connection, one, spools)

        async def keep() -> None:
            for (schema, table), spool in spools.items():
                spool.seek(0)
                await connection.copy_to_table(
                    table, schema_name=schema, source=spool, format="binary"
                )

        seconds = await detach(connection, clock, one, exported, keep, tries=tries)
    rows = sum(file.rows for file in exported)
    return RangeOutcome(one, rows, size, (), tuple(exported), seconds)


async def _kept(connection: Connection, one: Range, size: int, *reasons: str) -> RangeOutcome:
    return RangeOutcome(one, await _count(connection, one), size, reasons)


async def _sum_up(
    connection: Connection, one: Range, spools: Mapping[tuple[str, str], BinaryIO]
) -> None:
    for (schema, _), spool in spools.items():
        await connection.copy_from_query(
            f"select * from {schema}.runs_of($1, $2)",  # noqa: S608 - fixed above
            one.lower,
            one.upper,
            output=spool,
            format="binary",
        )


async def _count(connection: Connection, one: Range) -> int:
    counts = [
        int(await connection.fetchval(f"select count(*) from {partition.sql}"))  # noqa: S608 - a name from the catalogue
        for partition in one.partitions
    ]
    return sum(counts)


def _spool() -> BinaryIO:
    """Sums wait outside the database: a transaction that writes for long holds up consumers."""
    return cast("BinaryIO", SpooledTemporaryFile(max_size=_IN_MEMORY))
