"""Reads a report into the books of reconciliation: streamed, once, and each line judged at once.

A file is copied into a temporary table and taken from there in one statement, so memory does not
grow with it and an overlap with an earlier file costs nothing but the look. All of a file commits
together: a process that dies meanwhile leaves nothing, and reading it again is the cure.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.postgres.connection import Connection, Pool
from clearhouse.psp.settlements import LineKind, ReportReader, SettlementLine, Trouble, TroubleKind
from clearhouse.reconciliation.files import SourceFile, Tell, close_file, open_file, state_of
from clearhouse.reconciliation.matching import FACT_KINDS, FeePlan, plan_columns
from clearhouse.reconciliation.model import FileRead
from clearhouse.reconciliation.store import QUERIES
from clearhouse.reconciliation.vault import Vault

_PIECE: Final = 1 << 20
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
        tell: Tell = _nobody,
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
            file = await open_file(
                connection, self._ids.new(), psp, name, kept, self._clock.now(), troubles
            )
            if isinstance(file, FileRead):
                return file
            source = _Source(reader(self._vault.read(kept)), file, tell)
            return await self._take(connection, psp, source)

    async def _take(self, connection: Connection, psp: str, source: "_Source") -> FileRead:
        file = source.file
        await connection.execute(QUERIES["make_incoming"])
        await connection.copy_to_table(
            "incoming", source=source.pieces(), columns=_COLUMNS, format="text"
        )
        new = changed = 0
        first: date | None = None
        last: date | None = None
        if file.lines:
            days = await connection.fetchrow(QUERIES["days_of_incoming"])
            assert days is not None
            first, last = days["first"], days["last"]
            await connection.execute(QUERIES["ensure_days"], days["days"])
            new, changed = await self._judge(connection, file.file_id, psp, days)
        read = FileRead(
            file.file_id,
            state_of(file),
            file.lines,
            new,
            changed,
            tuple(file.troubles),
            file.trouble_count,
            first,
            last,
        )
        await close_file(connection, read)
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


class _Source:
    """The lines of one file as text for COPY; counts them, and puts troubles aside."""

    def __init__(
        self,
        content: Iterable[SettlementLine | Trouble],
        file: SourceFile,
        tell: Tell,
    ) -> None:
        self._content = content
        self._tell = tell
        self.file = file

    async def pieces(self) -> AsyncIterator[bytes]:
        """Pieces of some hundred kilobytes, read in a thread so that others can go on."""
        texts = self._texts()
        while (text := await asyncio.to_thread(next, texts, None)) is not None:
            self._tell(self.file.lines)
            yield text

    def _texts(self) -> Iterator[bytes]:
        rows: list[str] = []
        size = 0
        for one in self._content:
            if isinstance(one, Trouble):
                self.file.put_aside(one)
                continue
            text = _row(one)
            if "\0" in text:
                problem = "The line holds a zero byte."
                self.file.put_aside(Trouble(0, TroubleKind.UNREADABLE_LINE, problem))
                continue
            rows.append(text)
            size += len(text)
            if size >= _PIECE:
                self.file.lines += len(rows)
                yield "".join(rows).encode()
                rows, size = [], 0
        if rows:
            self.file.lines += len(rows)
            yield "".join(rows).encode()


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


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
