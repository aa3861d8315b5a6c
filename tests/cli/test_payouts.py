"""``clearhouse payouts``: seen, approved and taken back by people at a terminal."""

import json

import pytest
from tests.cli.command import run
from tests.payouts.house import ask, desk, left, seller, wanted

from clearhouse.postgres.connection import Pool
from clearhouse.wallets.payouts.model import PayoutStatus


@pytest.fixture
def settings(database: str) -> dict[str, str]:
    return {"CLEARHOUSE_DATABASE_URL": database, "USER": "treasurer", "LOGNAME": "treasurer"}


async def test_payouts_are_listed_shown_approved_and_cancelled(
    pool: Pool, settings: dict[str, str]
) -> None:
    await seller(pool, available=50_000)
    small = await ask(pool, wanted(amount=1_250))
    large = await ask(pool, wanted(amount=20_000, by="key:office"))
    listed = run("payouts", "list", settings=settings)
    assert listed.returncode == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()[1:]] == [
        large.public_id,
        small.public_id,
    ]
    assert "200.00 EUR" in listed.stdout
    waiting = run("payouts", "list", "--status", "created", "--json", settings=settings)
    assert [row["payout"] for row in json.loads(waiting.stdout)] == [large.public_id]

    approved = run("payouts", "approve", large.public_id, settings=settings)
    assert (approved.returncode, "200.00 EUR to ann" in approved.stderr) == (0, True)
    found = await desk(pool).payout(large.public_id)
    assert found.status is PayoutStatus.APPROVED
    assert found.approved_by == "treasurer"

    gone = run("payouts", "cancel", small.public_id, "--reason", "wrong one", settings=settings)
    assert gone.returncode == 0
    assert await left(pool) == 30_000
    shown = run("payouts", "show", small.public_id, settings=settings)
    assert "cancelled by treasurer: wrong one" in shown.stdout
    assert [line.split()[-1] for line in shown.stdout.splitlines()[-2:]] == [
        "payout.created",
        "payout.cancelled",
    ]
    told = json.loads(run("payouts", "show", large.public_id, "--json", settings=settings).stdout)
    assert [event["type"] for event in told["events"]] == ["payout.created", "payout.approved"]


async def test_what_cannot_be_is_said_in_one_line(pool: Pool, settings: dict[str, str]) -> None:
    await seller(pool, available=50_000)
    own = await ask(pool, wanted(amount=20_000, by="treasurer"))
    for words, said in (
        (("show", "po_1"), "There is no payout with this id."),
        (("approve", own.public_id), "Who created a payout cannot approve it."),
        (("cancel", own.public_id, "--reason", " "), "--reason needs 1 to 140 characters."),
    ):
        told = run("payouts", *words, settings=settings)
        assert told.returncode != 0
        assert said in told.stderr
    empty = run("payouts", "list", "--seller", "nobody", settings=settings)
    assert (empty.returncode, empty.stdout) == (0, "")
