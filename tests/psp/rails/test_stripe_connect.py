"""Stripe Connect as a rail, Stripe's own SDK against the sandbox: sent and taken back once."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.kernel.money import Money
from clearhouse.psp import rail_registry
from clearhouse.psp.contract import PspConfig, Unknown
from clearhouse.psp.rails import (
    BankAccount,
    Batch,
    ConnectedAccount,
    Failed,
    FailureReason,
    Instruction,
    PaidOut,
    PayoutOutcome,
    Rail,
    RailConfig,
    Submitted,
)
from clearhouse.sandbox.server import Running, running

R = FailureReason


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running() as box:
        yield box


@pytest.fixture
async def rail(sandbox: Running) -> AsyncIterator[Rail]:
    psp = PspConfig({"secret_key": "sk_test_connect"}, sandbox.base_url, 30.0, 4)
    made = rail_registry.create("stripe", RailConfig({}, psp))
    yield made
    await made.close()


def batch_to(*accounts: str) -> Batch:
    instructions = tuple(
        Instruction(
            f"payout-{number}",
            f"key-{number}-{account.removeprefix('acct_').replace('_', '-')}",
            Money(1_000 + number, "USD"),
            ConnectedAccount(account),
            "Payout",
            "seller",
        )
        for number, account in enumerate(accounts)
    )
    return Batch("batch-1", datetime.now(UTC), date(2026, 11, 26), instructions)


def kinds(told: Any) -> list[type[PayoutOutcome]]:
    return [type(outcome) for outcome in told.values()]


def post(box: Running, path: str, body: dict[str, Any]) -> None:
    reply = httpx.post(f"{box.base_url}/_sandbox{path}", json=body, trust_env=False)
    assert reply.status_code == 200, reply.text


def objects(box: Running, kind: str) -> list[dict[str, Any]]:
    rows = box.core.truth.execute("SELECT body FROM objects WHERE kind = ? ORDER BY seq", (kind,))
    return [json.loads(row[0]) for row in rows]


async def test_a_payout_is_sent_once_however_often_it_is_submitted(
    rail: Rail, sandbox: Running
) -> None:
    batch = batch_to("acct_one", "acct_two")
    for days in (0, 0, 1, 2):
        # Past a day, Stripe has forgotten the keys: what exists is found all the same.
        post(sandbox, "/clock", {"days": days})
        told = await rail.submit(batch)
    assert kinds(told) == [PaidOut, PaidOut]
    assert len(objects(sandbox, "transfer")) == len(objects(sandbox, "payout")) == 2
    assert [each["amount"] for each in objects(sandbox, "payout")] == [1_000, 1_001]
    assert await rail.inquire(batch) == told
    truth = httpx.get(f"{sandbox.base_url}/_sandbox/truth/payouts", trust_env=False).json()
    assert [(each["key"], each["amount_minor"], each["status"]) for each in truth["payouts"]] == [
        (each.key, each.amount.minor, "paid") for each in batch.instructions
    ]
    assert await rail.news("here") == ((), "here")


@pytest.mark.parametrize(
    "fault",
    [
        "lost-request",
        "lost-answer",
        "reset",
        "error-before",
        "error-after",
        "error-stored",
        "conflict",
    ],
)
@pytest.mark.parametrize("operation", ["transfer", "payout"])
async def test_an_answer_that_is_lost_is_unknown_and_the_same_again_sends_it_once(
    rail: Rail, sandbox: Running, operation: str, fault: str
) -> None:
    batch = batch_to("acct_one")
    order = {"fault": fault, "psp": "stripe", "operation": operation, "times": 1}
    reply = httpx.post(f"{sandbox.base_url}/_sandbox/faults", json=order, trust_env=False)
    if reply.status_code != 200:
        pytest.fail(reply.text)
    assert kinds(await rail.submit(batch)) == [Unknown]
    told = await rail.submit(batch)
    assert kinds(told) == [Submitted]
    assert len(objects(sandbox, "transfer")) == len(objects(sandbox, "payout")) == 1


async def test_what_was_never_sent_is_unknown_when_asked(rail: Rail) -> None:
    assert kinds(await rail.inquire(batch_to("acct_one"))) == [Unknown]


@pytest.mark.parametrize(
    ("account", "days", "before", "failed"),
    [
        ("acct_fails", 1, Submitted, Failed(R.ACCOUNT_CLOSED, "account_closed")),
        ("acct_fails_late", 5, Submitted, Failed(R.ACCOUNT_CLOSED, "account_closed")),
        ("acct_refuses", 0, Failed, Failed(R.NOT_ALLOWED, "payouts_not_allowed")),
    ],
)
async def test_a_payout_that_fails_is_taken_back_from_the_account_once(
    rail: Rail, sandbox: Running, account: str, days: int, before: type, failed: Failed
) -> None:
    batch = batch_to(account)
    assert kinds(await rail.submit(batch)) == [before]
    if account == "acct_fails_late":
        post(sandbox, "/clock", {"days": 3})
        assert kinds(await rail.inquire(batch)) == [PaidOut]
        days = 2
    post(sandbox, "/clock", {"days": days})
    for _ in range(2):
        told = await rail.inquire(batch)
        assert [type(each) for each in told.values()] == [Failed]
    if account != "acct_refuses":
        assert told == {"payout-0": failed}
    assert [each["reversed"] for each in objects(sandbox, "transfer")] == [True]
    assert len(objects(sandbox, "transfer_reversal")) == 1
    # Submitted again, it stays failed: a new payout is another payout.
    assert kinds(await rail.submit(batch)) == [Failed]
    assert len(objects(sandbox, "transfer")) == 1
    assert [each["amount"] for each in objects(sandbox, "connect_balance")] == [0]


def test_what_it_can_never_send_is_said_in_a_sentence(rail: Rail) -> None:
    (good,) = batch_to("acct_one").instructions
    assert rail.refusal(good) is None
    for wrong in (
        replace(good, destination=BankAccount("DE89370400440532013000", "", "Ann")),
        replace(good, destination=ConnectedAccount("seller-1")),
        replace(good, amount=Money(0, "USD")),
        replace(good, amount=Money(1_001, "KWD")),
    ):
        assert (rail.refusal(wrong) or "").endswith(".")


def test_without_the_psp_there_is_no_such_rail() -> None:
    with pytest.raises(ConfigurationError, match="rides on the PSP stripe"):
        rail_registry.create("stripe", RailConfig({}))
