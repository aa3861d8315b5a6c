"""``clearhouse payouts``: seen, approved and taken back by people at a terminal."""

import json
from base64 import b64encode

import pytest
from tests.cli.command import run
from tests.payouts.house import ask, desk, left, seller, wanted
from tests.payouts.tills import Hands, Till

from clearhouse.postgres.connection import Pool
from clearhouse.psp.rails import Corrected, PayoutNews
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


async def test_stuck_payouts_and_corrections_are_shown(
    pool: Pool, settings: dict[str, str]
) -> None:
    await seller(pool)
    made = await ask(pool, wanted())
    till = Till()
    await Hands(pool, till).rounds(1)
    till.told.append(PayoutNews(made.payout_id.hex, Corrected("C01", "987654321"), "file"))
    await Hands(pool, till).rounds(1)
    none = run("payouts", "list", "--stuck", settings=settings)
    assert (none.returncode, "No payouts" in none.stderr) == (0, True)
    key = b64encode(b"k" * 32).decode()
    sealed = settings | {"CLEARHOUSE_ENCRYPTION_KEYS": f"test={key}"}
    asked = ("payouts", "correction", made.public_id, "--reason", "a call", "--json")
    told = json.loads(run(*asked, settings=sealed).stdout)
    assert (told["code"], told["correction"], told["seller"]) == ("C01", "987654321", "ann")
    other = run(*asked, settings=settings)
    assert (other.returncode, "CLEARHOUSE_ENCRYPTION_KEYS" in other.stderr) == (2, True)
    row = await pool.fetchrow("select actor, action, reason from access.audit_log")
    assert row is not None
    assert tuple(row) == ("treasurer", "payouts.correction", "a call")


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
