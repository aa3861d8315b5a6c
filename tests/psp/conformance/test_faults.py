"""Whatever goes wrong on the way: never a false no, and one charge once it is settled."""

import socket

import pytest
from tests.psp.conformance.world import Server, World, settled

from clearhouse.psp.contract import NotCharged, Succeeded, Unknown

IMPATIENT = 0.5

# fault, what a patient caller is told, how many charges have happened then
PATIENT = [
    ("lost-request", Unknown, 0),
    ("lost-answer", Unknown, 1),
    ("reset", Unknown, 1),
    ("error-before", Unknown, 0),
    ("error-after", Unknown, 1),
    ("conflict", Unknown, 0),
    ("rate-limited", NotCharged, 0),
    ("slow-body", Succeeded, 1),
]


@pytest.mark.parametrize(("fault", "told", "charged"), PATIENT)
async def test_a_fault_then_the_same_key_finds_or_makes_the_one_charge(
    world: World, fault: str, told: type, charged: int
) -> None:
    world.set(slow_seconds=0.2)
    request, adapter = world.request(), world.adapter()
    world.order_fault(fault)
    outcome = await adapter.charge(request)
    assert type(outcome) is told
    assert len(world.charges(request)) == charged
    assert isinstance(await settled(adapter, request), Succeeded)
    assert len(world.charges(request)) == 1


@pytest.mark.parametrize("fault", ["hang", "hang-before", "slow-body"])
async def test_a_call_without_end_is_given_up_as_unknown(world: World, fault: str) -> None:
    world.set(slow_seconds=60.0)
    request = world.request()
    world.order_fault(fault)
    outcome = await world.adapter(timeout=IMPATIENT).charge(request)
    assert isinstance(outcome, Unknown)
    world.set(slow_seconds=0.0)
    assert isinstance(await settled(world.adapter(), request), Succeeded)
    assert len(world.charges(request)) == 1


@pytest.mark.parametrize("fault", ["lost-answer", "error-after", "reset"])
async def test_one_fault_after_another_is_still_one_charge(world: World, fault: str) -> None:
    request, adapter = world.request(), world.adapter()
    world.order_fault(fault, times=4)
    assert isinstance(await adapter.charge(request), Unknown)
    assert isinstance(await settled(adapter, request), Succeeded)
    assert len(world.charges(request)) == 1


async def test_a_failure_stored_under_the_key_is_settled_by_the_records(world: World) -> None:
    request, adapter = world.request(), world.adapter()
    world.order_fault("error-stored")
    assert isinstance(await adapter.charge(request), Unknown)
    assert isinstance(await settled(adapter, request), Succeeded)
    assert len(world.charges(request)) == 1


async def test_the_wait_a_psp_asks_for_is_passed_on(world: World) -> None:
    world.order_fault("rate-limited")
    outcome = await world.adapter().charge(world.request())
    assert isinstance(outcome, NotCharged)
    if world.profile.tells_retry_after:
        assert outcome.retry_after is not None
        assert outcome.retry_after.total_seconds() == 1
    else:
        assert outcome.retry_after is None


async def test_a_refused_connection_is_proof_that_nothing_was_sent(world: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
        outcome = await world.adapter(base_url=nowhere).charge(world.request())
    assert isinstance(outcome, NotCharged)
    assert "cannot be reached" in outcome.detail


async def test_a_server_that_takes_the_connection_and_says_nothing_is_unknown(
    world: World,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        nowhere = f"http://127.0.0.1:{silent.getsockname()[1]}"
        outcome = await world.adapter(base_url=nowhere, timeout=IMPATIENT).charge(world.request())
    assert isinstance(outcome, Unknown)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n<html>hi</html>",
        b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 422 Unprocessable\r\ncontent-length: 4\r\n\r\nnull",
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\nnot found",
        b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 3\r\n\r\nbad",
        b"this is no HTTP\r\n\r\n",
    ],
)
async def test_an_answer_that_is_not_the_psps_is_unknown(world: World, answer: bytes) -> None:
    async with Server(answer) as server:
        outcome = await world.adapter(base_url=server.base_url, timeout=5).charge(world.request())
    assert isinstance(outcome, Unknown)


def empty(status: bytes) -> bytes:
    return b"HTTP/1.1 " + status + b"\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n"


@pytest.mark.parametrize("status", [b"409 Conflict", b"429 Slow", b"500 Oops", b"503 Oops"])
async def test_the_sdk_never_repeats_on_its_own(world: World, status: bytes) -> None:
    async with Server(empty(status)) as server:
        adapter = world.adapter(base_url=server.base_url, timeout=10)
        outcome = await adapter.charge(world.request())
        assert isinstance(outcome, NotCharged if status.startswith(b"429") else Unknown)
        assert server.asked == 1


@pytest.mark.parametrize("status", [b"401 Unauthorized", b"403 Forbidden"])
async def test_refused_credentials_charge_nothing_and_prove_nothing_else(
    world: World, status: bytes
) -> None:
    request = world.request()
    async with Server(empty(status)) as server:
        adapter = world.adapter(base_url=server.base_url, timeout=5)
        assert isinstance(await adapter.charge(request), NotCharged)
        assert isinstance(await adapter.look_up(request), Unknown)


async def test_wrong_credentials_charge_nothing_and_show_nothing(world: World) -> None:
    wrong, request = world.profile.wrong_credentials, world.request()
    if wrong is not None:
        adapter = world.adapter(credentials=wrong)
        outcomes = [await adapter.charge(request), await adapter.look_up(request)]
        assert [type(outcome) for outcome in outcomes] == [NotCharged, Unknown]
        assert "hushed" not in repr(outcomes)
    assert world.charges(request) == []
    assert isinstance(await world.adapter().charge(request), Succeeded)
