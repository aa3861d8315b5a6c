"""What differs, held against what is known to differ: opened once, changed, and closed.

A break has one subject for ever, so that the same difference met on another night is the same
break. Each *area* is compared by somebody else and leaves the others' breaks alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.postgres.connection import Connection, row_value
from clearhouse.reconciliation.model import Area
from clearhouse.reconciliation.store import QUERIES


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that differs. Amounts are signed as they moved, None where a side has nothing."""

    subject: str
    cause: str
    day: date
    reference: str
    currency: str
    ours_minor: int | None
    theirs_minor: int | None
    at_stake_minor: int
    detail: str
    psp: str = ""
    order_id: UUID | None = None


class Breaks:
    """Keeps the breaks of a night; all in the caller's transaction."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    async def begin(self, connection: Connection) -> None:
        """Nothing is found yet; what differs is then put into the temporary table ``found``."""
        await connection.execute(QUERIES["make_found"])
        await connection.execute(QUERIES["empty_found"])

    async def find(self, connection: Connection, differences: Sequence[Difference]) -> None:
        """Put differences into ``found``."""
        names = (
            *("subject", "cause", "psp", "day", "order_id", "reference", "currency"),
            *("ours_minor", "theirs_minor", "at_stake_minor", "detail"),
        )
        columns = [[getattr(one, name) for one in differences] for name in names]
        await connection.execute(QUERIES["find_all"], *columns)

    async def compare(
        self, connection: Connection, area: Area, psp: str | None, first: date, last: date
    ) -> tuple[int, int]:
        """Open what is new in ``found`` and close what agrees now, of an area, a PSP (None: all)
        and some days. How many were opened and closed.
        """
        now = self._clock.now()
        closed = await connection.fetch(QUERIES["close_agreed"], psp, first, last, now, area.value)
        count = row_value(await connection.fetchrow(QUERIES["count_found"]), "count")
        ids = [self._ids.at(now) for _ in range(count)]
        opened = await connection.fetch(QUERIES["open_found"], area.value, now, ids)
        return sum(row["version"] == 1 for row in opened), len(closed)
