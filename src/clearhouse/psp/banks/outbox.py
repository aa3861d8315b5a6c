"""Handing files to a bank, each of them once, whatever dies in between.

The bank's own programme (an EBICS or SFTP client) takes files out of ``out/`` and may move or
delete them, so ``out/`` itself cannot say what was handed over. Two folders beside it can::

    staged/<name>   written whole, not handed over yet
    kept/<name>     a hard link to the same file: it was meant to be handed over
    out/<name>      handed over

A file goes there in three steps, each of which either happened or did not: written into
``staged/``, linked into ``kept/``, and moved from ``staged/`` to ``out/``. So whoever comes after
a crash reads what happened: kept and not staged means handed over, all else means not.
"""

import os
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Final

_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700


class Handed(Enum):
    """What became of a file."""

    NEVER = "never"
    """There is no such file, or its making was cut off: nothing left."""
    STAGED = "staged"
    """It is whole and ready, and did not leave."""
    OUT = "out"
    """It was handed over."""


class Outbox:
    """The folders of one bank. Raises OSError where they do not let us."""

    def __init__(self, folder: Path) -> None:
        self._staged, self._kept, self._out = (folder / name for name in ("staged", "kept", "out"))

    def make(self) -> None:
        """Make the folders, readable by nobody else."""
        for folder in (self._staged, self._kept, self._out):
            folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)

    def state(self, name: str) -> Handed:
        """What became of a file; only reads."""
        kept = _inode(self._kept / name)
        if kept is None:
            return Handed.NEVER
        # Another file staged under the name came too late: two hands were at it at once.
        return Handed.STAGED if _inode(self._staged / name) == kept else Handed.OUT

    def kept(self, name: str) -> bytes | None:
        """The bytes that were (or are to be) handed over under a name."""
        try:
            return (self._kept / name).read_bytes()
        except FileNotFoundError:
            return None

    def hand_over(self, name: str, data: bytes) -> None:
        """Hand a file over, once for its name; the first bytes under a name stand for ever."""
        if self._inodes_absent(name):
            self._stage(name, data)
        staged, kept = self._staged / name, self._kept / name
        # A missing staged file: another hand was faster and has moved it on.
        with suppress(FileExistsError, FileNotFoundError):
            os.link(staged, kept)
        _sync_folder(self._kept)
        if self.state(name) is not Handed.STAGED:
            staged.unlink(missing_ok=True)
            return
        with suppress(FileNotFoundError):
            staged.rename(self._out / name)
        _sync_folder(self._out)
        _sync_folder(self._staged)

    def _inodes_absent(self, name: str) -> bool:
        return _inode(self._kept / name) is None and _inode(self._staged / name) is None

    def _stage(self, name: str, data: bytes) -> None:
        partial = self._staged / f".{name}.{os.getpid()}.part"
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(partial, self._staged / name)
        partial.unlink(missing_ok=True)
        _sync_folder(self._staged)


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
