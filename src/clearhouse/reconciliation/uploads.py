"""Files that are handed in over the API: read at once, and their days compared soon after.

What comes is written down piece by piece, so memory does not grow with it; from there it goes the
way of every file. Handed in again, the same bytes are known.
"""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from clearhouse.kernel.errors import ConfigurationError, FileNotUnderstood, UnavailableError
from clearhouse.kernel.ids import Ids, floor_of, moment_of
from clearhouse.postgres.connection import Pool
from clearhouse.reconciliation.collecting import Collector
from clearhouse.reconciliation.diary import Diary
from clearhouse.reconciliation.files import unheard
from clearhouse.reconciliation.model import Collected, FileState
from clearhouse.reconciliation.store import QUERIES

_PIECE: Final = 1 << 20
_STRANGE: Final = re.compile(r"[^A-Za-z0-9._ -]")
_LONGEST_NAME: Final = 120
_LONGEST_UPLOAD: Final = timedelta(days=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Uploads:
    """Takes files; ``folder`` is where they lie while they come in."""

    def __init__(
        self, pool: Pool, ids: Ids, collector: Collector, diary: Diary, folder: Path
    ) -> None:
        self._pool = pool
        self._ids = ids
        self._collector = collector
        self._diary = diary
        self._folder = folder

    async def take(self, name: str, content: AsyncIterator[bytes]) -> Collected:
        """Read a file and have its days compared; the same bytes again change nothing.

        ``name`` is for people, and tells a CSV. Raises FileNotUnderstood and UnavailableError, and
        whatever ``content`` raises.
        """
        identity = self._ids.new()
        place = self._folder / identity.hex
        path = place / clean_name(name)
        await asyncio.to_thread(clear_leftovers, self._folder, identity)
        try:
            await _write(path, content)
            try:
                collected = await self._collector.read(path, unheard)
            except ConfigurationError as error:
                told = error.message.replace(str(path), path.name)
                raise FileNotUnderstood(told, hint=error.hint) from None
        except OSError as error:
            told = f"The file cannot be kept: {error.strerror}."
            raise UnavailableError(told) from error
        finally:
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
        await self._refuse(collected)
        read = collected.read
        if read.first is not None and read.last is not None:
            await self._diary.ask(collected.source, read.first, read.last)
        return collected

    async def _refuse(self, collected: Collected) -> None:
        """Raise FileNotUnderstood for what was rejected, now or when it first came."""
        read = collected.read
        if read.state is FileState.KNOWN and not read.lines:
            row = await self._pool.fetchrow(QUERIES["first_trouble"], read.file_id)
            if row is not None:
                told = f"{collected.name} came before, and nothing could be read: {row['problem']}"
                raise FileNotUnderstood(told)
        if read.state is FileState.REJECTED:
            why = read.troubles[0].text if read.troubles else "It has no line."
            raise FileNotUnderstood(f"Nothing of {collected.name} could be read. {why}")


def clear_leftovers(folder: Path, newest: UUID) -> None:
    """Remove what processes that died in an upload left, a day before ``newest`` came in.

    Whoever sent it had no answer and sends it again.
    """
    oldest = floor_of(moment_of(newest, _EPOCH) - _LONGEST_UPLOAD).hex
    for place in folder.glob("*"):
        if place.name < oldest:
            shutil.rmtree(place, ignore_errors=True)


def clean_name(name: str) -> str:
    """A name without folders and without characters that a file system or a log may stumble at."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return _STRANGE.sub("_", last).strip(". ")[-_LONGEST_NAME:] or "file"


async def _write(path: Path, content: AsyncIterator[bytes]) -> None:
    await asyncio.to_thread(path.parent.mkdir, mode=0o700, parents=True)
    with path.open("xb") as stream:
        waiting: list[bytes] = []
        size = 0
        async for piece in content:
            waiting.append(piece)
            size += len(piece)
            if size >= _PIECE:
                await asyncio.to_thread(stream.write, b"".join(waiting))
                waiting, size = [], 0
        await asyncio.to_thread(stream.write, b"".join(waiting))
