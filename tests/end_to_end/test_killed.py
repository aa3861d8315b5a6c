"""What `make demo` runs, its processes killed in its midst: nothing lost, nothing charged twice."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests import in_memory

from clearhouse.cli.demo.command import development_in
from clearhouse.cli.demo.run import Plan, Run
from clearhouse.cli.demo.screen import Picture, PlainScreen
from clearhouse.cli.supervisor import Group
from clearhouse.kernel.clock import SystemClock

SECONDS = 14.0
VICTIMS = ("executor", "api", "executor", "books", "sandbox", "database")


class Quiet(PlainScreen):
    """A screen that remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def show(self, picture: Picture) -> None:
        pass

    def note(self, line: str) -> None:
        self.notes.append(line)


@pytest.fixture
def directory(migrated_data: Path) -> Iterator[Path]:
    with in_memory.new_folder("clearhouse-e2e-") as path:
        in_memory.begin_with(migrated_data, path)
        yield path


async def kill_one_after_the_other(group: Group) -> list[int]:
    killed: list[int] = []
    for name in VICTIMS:
        await asyncio.sleep(SECONDS / (len(VICTIMS) + 1))
        pid = group.pid_of(name)
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)
    return killed


@pytest.mark.whole_group
async def test_killing_every_process_loses_nothing_and_charges_nobody_twice(
    directory: Path,
) -> None:
    clock, screen = SystemClock(), Quiet()
    development = development_in(directory, seed=11)
    group = development.group(clock, screen.note)
    try:
        await development.start(group, screen.note)
        run = await Run.prepare(Plan(SECONDS, per_second=20.0, seed=11), development, clock)
        killer = asyncio.create_task(kill_one_after_the_other(group))
        await run.sell(screen)
        killed = await killer
        settled = await run.settle(screen)

        tally, progress = run.shop.tally, await run.books.progress()
        comparison = await run.books.compare_with_truth()
        verdict = await run.books.verify()
        checks = await run.checks(settled=settled)
        restarts = {name: group.restarts_of(name) for name in set(VICTIMS)}
        await run.books.close()
    finally:
        await development.stop(group)

    assert len(killed) == len(VICTIMS)
    # One that was still starting when the database died may have been started once more.
    assert all(restarts[name] >= VICTIMS.count(name) for name in VICTIMS)
    # Every checkout that was answered is there, and every order of it is final.
    assert not tally.refused
    assert progress.total == tally.orders
    assert progress.open == 0
    assert progress.of("SUCCESS") > 0.7 * progress.total
    # The PSPs' truth and the books are one to one.
    assert comparison.charged_twice == []
    assert comparison.charged_not_booked == []
    assert comparison.booked_not_charged == []
    assert comparison.other_amount == []
    assert len(comparison.agreed) == progress.of("SUCCESS")
    assert verdict.holds
    assert [check.detail for check in checks if not check.holds] == []
    # Nothing is left running.
    assert [pid for pid in killed if psutil.pid_exists(pid)] == []
    assert processes_of(directory) == []


def processes_of(directory: Path) -> list[str]:
    found: list[str] = []
    for process in psutil.process_iter(["cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        if str(directory) in command:
            found.append(command)
    return found
