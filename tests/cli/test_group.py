"""The process group: order, readiness, restarts, and the lifeline, with small programs."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from clearhouse.cli import supervisor
from clearhouse.cli.lifeline import VARIABLE, ParentEnd
from clearhouse.cli.supervisor import Group, Program
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.errors import UnavailableError

# A package that stands in for clearhouse: what it does is its first argument.
CHILD = """
import os, signal, socket, sys, time
order = open(os.environ["ORDER"], "a")
def note(word):
    order.write(f"{word} {sys.argv[2]}\\n"); order.flush()
def stop(*_):
    note("stopped"); sys.exit(0)
signal.signal(signal.SIGTERM, stop)
from clearhouse.cli.lifeline import Lifeline
line = Lifeline.inherited()
if sys.argv[1] == "refuse":
    print("Error: no more coffee\\n  Buy some.", flush=True); sys.exit(3)
if sys.argv[1] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
note("started")
line.ready()
if sys.argv[1] == "brief":
    time.sleep(0.2); sys.exit(5)
time.sleep(300)
"""


class Bench:
    """A group whose children are the program above."""

    def __init__(self, directory: Path) -> None:
        self.order = directory / "order.txt"
        self.order.touch()
        self.said: list[str] = []
        self.logs = directory / "logs"
        environment = os.environ | {"ORDER": str(self.order)}
        self.group = Group(SystemClock(), environment, self.logs, self.said.append)

    def lines(self) -> list[str]:
        return self.order.read_text().splitlines()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.said) < count:
                await asyncio.sleep(0.02)


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    launcher = tmp_path / "python"
    # The group runs `python -m clearhouse ...`; this runs the script above in its place.
    launcher.write_text(f'#!/bin/sh\nshift 2\nexec "{sys.executable}" "{script}" "$@"\n')
    launcher.chmod(0o755)
    monkeypatch.setattr(supervisor.sys, "executable", str(launcher))
    made = Bench(tmp_path)
    yield made
    await made.group.stop()


async def test_children_start_in_order_and_stop_in_the_opposite_order(bench: Bench) -> None:
    for name in ("database", "sandbox", "api"):
        await bench.group.start(Program(name, ("stay", name)))
    pids = [bench.group.pid_of(name) for name in ("database", "sandbox", "api")]
    await bench.group.stop()
    assert bench.lines() == [
        *(f"started {name}" for name in ("database", "sandbox", "api")),
        *(f"stopped {name}" for name in ("api", "sandbox", "database")),
    ]
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert bench.said == []


async def test_a_child_that_does_not_start_is_an_error_with_its_last_words(bench: Bench) -> None:
    with pytest.raises(UnavailableError) as caught:
        await bench.group.start(Program("coffee", ("refuse", "coffee")))
    assert caught.value.message == "coffee did not start: no more coffee"
    assert caught.value.hint == f"Buy some.\nIts log is {bench.logs / 'coffee.log'}."


async def test_a_killed_child_is_started_again_and_said_so(bench: Bench) -> None:
    program = Program("executor", ("stay", "executor"))
    await bench.group.start(program)
    first = bench.group.pid_of("executor")
    os.kill(first, signal.SIGKILL)
    await bench.until(2)
    assert bench.said == [
        "executor stopped unexpectedly (SIGKILL); starting it again.",
        "executor runs again.",
    ]
    assert bench.group.restarts_of("executor") == 1
    assert bench.group.pid_of("executor") != first
    assert psutil.pid_exists(bench.group.pid_of("executor"))


async def test_a_child_that_keeps_ending_is_started_again_and_again(bench: Bench) -> None:
    await bench.group.start(Program("brief", ("brief", "brief")))
    await bench.until(4)
    assert bench.said[0] == "brief stopped unexpectedly (exit code 5); starting it again."
    assert bench.group.restarts_of("brief") >= 2


async def test_a_child_that_will_not_stop_is_killed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_STOP_SECONDS", 0.5)
    await bench.group.start(Program("deaf", ("deaf", "deaf")))
    pid = bench.group.pid_of("deaf")
    await bench.group.stop()
    assert not psutil.pid_exists(pid)
    assert bench.lines() == ["started deaf"]


async def test_a_child_stops_when_its_parent_lets_go_of_the_lifeline(tmp_path: Path) -> None:
    script, order = tmp_path / "child.py", tmp_path / "order.txt"
    script.write_text(CHILD)
    lifeline = ParentEnd()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(script), "stay", "orphan"),
        env=os.environ | {"ORDER": str(order), VARIABLE: str(lifeline.theirs)},
        pass_fds=(lifeline.theirs,),
        start_new_session=True,
    )
    lifeline.started()
    assert await lifeline.until_ready()
    lifeline.close()
    assert await asyncio.wait_for(process.wait(), 30) == 0
    assert order.read_text().splitlines() == ["started orphan", "stopped orphan"]
