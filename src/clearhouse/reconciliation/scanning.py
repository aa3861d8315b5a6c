"""Statements that read a whole day: what no service may otherwise, with the memory for it."""

from typing import Final

from clearhouse.postgres.connection import Connection

_ALLOWED: Final = (
    "enable_seqscan = on",
    # Not merge joins: they would sort what a hash join takes as it comes.
    "enable_hashjoin = on",
    "work_mem = '128MB'",
    # How much differs is always thought to be far more than it is, and then one process does alone
    # what two would do in half the time.
    "parallel_tuple_cost = 0",
)


async def read_whole_tables(connection: Connection) -> None:
    """Allow it for the rest of a database transaction."""
    for setting in _ALLOWED:
        await connection.execute(f"set local {setting}")
