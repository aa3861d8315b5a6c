"""``clearhouse dead-letters`` as people and scripts run it."""

import json
from typing import Any

from tests.cli.command import run
from tests.proof.flow import pay

from clearhouse.postgres.connection import PlainConnection, Pool


def ask(database: str, *arguments: str) -> Any:
    return run("dead-letters", *arguments, settings={"CLEARHOUSE_DATABASE_URL": database})


async def test_a_letter_is_listed_shown_tried_replayed_and_gone(
    database: str, pool: Pool, owner: PlainConnection
) -> None:
    await pay(pool, ["a"])
    await owner.execute(
        "insert into ledger.dead_letters (consumer, type, aggregate_id, version, payload, error)"
        " select 'ledger.payments', type, aggregate_id, version, payload, 'ValueError: [broken]'"
        " from payments.outbox where type = 'payment_order.succeeded' limit 1"
    )
    listed = ask(database, "list")
    assert "ledger:1" in listed.stdout
    assert "ValueError: [broken]" in listed.stdout
    shown = ask(database, "show", "ledger:1")
    assert "clearhouse prove a-0" in shown.stderr
    tried = ask(database, "replay", "ledger:1")
    assert tried.returncode == 0
    assert "psp_receivable" in tried.stdout
    assert "Nothing was changed" in tried.stderr
    done = ask(database, "replay", "ledger:1", "--yes", "--reason", "mended", "--json")
    assert json.loads(done.stdout)["done"] is True
    again = ask(database, "replay", "ledger:1", "--yes")
    assert (again.returncode, again.stdout) == (4, "")
    assert "resolved already" in again.stderr
    assert json.loads(ask(database, "list", "--json").stdout) == []


def test_what_is_not_there_is_told_by_the_exit_code(database: str) -> None:
    told = ask(database, "show", "ledger:7")
    assert told.returncode == 4
    assert "There is no dead letter ledger:7" in told.stderr
    assert ask(database, "discard", "ledger:7").returncode == 2
    assert "No dead letters" in ask(database, "list").stderr
