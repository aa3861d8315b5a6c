"""Reading what a bank puts into a folder: each document once, none lost, half ones left alone.

::

    in/      where the bank's programme puts files
    read/    what was read and whose news are stored, named by its own hash
    aside/   what is no document for us; a person must look, and an error was logged

A document stays in ``in/`` until the caller comes back with the cursor that names it, which is
the proof that its news are stored; so a crash makes it read again, and never makes it lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import structlog

from clearhouse.psp.rails import PayoutNews

_LOG = structlog.get_logger(__name__)
_MOST: Final = 50
_LARGEST: Final = 256 * 1024 * 1024
_UNFINISHED: Final = (".part", ".tmp", ".filepart", ".crdownload")


class HalfWritten(Exception):
    """The document ends before its end: whoever writes it has not finished."""


class WrongDocument(Exception):
    """The document is whole and not for us, or not what its standard says. The text says why."""


KeysOf = Callable[[str], Sequence[str]]
"""The keys in the file that was handed over under a batch's id; empty for one we never sent."""

Reader = Callable[[bytes, str], Sequence[PayoutNews]]
"""Reads a document (its bytes and its name); raises HalfWritten or WrongDocument."""


@dataclass(frozen=True, slots=True)
class _Document:
    path: Path
    data: bytes
    digest: str


class Inbox:
    """The folders of one bank; raises OSError where they do not let us."""

    def __init__(self, folder: Path, rail: str) -> None:
        self._in, self._read, self._aside = (folder / name for name in ("in", "read", "aside"))
        self._rail = rail
        self._waited_for: set[str] = set()

    def make(self) -> None:
        """Make the folders, readable by nobody else."""
        for folder in (self._in, self._read, self._aside):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def news(self, cursor: str | None, reader: Reader) -> tuple[list[PayoutNews], str | None]:
        """Put away what ``cursor`` names, read the next documents, and name those."""
        stored = frozenset((cursor or "").split())
        found: list[PayoutNews] = []
        digests: list[str] = []
        for document in self._documents():
            if document.digest in stored or self._shelf(document).exists():
                document.path.replace(self._shelf(document))
                continue
            if len(digests) == _MOST:
                break
            try:
                found += reader(document.data, document.path.name)
            except HalfWritten:
                self._wait_for(document.path.name)
            except WrongDocument as wrong:
                self._put_aside(document, str(wrong))
            else:
                digests.append(document.digest)
        return found, " ".join(digests) if digests else cursor

    def _documents(self) -> list[_Document]:
        found: list[_Document] = []
        for path in sorted(self._in.iterdir()):
            if path.name.startswith(".") or path.name.lower().endswith(_UNFINISHED):
                continue
            if not path.is_file() or path.is_symlink() or path.stat().st_size > _LARGEST:
                self._wait_for(path.name)
                continue
            data = path.read_bytes()
            found.append(_Document(path, data, sha256(data).hexdigest()[:32]))
        return found

    def _shelf(self, document: _Document) -> Path:
        return self._read / f"{document.digest}{document.path.suffix}"

    def _put_aside(self, document: _Document, why: str) -> None:
        place = self._aside / f"{document.digest}-{document.path.name}"
        _LOG.error("rail.document_put_aside", rail=self._rail, file=place.name, reason=why)
        document.path.replace(place)

    def _wait_for(self, name: str) -> None:
        if name not in self._waited_for:
            self._waited_for.add(name)
            _LOG.warning("rail.document_not_finished", rail=self._rail, file=name)
