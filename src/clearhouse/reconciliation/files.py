"""A file while it is read: where it is noted down, and what is wrong with it."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from clearhouse.postgres.connection import Connection
from clearhouse.psp.settlements import Trouble
from clearhouse.reconciliation.model import FileRead, FileState, KeptFile
from clearhouse.reconciliation.store import QUERIES

MOST_TROUBLES: Final = 1_000
"""So many troubles of one file are stored line by line; all are counted."""
Tell = Callable[[int], None]
"""Hears how many lines of a file were read so far."""


def unheard(_lines: int) -> None:
    """Who is told where nobody looks."""


class SourceFile:
    """What is known of a file so far; ``first`` and ``last`` are the days of its lines."""

    def __init__(self, file_id: UUID, troubles: Sequence[Trouble]) -> None:
        self.file_id = file_id
        self.lines = 0
        self.trouble_count = len(troubles)
        self.troubles = list(troubles[:MOST_TROUBLES])
        self.first: date | None = None
        self.last: date | None = None

    def put_aside(self, trouble: Trouble) -> None:
        """Something that was not understood."""
        self.trouble_count += 1
        if len(self.troubles) < MOST_TROUBLES:
            self.troubles.append(trouble)

    def see(self, day: date) -> None:
        """A line of a day."""
        self.lines += 1
        self.first = min(self.first or day, day)
        self.last = max(self.last or day, day)


async def open_file(
    connection: Connection,
    file_id: UUID,
    source: str,
    name: str,
    kept: KeptFile,
    now: datetime,
    troubles: Sequence[Trouble],
) -> SourceFile | FileRead:
    """A new file to be read, or what came of it when the same bytes were read before.

    New troubles of a file that is known are kept. Under the source's lock.
    """
    known = await connection.fetchrow(QUERIES["file_before"], source, kept.sha256)
    if known is None:
        await connection.execute(
            QUERIES["open_file"], file_id, source, name, kept.sha256, kept.size, now
        )
        return SourceFile(file_id, troubles)
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


async def close_file(connection: Connection, read: FileRead) -> None:
    """Note down what came of a file."""
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


def state_of(file: SourceFile) -> FileState:
    """What came of reading it."""
    if not file.trouble_count:
        return FileState.READ
    return FileState.READ_IN_PART if file.lines else FileState.REJECTED
