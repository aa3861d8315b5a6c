"""Reads a report into the books of reconciliation: streamed, once, and each line judged at once.

A file is copied into a temporary table and taken from there in one statement, so memory does not
grow with it and an overlap with an earlier file costs nothing but the look. A large one becomes a
partition. All of a file commits together: a process that dies meanwhile leaves nothing, and reading
it again is the cure.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.days import midnight
from clearhouse.kernel.ids import Ids
from clearhouse.postgres.connection import Connection, Pool, affected
from clearhouse.psp.settlements import BlockReader, Trouble
from clearhouse.reconciliation.copying import LineSource
from clearhouse.reconciliation.files import Tell, close_file, open_file, state_of, unheard
from clearhouse.reconciliation.large import AROUND, LARGE_BYTES, LargeFiles
from clearhouse.reconciliation.matching import FeePlan, plan_columns
from clearhouse.reconciliation.model import FileRead
from clearhouse.reconciliation.scanning import read_whole_tables
from clearhouse.reconciliation.store import QUERIES
from clearhouse.reconciliation.vault import Vault


class Loader:
    """Reads the reports of PSPs; ``plans`` are the fees agreed with them, by PSP and currency.

    Files of at least ``large_bytes`` become partitions, where they can.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        ids: Ids,
        vault: Vault,
        plans: Mapping[str, Mapping[str, FeePlan]],
        *,
        large_bytes: int = LARGE_BYTES,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._vault = vault
        self._plans = plans
        self._large_bytes = large_bytes

    async def load(
        self,
        psp: str,
        name: str,
        content: Iterable[bytes],
        reader: BlockReader,
        *,
        troubles: Sequence[Trouble] = (),
        tell: Tell = unheard,
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
            source = LineSource(reader(self._vault.read(kept)), file, tell)
            is_large = kept.size >= self._large_bytes
            return await self._take(connection, psp, source, is_large=is_large)

    async def _take(
        self, connection: Connection, psp: str, source: LineSource, *, is_large: bool
    ) -> FileRead:
        file = source.file
        await read_whole_tables(connection)
        await connection.execute(QUERIES["make_incoming"])
        is_taken = False
        if is_large:
            plans = self._plans.get(psp, {})
            is_taken = await LargeFiles(connection, psp, plans, self._clock.now()).take(source)
        else:
            await source.copy(connection, "incoming")
        days = source.days
        new, changed = (file.lines, 0) if is_taken else (0, 0)
        if days and not is_taken:
            await connection.execute(QUERIES["ensure_days"], days)
            new, changed = await self._judge(connection, source, psp)
        read = FileRead(
            file.file_id,
            state_of(file),
            file.lines,
            new,
            changed,
            tuple(file.troubles),
            file.trouble_count,
            days[0] if days else None,
            days[-1] if days else None,
        )
        await close_file(connection, read)
        return read

    async def _judge(self, connection: Connection, source: LineSource, psp: str) -> tuple[int, int]:
        days, file_id = source.days, source.file.file_id
        await connection.execute(QUERIES["analyze_incoming"])
        told = await connection.execute(
            QUERIES["take_lines"],
            psp,
            file_id,
            midnight(days[0]) - AROUND,
            midnight(days[-1]) + AROUND,
            *plan_columns(self._plans.get(psp, {})),
        )
        new = affected(told)
        if new == source.file.lines:
            # None of them was there before.
            return new, 0
        corrected = await connection.fetch(
            QUERIES["correct_lines"], psp, file_id, self._clock.now()
        )
        if corrected:
            await connection.execute(QUERIES["forget_unnamed"], psp, days[0], days[-1])
        return new, len(corrected)
