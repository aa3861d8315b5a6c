"""``clearhouse reconcile`` as people run it: on files that agree, and that differ."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.command import run
from tests.reconciliation.days import DAY, charge_of, report, sold, store

from clearhouse.postgres.connection import PlainConnection


@pytest.fixture
def settings(database: str, tmp_path: Path) -> dict[str, str]:
    return {
        "CLEARHOUSE_DATABASE_URL": database,
        "CLEARHOUSE_DATA_DIRECTORY": str(tmp_path / "data"),
    }


async def test_files_that_agree_end_with_0_and_are_known_again(
    owner: PlainConnection, settings: dict[str, str], tmp_path: Path
) -> None:
    orders = sold(20)
    await store(owner, orders)
    file = tmp_path / "day.csv"
    file.write_bytes(report([charge_of(order) for order in orders]))
    told = run("reconcile", str(file), settings=settings)
    assert (told.returncode, told.stderr) == (0, "")
    assert "Both sides agree" in told.stdout
    again = run("reconcile", str(file), "--json", settings=settings)
    said = json.loads(again.stdout)
    assert (said["clean"], said["files"][0]["state"]) == (True, "known")
    assert [(day["psp"], day["day"]) for day in said["days"]] == [("stripe", str(DAY))]
    assert sum(one["count"] for one in said["days"][0]["matched"]) == 20


async def test_what_differs_is_shown_with_what_to_do_and_ends_with_1(
    owner: PlainConnection, settings: dict[str, str], tmp_path: Path
) -> None:
    orders = sold(3)
    await store(owner, orders)
    lines = [charge_of(order) for order in orders]
    lines[0] = replace(lines[0], gross=lines[0].gross + 100)
    lines[1] = replace(lines[1], intent="pi_strange", hint="")
    file = tmp_path / "day.csv"
    file.write_bytes(report(lines)[:-20])
    told = run("reconcile", str(file), settings=settings)
    assert told.returncode == 1
    for words in ("amount_differs", "unknown_charge", "refund it at the PSP", "day.csv:4"):
        assert words in told.stdout
    said = json.loads(run("reconcile", "--no-fetch", "--date", str(DAY), "--json", settings=settings
        | {"CLEARHOUSE_PSP_STRIPE_SECRET_KEY": "sk_test_1"}).stdout)  # fmt: skip
    assert {one["cause"] for one in said["breaks"]} >= {"amount_differs", "unknown_charge"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "no PSP is configured"),
        (("nowhere.csv",), "cannot be read"),
        (("--psp", "adyen"), "adyen is not an enabled PSP"),
        (("some.csv", "--date", "2026-11-21"), "but not both"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    settings: dict[str, str], arguments: tuple[str, ...], words: str
) -> None:
    told = run("reconcile", *arguments, settings=settings)
    assert (told.returncode, told.stdout) == (2, "")
    assert words in told.stderr


async def test_a_poem_is_no_report(settings: dict[str, str], tmp_path: Path) -> None:
    poem = tmp_path / "poem.txt"
    poem.write_text("roses are red")
    told = run("reconcile", str(poem), settings=settings)
    assert told.returncode == 2
    assert "no settlement report and no bank statement" in told.stderr
