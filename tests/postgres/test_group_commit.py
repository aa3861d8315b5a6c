"""Group commit: everyone gets their own answer, and nobody waits for a timer."""

import asyncio
from collections.abc import Sequence

import pytest

from clearhouse.postgres.group_commit import GroupCommit


async def test_requests_gather_while_a_batch_commits() -> None:
    batches: list[list[int]] = []
    gate = asyncio.Event()

    async def commit(batch: Sequence[int]) -> list[int | Exception]:
        batches.append(list(batch))
        if len(batches) == 1:
            await gate.wait()
        return [number * 10 for number in batch]

    group = GroupCommit[int, int](commit, committers=1)
    first = asyncio.create_task(group.submit(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(group.submit(n)) for n in (2, 3, 4)]
    await asyncio.sleep(0)
    gate.set()
    assert await asyncio.gather(first, *others) == [10, 20, 30, 40]
    assert batches == [[1], [2, 3, 4]]


async def test_a_bad_request_harms_only_itself() -> None:
    async def commit(batch: Sequence[int]) -> list[int | Exception]:
        return [ValueError("odd") if number % 2 else number for number in batch]

    group = GroupCommit[int, int](commit)
    answers = await asyncio.gather(*(group.submit(n) for n in range(5)), return_exceptions=True)
    assert [a for a in answers if isinstance(a, int)] == [0, 2, 4]
    assert [str(a) for a in answers if isinstance(a, Exception)] == ["odd", "odd"]


async def test_a_broken_commit_is_told_to_all_and_the_next_one_works() -> None:
    calls = 0

    async def commit(batch: Sequence[int]) -> list[int | Exception]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionError("gone")
        return list(batch)

    group = GroupCommit[int, int](commit)
    results = await asyncio.gather(group.submit(1), group.submit(2), return_exceptions=True)
    assert [type(result) for result in results] == [ConnectionError, ConnectionError]
    assert await group.submit(3) == 3


async def test_batches_have_a_largest_size_and_a_cancelled_caller_stops_nobody() -> None:
    sizes: list[int] = []

    async def commit(batch: Sequence[int]) -> list[int | Exception]:
        sizes.append(len(batch))
        await asyncio.sleep(0)
        return list(batch)

    group = GroupCommit[int, int](commit, committers=2, largest=4)
    tasks = [asyncio.create_task(group.submit(n)) for n in range(10)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [r for r in results if isinstance(r, int)] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert isinstance(results[3], asyncio.CancelledError)
    assert max(sizes) == 4
    assert sum(sizes) == 10
    await group.close()


@pytest.mark.parametrize("committers", [1, 4])
async def test_close_waits_for_all(committers: int) -> None:
    done: list[int] = []

    async def commit(batch: Sequence[int]) -> list[int | Exception]:
        await asyncio.sleep(0.01)
        done.extend(batch)
        return list(batch)

    group = GroupCommit[int, int](commit, committers=committers, largest=2)
    tasks = [asyncio.create_task(group.submit(n)) for n in range(7)]
    await asyncio.sleep(0)
    await group.close()
    assert sorted(done) == list(range(7))
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("committers", [1, 2, 3])
async def test_those_who_submit_again_at_once_are_never_forgotten(committers: int) -> None:
    async def commit(batch: Sequence[int]) -> list[int | Exception]:
        await asyncio.sleep(0)
        return list(batch)

    group = GroupCommit[int, int](commit, committers=committers, largest=8)

    async def client(first: int) -> int:
        for number in range(first, first + 200):
            assert await group.submit(number) == number
        return first

    clients = [client(n * 1000) for n in range(9)]
    assert await asyncio.wait_for(asyncio.gather(*clients), 60) == [n * 1000 for n in range(9)]
