"""Partitions ahead of time: what grows is ranged by time through its UUIDv7."""

from clearhouse.postgres.connection import Pool, row_value


async def ensure_partitions(pool: Pool, days_ahead: int) -> int:
    """Make the missing partitions from yesterday to ``days_ahead``; returns how many were new.

    Rows outside any partition go to the table's default partition and lose nothing but the
    ease of being detached.
    """
    row = await pool.fetchrow("select clearhouse.ensure_partitions_ahead($1) as made", days_ahead)
    return int(row_value(row, "made"))
