"""Runs `clearhouse` as users do: a process of its own, its output piped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
from tests import forked

PATIENCE = 60.0


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without any setting of clearhouse but the given ones."""
    clean = {name: v for name, v in os.environ.items() if not name.startswith("CLEARHOUSE_")}
    return clean | dict(extra or {})


def run(
    *arguments: str, settings: Mapping[str, str] | None = None, patience: float = PATIENCE
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a process that has clearhouse loaded already."""
    return forked.run_command(arguments, environment(settings), patience)


def run_from_scratch(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, Python included."""
    return subprocess.run(
        [sys.executable, "-m", "clearhouse", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


class Started:
    """A command that runs until it is stopped; its output goes to a file."""

    def __init__(self, output: Path, *arguments: str) -> None:
        self.output = output
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "clearhouse", *arguments],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.output.read_text()

    def wait_for(self, words: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while words not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def send(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


def processes_of(directory: Path) -> list[str]:
    """The command lines, and the working directories, of processes that use a directory."""
    found: list[str] = []
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
            told = [*command, process.cwd(), *process.environ().values()]
        except psutil.Error:
            continue
        if any(str(directory) in word for word in told) and process.pid != os.getpid():
            found.append(" ".join(command))
    return found


def until_gone(directory: Path) -> list[str]:
    """Wait until no process uses a directory; returns those that never left."""
    deadline = time.monotonic() + PATIENCE
    while (left := processes_of(directory)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left
