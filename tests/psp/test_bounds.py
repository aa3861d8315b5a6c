"""Bounds: never more calls in flight than asked for, and none longer than its time."""

import asyncio
import threading
from datetime import timedelta

import pytest

from clearhouse.kernel.money import Money
from clearhouse.psp.braintree.threads import Threads
from clearhouse.psp.calls import Calls
from clearhouse.psp.contract import (
    Declined,
    DeclineReason,
    NotCharged,
    Pending,
    PendingReason,
    PspOutcome,
    Retry,
    Succeeded,
    Unknown,
    attempt_key,
)
from clearhouse.psp.evidence import Found, verdict

YES = Succeeded("s", Money(1, "USD"))
NO = Declined(DeclineReason.OTHER, Retry.SOFT, "x", "d")
WAIT = Pending(PendingReason.PROCESSING, "p")
LOST = Unknown("u")


async def test_calls_in_flight_are_bounded_and_waiting_costs_no_time_of_the_call() -> None:
    calls = Calls(2, timeout_seconds=5)
    now, most = 0, 0

    async def call() -> int:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1
        return 1

    assert sum(await asyncio.gather(*(calls.run(call) for _ in range(50)))) == 50
    assert most == 2


async def test_a_call_without_end_is_given_up_and_frees_its_place() -> None:
    calls = Calls(1, timeout_seconds=0.01)
    with pytest.raises(TimeoutError):
        await calls.run(asyncio.Event().wait)
    assert await calls.run(lambda: asyncio.sleep(0, "next")) == "next"


async def test_threads_are_bounded_and_gone_after_close() -> None:
    threads = Threads("bounded", 3, timeout_seconds=5)
    lock, now, most = threading.Lock(), [0], [0]

    def call() -> str:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        name = threading.current_thread().name
        with lock:
            now[0] -= 1
        return name

    names = await asyncio.gather(*(threads.run(call) for _ in range(100)))
    assert most[0] <= 3
    assert all(name.startswith("bounded-calls") for name in names)
    await threads.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("bounded-calls")]


async def test_a_thread_that_hangs_keeps_its_place_until_it_is_back() -> None:
    threads = Threads("hanging", 1, timeout_seconds=0.05)
    go = threading.Event()
    with pytest.raises(TimeoutError):
        await threads.run(go.wait)
    following = asyncio.create_task(threads.run(lambda: "after"))
    await asyncio.sleep(0.1)
    assert not following.done(), "its time must not run while it waits for the place"
    go.set()
    assert await following == "after"
    await threads.close()


async def test_an_exception_in_a_thread_arrives() -> None:
    threads = Threads("failing", 1, timeout_seconds=5)

    def call() -> None:
        raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        await threads.run(call)
    await threads.close()


@pytest.mark.parametrize(
    ("found", "concluded"),
    [
        ([], None),
        ([Found(YES, True)], YES),
        ([Found(YES, False)], YES),
        ([Found(NO, True)], NO),
        ([Found(NO, False)], None),
        ([Found(NO, True), Found(YES, False)], YES),
        ([Found(NO, True), Found(WAIT, True)], WAIT),
        ([Found(WAIT, False), Found(NO, True)], WAIT),
        ([Found(LOST, True), Found(NO, True)], LOST),
        ([Found(LOST, True), Found(WAIT, True), Found(YES, True)], YES),
        ([Found(NotCharged("n"), False)], None),
    ],
)
def test_a_verdict(found: list[Found], concluded: PspOutcome | None) -> None:
    assert verdict(found) == concluded


def test_keys_that_http_would_make_equal_are_hashed() -> None:
    spaced = ["order 1", " order 1", "order 1 ", "\torder 1"]
    keys = [attempt_key(order, 1, 255) for order in spaced]
    assert len({key.strip() for key in keys}) == 4
    assert keys[0] == "order 1"


def test_lifetimes_are_positive_and_proof_takes_longer_than_a_call() -> None:
    from clearhouse.psp import registry

    for factory in registry.available().values():
        capabilities = factory.capabilities
        assert capabilities.idempotency_key_lifetime > capabilities.look_up_proves_after
        assert capabilities.look_up_proves_after >= timedelta(minutes=1)
