"""The audit log: what people did by hand, written in the transaction of the deed itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from clearhouse.kernel.errors import Fault, InvalidRequest
from clearhouse.postgres.connection import Connection, Pool
from clearhouse.postgres.queries import load_queries

LONGEST_REASON: Final = 500
_QUERIES: Final = load_queries("clearhouse.access")


@dataclass(frozen=True, slots=True)
class Deed:
    """Who did what to what, when (UTC), and why."""

    entry_id: UUID
    occurred_at: datetime
    actor: str
    action: str
    target: str
    reason: str


def says_why(reason: str) -> bool:
    """Whether a reason says something, and is short enough to be kept whole."""
    return bool(reason.strip()) and len(reason) <= LONGEST_REASON


def check_reason(reason: str) -> None:
    """Raises InvalidRequest for a reason that says nothing, or too much."""
    if not says_why(reason):
        detail = f"must say why, in 1 to {LONGEST_REASON} characters"
        raise InvalidRequest([Fault("/reason", "invalid-value", detail)], f"The reason {detail}.")


async def note_deed(connection: Connection, deed: Deed) -> None:
    """Write a deed down, in the caller's transaction."""
    await connection.execute(
        _QUERIES["note_deed"],
        deed.entry_id,
        deed.occurred_at,
        deed.actor,
        deed.action,
        deed.target,
        deed.reason,
    )


async def deeds_on(pool: Pool, target: str) -> Sequence[Deed]:
    """What was done to one thing, the first deed first."""
    rows = await pool.fetch(_QUERIES["deeds_on"], target)
    return [Deed(*row) for row in rows]
