"""A large file of one day becomes a partition of its own: copied once, judged where it lies.

Each line is written as what nearly all are: matched by its reference. One join over all facts then
finds those that are not, and changes them; indexes are built at once when the rest is done. Nobody
sees any of it before all of it commits. Where that cannot be (several days in one file, a day that
has lines already, a key that is in it twice), its lines are read as those of any other file.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import asyncpg

from clearhouse.kernel.days import midnight
from clearhouse.postgres.connection import Connection
from clearhouse.reconciliation.copying import LineSource
from clearhouse.reconciliation.matching import FeePlan, plan_columns
from clearhouse.reconciliation.store import QUERIES

LARGE_BYTES: Final = 1 << 20
"""From this size on a file is worth a partition."""
AROUND: Final = timedelta(days=8)
"""A PSP may book a charge on another day than we do, or settle it a week later."""


async def take_large(
    connection: Connection, psp: str, source: LineSource, plans: Mapping[str, FeePlan]
) -> bool:
    """Read a file into a partition of its own; False when its lines are in ``incoming`` instead."""
    file_id = source.file.file_id
    table = f"lines_{file_id.hex}"
    await connection.execute(QUERIES["open_large"], file_id, psp)
    await source.copy(connection, table, is_new=True)
    days = source.days
    if len(days) == 1 and await _attach(connection, psp, source, table, plans):
        return True
    await connection.execute(QUERIES["read_large"].replace("{large}", table))
    await connection.execute(QUERIES["drop_large"], file_id)
    return False


async def _attach(
    connection: Connection,
    psp: str,
    source: LineSource,
    table: str,
    plans: Mapping[str, FeePlan],
) -> bool:
    file_id, [day] = source.file.file_id, source.days
    await connection.execute(QUERIES["ensure_days"], [day])
    if not await connection.fetchval(QUERIES["day_is_free"], psp, day):
        return False
    try:
        async with connection.transaction():
            await connection.execute(QUERIES["analyze_large"], file_id)
            await connection.execute(
                QUERIES["judge_large"].replace("{large}", table),
                psp,
                midnight(day) - AROUND,
                midnight(day) + AROUND,
                *plan_columns(plans),
            )
            await connection.execute(QUERIES["mark_large"].replace("{large}", table))
            await connection.execute(QUERIES["attach_large"], file_id, psp, day)
    except asyncpg.UniqueViolationError:
        return False
    return True
