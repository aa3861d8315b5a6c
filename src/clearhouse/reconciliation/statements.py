"""Reads bank statements into the books of reconciliation: kept as they came, each line once."""

import asyncio
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final
from uuid import UUID

import asyncpg

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.postgres.connection import Connection, Pool
from clearhouse.psp.banks.statements import Balance, BankLine, Said, StatementReader
from clearhouse.psp.settlements import Trouble, TroubleKind
from clearhouse.reconciliation.files import SourceFile, Tell, close_file, open_file, state_of
from clearhouse.reconciliation.model import FileRead
from clearhouse.reconciliation.store import QUERIES
from clearhouse.reconciliation.vault import Vault

BANK: Final = "bank"
"""The source of all statements, whichever bank's; their lines name the account."""
_BATCH: Final = 5_000


class Statements:
    """Reads bank statements."""

    def __init__(self, pool: Pool, clock: Clock, ids: Ids, vault: Vault) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._vault = vault

    async def load(
        self, name: str, content: Iterable[bytes], reader: StatementReader, tell: Tell
    ) -> FileRead:
        """Read one statement; the same bytes a second time change nothing.

        A line whose key is known and that says something else is told as a trouble, and what was
        read first stays: a bank does not correct, it books again. Raises UnavailableError.
        """
        kept = await asyncio.to_thread(self._vault.keep, content)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(QUERIES["lock_psp"], BANK)
            file = await open_file(
                connection, self._ids.new(), BANK, name, kept, self._clock.now(), ()
            )
            if isinstance(file, FileRead):
                return file
            said = reader(self._vault.read(kept))
            new = 0
            while batch := await asyncio.to_thread(_some, said):
                new += await self._take(connection, file, batch)
                tell(file.lines)
            read = FileRead(
                file.file_id,
                state_of(file),
                file.lines,
                new,
                0,
                tuple(file.troubles),
                file.trouble_count,
                file.first,
                file.last,
            )
            await close_file(connection, read)
            return read

    async def _take(self, connection: Connection, file: SourceFile, batch: list[Said]) -> int:
        lines: list[BankLine] = []
        for one in batch:
            if isinstance(one, Trouble):
                file.put_aside(one)
            elif isinstance(one, Balance):
                await _keep_balance(connection, file.file_id, one)
            else:
                lines.append(one)
                file.see(one.booked_on)
        if not lines:
            return 0
        rows = await connection.fetch(QUERIES["take_bank_lines"], file.file_id, *_columns(lines))
        for row in rows:
            if row["differs"]:
                file.put_aside(_differs(row))
        return sum(row["is_new"] for row in rows)


def _some(said: Iterator[Said]) -> list[Said]:
    return list(islice(said, _BATCH))


def _columns(lines: list[BankLine]) -> list[list[object]]:
    fields = (
        *("account", "key", "booked_on", "value_on", "currency", "amount_minor", "reference"),
        *("text", "counterparty", "returned"),
    )
    return [[_clean(getattr(line, field)) for line in lines] for field in fields]


def _clean(value: object) -> object:
    return value.replace("\0", "") if isinstance(value, str) else value


def _differs(row: asyncpg.Record) -> Trouble:
    text = (
        f"The line {row['line_key']} of {row['booked_on']} says something else than in an earlier"
        " statement; what was read first stays."
    )
    return Trouble(0, TroubleKind.UNREADABLE_LINE, text)


async def _keep_balance(connection: Connection, file_id: UUID, balance: Balance) -> None:
    if balance.closing_minor is not None:
        await connection.execute(
            QUERIES["keep_balance"],
            balance.account,
            balance.currency,
            balance.day,
            balance.closing_minor,
            file_id,
        )
