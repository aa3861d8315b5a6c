"""Processes that start at once: forked from one that has clearhouse loaded already.

They are processes like any other, with a memory, an environment and an end of their own, that
can be killed. What they leave out is to start Python and to load clearhouse anew, which takes a
second each, and of which `tests/cli/test_commands.py` and the tests of whole groups have enough.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.loaded"])


def start(target: Callable[..., object], *arguments: object) -> BaseProcess:
    """Run a function of a module in a process of its own."""
    process = _context.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def run_command(
    arguments: Sequence[str], environment: Mapping[str, str], patience: float
) -> subprocess.CompletedProcess[str]:
    """Run ``clearhouse`` with its output captured; raises TimeoutExpired if it does not end."""
    with tempfile.TemporaryDirectory() as folder:
        said, complained = Path(folder, "out"), Path(folder, "err")
        process = start(_command, arguments, dict(environment), said, complained)
        process.join(patience)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(
                list(arguments), patience, said.read_bytes(), complained.read_bytes()
            )
        texts = [file.read_text("utf-8") for file in (said, complained)]
    return subprocess.CompletedProcess(list(arguments), process.exitcode, *texts)


def _command(arguments: Sequence[str], environment: dict[str, str], out: Path, err: Path) -> None:
    from clearhouse.cli import main

    os.environ.clear()
    os.environ.update(environment)
    for number, file, flags in (
        (0, Path(os.devnull), os.O_RDONLY),
        (1, out, os.O_CREAT | os.O_WRONLY),
        (2, err, os.O_CREAT | os.O_WRONLY),
    ):
        opened = os.open(file, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    streams: list[Any] = [open(n, "w", encoding="utf-8", closefd=False) for n in (1, 2)]  # noqa: SIM115
    sys.stdout, sys.stderr = streams
    sys.argv = ["clearhouse", *arguments]
    main()
