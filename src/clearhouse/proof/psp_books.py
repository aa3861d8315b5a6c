"""The PSPs' own books, read whole and set against ours.

What a PSP tells is streamed, window by window, into a temporary table of one connection, in
no database transaction; the checks then compare set-wise in the snapshot that all others use.
The snapshot is taken after the reading, so every charge that was told has its order here; and
a success that the list does not show yet is asked for by its name before anything is said.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import UnavailableError
from clearhouse.kernel.ids import floor_of
from clearhouse.postgres.audit import Check, check_of
from clearhouse.postgres.connection import Connection
from clearhouse.postgres.queries import load_queries
from clearhouse.psp.contract import PspRecord, Records

_SQL: Final = load_queries("clearhouse.proof", "psp_books.sql")
_TITLES: Final = {
    "once": "No order was charged more than once at the PSPs (I1)",
    "charged": "Every order that succeeded is charged at its PSP, to the cent (I3)",
    "uncharged": "No order that failed or was never started is charged at a PSP (I3)",
    "known": "Every charge at the PSPs belongs to an order of ours",
}

CHECKS: Final[tuple[Check, ...]] = tuple(
    check_of(
        f"psp.{name}",
        title,
        examined=_SQL[f"{name}_examined"],
        offenders=_SQL[f"{name}_offenders"],
    )
    for name, title in _TITLES.items()
)
"""What is checked where a PSP could be asked; needs the tables that ``read_psps`` fills."""

SKEW: Final = timedelta(minutes=10)
"""How far our clock and a PSP's may differ (I11); its list is read that much further."""
_FIRST_WINDOW: Final = timedelta(hours=1)
_SHORTEST: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(days=30)
_FEW, _MANY = 1_000, 5_000
_ROWS: Final = 2_000
_COLUMNS: Final = (
    "psp", "psp_reference", "payment_order_id", "amount_minor", "currency", "is_charged", "status",
)  # fmt: skip
_TRIES: Final = 3
_NAMED_AT_MOST: Final = 1_000

Tell = Callable[[str, int, datetime], None]
"""Hears of the reading: the PSP, its charges so far, and up to which moment (UTC)."""


@dataclass(frozen=True, slots=True)
class PspReading:
    """Whether a PSP's books could be read; ``detail`` says why not, in words for people."""

    psp: str
    asked: bool
    charges: int
    detail: str


async def read_psps(
    connection: Connection,
    clock: Clock,
    psps: Mapping[str, object],
    *,
    since: datetime | None = None,
    tell: Tell = lambda _psp, _charges, _until: None,
) -> list[PspReading]:
    """Read the books of PSPs (adapters by name) into the connection's temporary tables.

    ``since`` (UTC) leaves earlier orders out; None means since the first. A PSP that orders
    name and that is not among ``psps``, or cannot be read, is told as not asked. The
    connection must be in no transaction. Raises UnavailableError for our database only.
    """
    await connection.execute(_SQL["make_tables"])
    floor = floor_of(since) if since else None
    rows = await connection.fetch(_SQL["psps_of_orders"], floor or "0" * 32)
    firsts: dict[str, datetime] = {row["psp"]: row["since"] for row in rows}
    begin = since or min(firsts.values(), default=clock.now())
    # Whole milliseconds, as in the ids by which orders are found.
    begin -= timedelta(microseconds=begin.microsecond % 1000)
    readings: list[PspReading] = []
    for name in sorted({*psps, *firsts}):
        psp = psps.get(name)
        if psp is None:
            readings.append(PspReading(name, False, 0, "not configured here"))
        elif not isinstance(psp, Records):
            readings.append(PspReading(name, False, 0, "its books cannot be read"))
        else:
            readings.append(await _Reader(connection, clock, name, psp, tell).read(begin))
    await connection.execute(_SQL["analyze"])
    return readings


def next_window(length: timedelta, charges: int) -> timedelta:
    """How long the next window should be, after one that held so many charges. Pure."""
    if charges < _FEW:
        return min(length * 2, _LONGEST)
    return max(length / 2, _SHORTEST) if charges > _MANY else length


class _Reader:
    """Reads one PSP's books; what fails for good leaves nothing of it behind."""

    def __init__(
        self, connection: Connection, clock: Clock, name: str, psp: Records, tell: Tell
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._name = name
        self._psp = psp
        self._tell = tell
        self._charges = 0

    async def read(self, begin: datetime) -> PspReading:
        try:
            await self._walk(begin - SKEW)
            await self._connection.execute(_SQL["note_asked"], self._name, begin)
            await self._ask_by_name(begin)
        except UnavailableError as error:
            await self._connection.execute(_SQL["forget"], self._name)
            await self._connection.execute(_SQL["unasked"], self._name)
            return PspReading(self._name, False, 0, f"could not be asked: {error.message}")
        return PspReading(self._name, True, self._charges, "asked now")

    async def _walk(self, start: datetime) -> None:
        length = _FIRST_WINDOW
        end = self._clock.now() + SKEW
        while start < end:
            until = min(start + length, end)
            told = await self._window(start, until)
            self._charges += told
            self._tell(self._name, self._charges, until)
            start, length = until, next_window(length, told)

    async def _window(self, start: datetime, until: datetime) -> int:
        """Read one window, again when the PSP fails: what was read twice is kept once."""
        for attempt in range(1, _TRIES + 1):
            try:
                return await self._keep(self._psp.records(start, until))
            except UnavailableError:
                if attempt == _TRIES:
                    raise
                await self._clock.sleep(0.25 * 2**attempt)
        raise AssertionError("unreachable")

    async def _keep(self, records: AsyncIterator[PspRecord]) -> int:
        count, rows = 0, list[tuple[object, ...]]()
        async for record in records:
            rows.append(_row(self._name, record))
            count += 1
            if len(rows) == _ROWS:
                await self._copy(rows)
                rows.clear()
        await self._copy(rows)
        return count

    async def _copy(self, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return
        await self._connection.execute(_SQL["empty_batch"])
        await self._connection.copy_records_to_table("told_batch", records=rows, columns=_COLUMNS)
        await self._connection.execute(_SQL["take_batch"])

    async def _ask_by_name(self, begin: datetime) -> None:
        rows = await self._connection.fetch(
            _SQL["not_seen_charged"], self._name, floor_of(begin), _NAMED_AT_MOST
        )
        found: list[tuple[object, ...]] = []
        for row in rows:
            record = await self._psp.record(row["psp_reference"])
            if record is not None:
                found.append(_row(self._name, record))
        await self._copy(found)


def _row(name: str, record: PspRecord) -> tuple[object, ...]:
    money = record.amount
    return (
        name,
        record.psp_reference,
        record.payment_order_id,
        money.minor,
        money.currency,
        record.is_charged,
        record.status,
    )
