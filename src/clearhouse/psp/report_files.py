"""Reports on their way: fetched into a temporary file, so that memory does not grow with them.

What goes wrong on the way is told before anybody has read a line: a report is handed out whole,
as it came, or not at all.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

import httpx

from clearhouse.psp.settlements import Report, Trouble

_PIECE: Final = 1 << 17


class NotDownloaded(Exception):
    """A file was refused or is nowhere; ``status`` is the answer's."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class Spool:
    """A file without a name that is gone once it was read."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - read later, by another

    def write(self, piece: bytes) -> None:
        """Add some bytes."""
        self._file.write(piece)

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Add a line of JSON."""
        self._file.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written."""
        return self._file.tell() == 0

    def close(self) -> None:
        """Throw away what was written."""
        self._file.close()

    def report(self, name: str, troubles: tuple[Trouble, ...] = ()) -> Report:
        """All that was written, to be read once."""
        return Report(name, self._pieces(), troubles)

    def pieces(self) -> Iterator[bytes]:
        """All that was written so far, to look at before it is handed out."""
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            yield piece

    def _pieces(self) -> Iterator[bytes]:
        with self._file:
            yield from self.pieces()


def download(url: str, headers: Mapping[str, str], timeout_seconds: float) -> Spool:
    """A file by a plain GET, streamed. Blocking: it is called on a thread.

    The time limit is for each piece, since nobody knows how long a file is. Proxies are not read
    from the environment and redirects not followed, so ``headers`` reach nobody else. Raises
    NotDownloaded, httpx.HTTPError (also for a file that is cut off) and OSError.
    """
    spool = Spool()
    try:
        _fill(spool, url, headers, timeout_seconds)
    except BaseException:
        spool.close()
        raise
    return spool


def _fill(spool: Spool, url: str, headers: Mapping[str, str], timeout_seconds: float) -> None:
    with (
        httpx.Client(trust_env=False, follow_redirects=False, timeout=timeout_seconds) as client,
        client.stream("GET", url, headers=dict(headers)) as response,
    ):
        if response.status_code != 200:
            raise NotDownloaded(response.status_code)
        for piece in response.iter_bytes(_PIECE):
            spool.write(piece)
