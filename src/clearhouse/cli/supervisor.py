"""A group of child processes that starts in order, restarts what crashes, and leaves nothing.

Each child is a session of its own, so that Ctrl-C reaches the group alone and it can stop
them in order; each holds a lifeline, so that it stops too when the group is killed.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from clearhouse.cli.lifeline import VARIABLE, ParentEnd
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import UnavailableError

_START_SECONDS: Final = 90.0
_STOP_SECONDS: Final = 20.0
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 10.0
_SETTLED_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Program:
    """One child: what people call it, and the arguments after ``clearhouse``."""

    name: str
    arguments: tuple[str, ...]


@dataclass(slots=True)
class _Child:
    program: Program
    process: asyncio.subprocess.Process
    lifeline: ParentEnd
    restarts: int = 0
    keeper: asyncio.Task[None] | None = field(default=None, repr=False)


class Group:
    """The children. ``environment`` is theirs; their output goes to ``logs``, a file each.

    ``say`` gets one line whenever something happens that nobody asked for.
    """

    def __init__(
        self, clock: Clock, environment: Mapping[str, str], logs: Path, say: Callable[[str], None]
    ) -> None:
        self._clock = clock
        self._environment = dict(environment)
        self._logs = logs
        self._say = say
        self._children: list[_Child] = []
        self._stopping = False

    async def start(self, *programs: Program) -> None:
        """Start children, which may come up side by side, and wait until all are ready.

        Raises UnavailableError, with the last it said, when one stops before or takes too long.
        """
        started: list[_Child] = []
        for program in programs:
            child = await self._spawn(program)
            self._children.append(child)
            started.append(child)
        for child in started:
            if not await self._ready(child):
                said, hint = self.last_words(child.program)
                raise UnavailableError(
                    f"{child.program.name} did not start: {said}",
                    hint=f"{hint}\nIts log is {self.log_of(child.program)}.".strip(),
                )
            keeping = self._keep(child)
            child.keeper = asyncio.create_task(keeping, name=f"keep {child.program.name}")

    async def stop(self) -> None:
        """Stop all children, the last started first, each only when the one before is gone."""
        self._stopping = True
        while self._children:
            child = self._children.pop()
            if child.keeper is not None:
                child.keeper.cancel()
            await self._end(child)
            child.lifeline.close()

    def pid_of(self, name: str) -> int:
        """The process id of a running child, which changes with a restart."""
        return next(c.process.pid for c in self._children if c.program.name == name)

    def restarts_of(self, name: str) -> int:
        """How often a child was started again."""
        return next(c.restarts for c in self._children if c.program.name == name)

    def log_of(self, program: Program) -> Path:
        """The file that holds the child's output, of this and earlier runs."""
        return self._logs / f"{program.name.replace(' ', '-')}.log"

    def last_words(self, program: Program) -> tuple[str, str]:
        """The child's last complaint, else its last line; and the hint below it, if any."""
        try:
            text = self.log_of(program).read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        lines = [line for line in text.splitlines() if line.strip()] or ["it said nothing."]
        complaints = [place for place, line in enumerate(lines) if line.startswith("Error: ")]
        place = complaints[-1] if complaints else len(lines) - 1
        below = lines[place + 1 : place + 2] if complaints else []
        hint = "".join(line for line in below if line.startswith("  "))
        return lines[place].removeprefix("Error: ").strip(), hint.strip()

    async def _spawn(self, program: Program) -> _Child:
        self._logs.mkdir(parents=True, exist_ok=True)
        lifeline = ParentEnd()
        environment = self._environment | {VARIABLE: str(lifeline.theirs)}
        with self.log_of(program).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "clearhouse",
                *program.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                pass_fds=(lifeline.theirs,),
                start_new_session=True,
            )
        lifeline.started()
        return _Child(program, process, lifeline)

    async def _ready(self, child: _Child) -> bool:
        try:
            async with asyncio.timeout(_START_SECONDS):
                return await child.lifeline.until_ready()
        except TimeoutError:
            return False

    async def _keep(self, child: _Child) -> None:
        pause = _FIRST_PAUSE
        while True:
            begun = self._clock.monotonic()
            code = await child.process.wait()
            if self._clock.monotonic() - begun > _SETTLED_SECONDS:
                pause = _FIRST_PAUSE
            self._say(
                f"{child.program.name} stopped unexpectedly ({_how(code)}); starting it again."
            )
            await self._clock.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            await self._again(child)

    async def _again(self, child: _Child) -> None:
        child.lifeline.close()
        fresh = await self._spawn(child.program)
        child.process, child.lifeline = fresh.process, fresh.lifeline
        child.restarts += 1
        if await self._ready(child):
            self._say(f"{child.program.name} runs again.")

    async def _end(self, child: _Child) -> None:
        if child.process.returncode is not None:
            return
        _signal(child.process, signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await child.process.wait()
        except TimeoutError:
            _signal(child.process, signal.SIGKILL)
            await child.process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return


def _how(code: int) -> str:
    if code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"
