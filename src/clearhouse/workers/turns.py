"""What the loops of workers share: look, act and wait; call for many; and store what was learnt."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.postgres.connection import TROUBLE

Log: TypeAlias = structlog.stdlib.BoundLogger
_TROUBLE_WAIT: Final = 0.5
_SETTLE_TRIES: Final = 20
_SOONEST: Final = 0.05


@dataclass(frozen=True, slots=True)
class Idle:
    """How long a loop without work waits, in seconds: ``first``, then doubling to ``longest``."""

    first: float
    longest: float


async def work_in_rounds(
    work: Callable[[], Awaitable[int]],
    stopping: asyncio.Event,
    clock: Clock,
    idle: Idle,
    *,
    enough: float,
    log: Log,
    trouble: str,
) -> None:
    """Work round by round until ``stopping`` is set.

    ``work`` says how much it did; after less than ``enough`` the loop waits. What passes by itself
    is logged as ``trouble`` and waited for.
    """
    wait = idle.first
    while not stopping.is_set():
        try:
            done = await work()
        except TROUBLE as error:
            log.warning(trouble, error=type(error).__name__)
            await clock.sleep(_TROUBLE_WAIT)
            continue
        wait = idle.first if done else min(wait * 2, idle.longest)
        if done < enough:
            await clock.sleep(wait)


async def work_until_cancelled(
    turn: Callable[[], Awaitable[float]],
    clock: Clock,
    *,
    log: Log,
    trouble: str,
    trouble_wait: float = _TROUBLE_WAIT,
) -> None:
    """Work turn by turn; ``turn`` says how long to wait for the next one, 0 for not at all."""
    while True:
        try:
            wait = await turn()
        except TROUBLE as error:
            log.warning(trouble, error=type(error).__name__)
            wait = trouble_wait
        if wait:
            await clock.sleep(wait)


def seconds_until(due: datetime | None, now: datetime, *, longest: float) -> float:
    """How long a loop may sleep until ``due``, None where nothing is; at most ``longest``."""
    if due is None:
        return longest
    return min(max((due - now).total_seconds(), _SOONEST), longest)


async def call_for_all(
    calls: Iterable[Coroutine[Any, Any, None]], *, log: Log, broken: str
) -> None:
    """Make calls at once. One that breaks is logged as ``broken``; its lease runs out and another
    takes it up, so nothing is lost.

    Gathered, not in a group: one that breaks must not cancel the calls beside it.
    """
    for error in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(error, Exception):
            log.error(broken, error=repr(error))
        elif isinstance(error, BaseException):
            raise error


async def store_what_was_learnt(
    store: Callable[[], Awaitable[None]],
    clock: Clock,
    *,
    log: Log,
    trouble: str = "settlement_waits",
) -> None:
    """Store it, and try again for some seconds where that fails.

    What a PSP or bank said is not thrown away because the database restarts.
    """
    for _ in range(_SETTLE_TRIES):
        try:
            await store()
        except TROUBLE as error:
            log.warning(trouble, error=type(error).__name__)
            await clock.sleep(_TROUBLE_WAIT)
        else:
            return
