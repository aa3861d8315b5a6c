"""Where files are kept as they came: under their own hash, written once, never changed.

Why beside the database: a day's report is tens of megabytes that nobody joins, and an auditor
wants the very bytes. The database has its hash, so a file that was tampered with is found.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from clearhouse.kernel.errors import UnavailableError
from clearhouse.reconciliation.model import KeptFile

_CHUNK: Final = 1 << 16


class Vault:
    """A folder of files named by their SHA-256."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, content: Iterable[bytes]) -> KeptFile:
        """Keep some bytes; the same bytes are kept once. Durable before it returns.

        Raises UnavailableError when the folder cannot be written.
        """
        try:
            return self._keep(content)
        except OSError as error:
            raise UnavailableError(
                f"The folder {self._folder} cannot be written ({error.strerror}).",
            ) from error

    def read(self, file: KeptFile) -> Iterator[bytes]:
        """The bytes of a kept file, in pieces."""
        with Path(file.path).open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk

    def _keep(self, content: Iterable[bytes]) -> KeptFile:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        unnamed = self._folder / f".{os.getpid()}-{id(content):x}.part"
        digest, size = hashlib.sha256(), 0
        try:
            with unnamed.open("xb") as stream:
                unnamed.chmod(0o600)
                for chunk in content:
                    digest.update(chunk)
                    size += len(chunk)
                    stream.write(chunk)
                stream.flush()
                os.fsync(stream.fileno())
            name = digest.hexdigest()
            place = self._folder / name[:2] / name
            place.parent.mkdir(exist_ok=True, mode=0o700)
            unnamed.replace(place)
        finally:
            unnamed.unlink(missing_ok=True)
        _sync(place.parent)
        return KeptFile(str(place), digest.digest(), size)


def file_pieces(path: Path) -> Iterator[bytes]:
    """The bytes of any file, in pieces. Raises OSError."""
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
