"""``clearhouse route`` as people run it: one word, a table with reasons, or JSON."""

import json
from pathlib import Path

import pytest
from tests.cli.command import run
from tests.payments.rooms import settlement
from tests.payments.test_failover import REJECTED, claimed, one_order

from clearhouse.postgres.connection import Pool

RULES = """
[[routing]]
psp = "square"
currencies = ["USD"]
at_most = "10.00"
priority = 10
cost = "2.9% + 0.30"
"""


@pytest.fixture
def rules(tmp_path: Path) -> str:
    file = tmp_path / "clearhouse.toml"
    file.write_text(RULES)
    return str(file)


def test_it_explains_why_a_psp_was_chosen(rules: str) -> None:
    told = run("route", "5", "USD", "--explain", "--draw", "0", "--config", rules)
    assert told.returncode == 0
    lines = [line.split() for line in told.stdout.splitlines()]
    assert lines[1][:6] == ["1", "square", "up", "10", "0.45", "USD"]
    assert "braintree has priority 100 after 10" in told.stdout


def test_a_script_gets_one_word_or_json(rules: str) -> None:
    assert run("route", "5", "USD", "--config", rules).stdout == "square\n"
    options = ("--psp", "square", "--psp", "stripe", "--down", "square", "--json")
    found = json.loads(run("route", "5", "USD", *options, "--config", rules).stdout)
    assert found["psp"] == "stripe"
    assert [one["health"] for one in found["candidates"]] == ["up", "down"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("5", "usd"), "is no amount to pay"),
        (("5", "USD", "--psp", "adyen"), "There is no PSP called adyen"),
        (("5", "USD", "--draw", "1"), "--draw must be"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], words: str) -> None:
    told = run("route", *arguments)
    assert (told.returncode, told.stdout) == (2, "")
    assert words in told.stderr


async def test_a_decision_that_was_taken_is_told_with_what_each_psp_said(
    database: str, pool: Pool
) -> None:
    service = await one_order(pool, "stripe", "square", "braintree")
    await service.settle(settlement(await claimed(service, "stripe"), REJECTED))
    settings = {"CLEARHOUSE_DATABASE_URL": database}
    told = run("route", "--explain", "c-0", settings=settings)
    assert told.returncode == 0, told.stderr
    lines = [line.split() for line in told.stdout.splitlines()]
    assert lines[0][:6] == ["c-0:", "EXECUTING", "(failed_over)", "at", "square,", "then"]
    assert "in the order given" in told.stdout
    assert ["1", "stripe", "1", "declined", "invalid_request"] in lines
    found = json.loads(run("route", "c-0", "--json", settings=settings).stdout)
    assert (found["psp"], found["left"]) == ("square", ["braintree"])
    assert [one["psp"] for one in found["attempts"]] == ["stripe"]


def test_an_order_that_is_not_there_is_told_by_the_exit_code(database: str) -> None:
    told = run("route", "--explain", "nope", settings={"CLEARHOUSE_DATABASE_URL": database})
    assert (told.returncode, told.stdout) == (4, "")
    assert "There is no payment order with this id" in told.stderr
