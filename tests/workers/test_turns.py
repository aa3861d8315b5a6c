"""The loops of workers: how they wait, what they live through, and what they never throw away."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
import structlog
from structlog.testing import capture_logs

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.errors import UnavailableError
from clearhouse.workers.turns import (
    Idle,
    call_for_all,
    seconds_until,
    store_what_was_learnt,
    work_in_rounds,
    work_until_cancelled,
)

LOG: structlog.stdlib.BoundLogger = structlog.get_logger()
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
AWAY = asyncpg.CannotConnectNowError("the database system is starting up")


class Noted(SystemClock):
    """Waits no time at all, and remembers what it was asked to wait."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


def script(*steps: float | Exception) -> Callable[[], Awaitable[float]]:
    """A turn that returns or raises what stands here, one after the other."""
    left = iter(steps)

    async def turn() -> float:
        step = next(left, None)
        if step is None:
            raise asyncio.CancelledError
        if isinstance(step, Exception):
            raise step
        return step

    return turn


@pytest.mark.parametrize(
    ("rounds",                 "enough", "waits"),
    [
        ([5, 5, 5],            1,        []),
        ([0, 0, 0, 0],         1,        [0.2, 0.4, 0.8, 1.0]),
        ([0, 0, 5, 0],         1,        [0.2, 0.4, 0.2]),
        ([2, 9, 2],            5,        [0.1, 0.1]),
        ([AWAY, 5],            1,        [0.5]),
        ([0, AWAY, 0],         1,        [0.2, 0.5, 0.4]),
    ],
)  # fmt: skip
async def test_rounds_wait_longer_while_nothing_is_to_do_and_live_through_trouble(
    rounds: list[int | Exception], enough: float, waits: list[float]
) -> None:
    clock, stopping = Noted(), asyncio.Event()
    turn = script(*rounds)
    left = len(rounds)

    async def work() -> int:
        nonlocal left
        left -= 1
        if not left:
            stopping.set()
        return int(await turn())

    with capture_logs() as logs:
        await work_in_rounds(
            work, stopping, clock, Idle(0.1, 1.0), enough=enough, log=LOG, trouble="round_waits"
        )
    assert clock.waits == pytest.approx(waits)
    troubles = [one for one in rounds if isinstance(one, Exception)]
    assert [one["event"] for one in logs] == ["round_waits"] * len(troubles)


async def test_turns_wait_as_long_as_they_say_and_end_only_when_cancelled() -> None:
    clock = Noted()
    turn = script(3.0, 0.0, UnavailableError("away"), ConnectionResetError(), 7.0)
    with capture_logs() as logs, pytest.raises(asyncio.CancelledError):
        await work_until_cancelled(turn, clock, log=LOG, trouble="turn_waits", trouble_wait=2.0)
    assert clock.waits == [3.0, 2.0, 2.0, 7.0]
    assert [one["error"] for one in logs] == ["UnavailableError", "ConnectionResetError"]


async def test_a_fault_of_ours_ends_the_loop_and_is_not_waited_for() -> None:
    with pytest.raises(ZeroDivisionError):
        await work_until_cancelled(
            script(0.0, ZeroDivisionError()), Noted(), log=LOG, trouble="turn_waits"
        )


@pytest.mark.parametrize(
    ("due",                           "seconds"),
    [
        (None,                        60.0),
        (NOON - timedelta(hours=1),   0.05),
        (NOON,                        0.05),
        (NOON + timedelta(seconds=7), 7.0),
        (NOON + timedelta(days=1),    60.0),
    ],
)  # fmt: skip
def test_a_loop_sleeps_until_something_is_due(due: datetime | None, seconds: float) -> None:
    assert seconds_until(due, NOON, longest=60.0) == seconds


async def test_one_call_that_breaks_does_not_stop_those_beside_it() -> None:
    done: list[str] = []

    async def call(name: str) -> None:
        await asyncio.sleep(0)
        if name == "broken":
            raise RuntimeError("no such thing")
        done.append(name)

    with capture_logs() as logs:
        calls = [call(name) for name in ("a", "broken", "b")]
        await call_for_all(calls, log=LOG, broken="call_broke")
    assert done == ["a", "b"]
    assert [(one["event"], one["error"]) for one in logs] == [
        ("call_broke", "RuntimeError('no such thing')")
    ]


async def test_what_was_learnt_is_stored_once_the_database_is_back() -> None:
    clock, turn, stored = Noted(), script(AWAY, ConnectionResetError(), 1.0), []

    async def store() -> None:
        stored.append(await turn())

    with capture_logs() as logs:
        await store_what_was_learnt(store, clock, log=LOG)
    assert stored == [1.0]
    assert clock.waits == [0.5, 0.5]
    assert {one["event"] for one in logs} == {"settlement_waits"}
