"""Where tests keep the data of servers: in memory, if there is room."""

import os
import shutil
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
