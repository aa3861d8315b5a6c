"""Where tests keep the data of servers: in memory, if there is room."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOM = 3 * 2**30
"""Bytes that all servers of one run may need at once."""


def folder() -> Path | None:
    """A file system in memory; None where there is none, or too little left of it.

    A fresh database is a thousand small files, which take ten times as long on a disk. Tests kill
    processes, not power, so that nothing is proven by a disk.
    """
    shared = Path("/dev/shm")
    if os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > _ROOM:
        return shared
    return None


@contextmanager
def new_folder(prefix: str) -> Iterator[Path]:
    """A folder that PostgreSQL's own user can enter, too; removed in the end."""
    with tempfile.TemporaryDirectory(
        prefix=prefix, dir=folder(), ignore_cleanup_errors=True
    ) as name:
        path = Path(name).resolve()
        path.chmod(0o755)
        yield path


def begin_with(data: Path, directory: Path) -> None:
    """Put a copy of a stopped server's data where a new one will look for it; owners stay."""
    directory.mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", str(data), str(directory)], check=True)
