"""Reads a report into the books of reconciliation: streamed, once, and each line judged at once.

A file is copied into a temporary table and taken from there in one statement, so memory does not
grow with it and an overlap with an earlier file costs nothing but the look. All of a file commits
together: a process that dies meanwhile leaves nothing, and reading it again is the cure.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.postgres.connection import Connection, Pool
from clearhouse.psp.settlements import LineKind, ReportReader, SettlementLine, Trouble, TroubleKind
from clearhouse.reconciliation.matching import FACT_KINDS, FeePlan, plan_columns
from clearhouse.reconciliation.model import FileRead, FileState
from clearhouse.reconciliation.store import QUERIES
from clearhouse.reconciliation.vault import Vault

MOST_TROUBLES: Final = 1_000
"""So many troubles of one file are stored line by line; all are counted."""
_PIECE: Final = 1 << 17
_AROUND: Final = timedelta(days=8)
_COLUMNS: Final = (
    *("line_key", "kind", "fact_kind", "reference", "charge_reference", "order_hint", "currency"),
    *("gross_minor", "fee_minor", "occurred_at", "settlement", "card_tail"),
)
_KINDS: Final = {kind: f"{kind.value}\t{FACT_KINDS.get(kind, '')}" for kind in LineKind}
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_TABS: Final = len(_COLUMNS) - 1


def _nobody(_lines: int) -> None:
    """Whom nothing need be told."""


class Loader:
    """Reads the reports of PSPs; ``plans`` are the fees agreed with them, by PSP and currency."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        ids: Ids,
        vault: Vault,
        plans: Mapping[str, Mapping[str, FeePlan]],
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._vault = vault
        self._plans = plans

    async def load(
        self,
        psp: str,
        name: str,
        content: Iterable[bytes],
        reader: ReportReader,
        *,
        troubles: Sequence[Trouble] = (),
        tell: Callable[[int], None] = _nobody,
    ) -> FileRead:
        """Read one report of a PSP; the same bytes a second time change nothing.

        ``name`` is for people, ``troubles`` is what its PSP says against it elsewhere, and
        ``tell`` hears how many lines were read so far. Raises UnavailableError when the vault
        cannot be written.
        """
        kept = await asyncio.to_thread(self._vault.keep, content)
        async with self._pool.acquire() as connection, connection.transaction():
            # One reader of a PSP's files at a time, so that two that overlap add up.
            await connection.execute(QUERIES["lock_psp"], psp)
            known = await connection.fetchrow(QUERIES["file_before"], psp, kept.sha256)
            if known is not None:
                return await self._know(connection, known, troubles)
            file_id = self._ids.new()
            now = self._clock.now()
            await connection.execute(
                QUERIES["open_file"], file_id, psp, name, kept.sha256, kept.size, now
            )
            source = _Source(reader(self._vault.read(kept)), troubles, tell)
            return await self._take(connection, file_id, psp, source)

    async def _know(
        self, connection: Connection, known: asyncpg.Record, troubles: Sequence[Trouble]
    ) -> FileRead:
        if troubles:
            await connection.execute(
                QUERIES["add_troubles"],
                known["file_id"],
                [trouble.line for trouble in troubles],
                [trouble.kind.value for trouble in troubles],
                [trouble.text for trouble in troubles],
            )
        return FileRead(
            known["file_id"],
            FileState.KNOWN,
            known["line_count"],
            0,
            0,
            tuple(troubles),
            len(troubles),
            known["first_day"],
            known["last_day"],
        )

    async def _take(
        self, connection: Connection, file_id: UUID, psp: str, source: "_Source"
    ) -> FileRead:
        await connection.execute(QUERIES["make_incoming"])
        await connection.copy_to_table(
            "incoming", source=source.pieces(), columns=_COLUMNS, format="text"
        )
        new = changed = 0
        first: date | None = None
        last: date | None = None
        if source.lines:
            days = await connection.fetchrow(QUERIES["days_of_incoming"])
            assert days is not None
            first, last = days["first"], days["last"]
            await connection.execute(QUERIES["ensure_days"], days["days"])
            new, changed = await self._judge(connection, file_id, psp, days)
        state = _state(source)
        read = FileRead(
            file_id,
            state,
            source.lines,
            new,
            changed,
            tuple(source.troubles),
            source.trouble_count,
            first,
            last,
        )
        await self._close(connection, read)
        return read

    async def _judge(
        self, connection: Connection, file_id: UUID, psp: str, days: asyncpg.Record
    ) -> tuple[int, int]:
        await connection.execute(QUERIES["analyze_incoming"])
        for setting in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin"):
            await connection.execute(f"set local {setting} = on")
        told = await connection.execute(
            QUERIES["take_lines"],
            psp,
            file_id,
            _midnight(days["first"]) - _AROUND,
            _midnight(days["last"]) + _AROUND,
            *plan_columns(self._plans.get(psp, {})),
        )
        new = int(told.rsplit(" ", 1)[1])
        corrected = await connection.fetch(
            QUERIES["correct_lines"], psp, file_id, self._clock.now()
        )
        return new, len(corrected)

    async def _close(self, connection: Connection, read: FileRead) -> None:
        if read.troubles:
            await connection.execute(
                QUERIES["store_troubles"],
                read.file_id,
                list(range(1, len(read.troubles) + 1)),
                [trouble.line for trouble in read.troubles],
                [trouble.kind.value for trouble in read.troubles],
                [trouble.text for trouble in read.troubles],
            )
        await connection.execute(
            QUERIES["close_file"],
            read.file_id,
            read.state.value,
            read.lines,
            read.new,
            read.changed,
            read.trouble_count,
            read.first,
            read.last,
        )


class _Source:
    """The lines of one file as text for COPY; counts them, and puts troubles aside."""

    def __init__(
        self,
        content: Iterable[SettlementLine | Trouble],
        troubles: Sequence[Trouble],
        tell: Callable[[int], None],
    ) -> None:
        self._content = content
        self._tell = tell
        self.lines = 0
        self.trouble_count = len(troubles)
        self.troubles = list(troubles[:MOST_TROUBLES])

    async def pieces(self) -> AsyncIterator[bytes]:
        """Pieces of some hundred kilobytes, read in a thread so that others can go on."""
        texts = self._texts()
        while (text := await asyncio.to_thread(next, texts, None)) is not None:
            self._tell(self.lines)
            yield text

    def _texts(self) -> Iterator[bytes]:
        rows: list[str] = []
        size = 0
        for one in self._content:
            if isinstance(one, Trouble):
                self._put_aside(one)
                continue
            text = _row(one)
            if "\0" in text:
                problem = "The line holds a zero byte."
                self._put_aside(Trouble(0, TroubleKind.UNREADABLE_LINE, problem))
                continue
            rows.append(text)
            size += len(text)
            if size >= _PIECE:
                self.lines += len(rows)
                yield "".join(rows).encode()
                rows, size = [], 0
        if rows:
            self.lines += len(rows)
            yield "".join(rows).encode()

    def _put_aside(self, trouble: Trouble) -> None:
        self.trouble_count += 1
        if len(self.troubles) < MOST_TROUBLES:
            self.troubles.append(trouble)


def _row(line: SettlementLine) -> str:
    (key, kind, reference, charge, hint, currency, gross, fee, at, settlement, tail) = line
    text = (
        f"{key}\t{_KINDS[kind]}\t{reference}\t{charge}\t{hint}\t{currency}\t{gross}\t{fee}"
        f"\t{at}\t{settlement}\t{tail}\n"
    )
    if (
        "\\" in text
        or text.count("\t") != _TABS
        or text.find("\n") != len(text) - 1
        or "\r" in text
    ):
        fields = (key, *_KINDS[kind].split("\t"), reference, charge, hint, currency)
        escaped = [
            field.translate(_ESCAPES)
            for field in (*fields, str(gross), str(fee), at, settlement, tail)
        ]
        return "\t".join(escaped) + "\n"
    return text


def _state(source: _Source) -> FileState:
    if not source.trouble_count:
        return FileState.READ
    return FileState.READ_IN_PART if source.lines else FileState.REJECTED


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
