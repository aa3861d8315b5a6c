"""``clearhouse breaks`` and ``clearhouse report`` as people run them."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.command import run
from tests.reconciliation.days import DAY, charge_of, report, sold, store

from clearhouse.postgres.connection import PlainConnection


@pytest.fixture
async def settings(database: str, owner: PlainConnection, tmp_path: Path) -> dict[str, str]:
    """A day with one difference that was reconciled."""
    orders = [replace(order, currency="USD") for order in sold(5)]
    await store(owner, orders)
    lines = [charge_of(order) for order in orders]
    lines[0] = replace(lines[0], gross=lines[0].gross + 300)
    file = tmp_path / "day.csv"
    file.write_bytes(report(lines))
    told = {
        "CLEARHOUSE_DATABASE_URL": database,
        "CLEARHOUSE_DATA_DIRECTORY": str(tmp_path / "data"),
        "USER": "ada",
        "LOGNAME": "ada",
    }
    assert run("reconcile", str(file), settings=told).returncode == 1
    return told


async def test_a_break_is_listed_shown_and_accepted(settings: dict[str, str]) -> None:
    [found] = json.loads(run("breaks", "list", "--json", settings=settings).stdout)
    name = found["break_id"]
    assert (found["cause"], found["at_stake"], found["closed_by"]) == (
        *("amount_differs", "3.00"),
        "a person",
    )
    shown = run("breaks", "show", name, settings=settings).stdout
    assert "debit psp_receivable:stripe:USD, credit adjustments:USD: 3.00 USD" in shown
    run("breaks", "assign", name, "bob", settings=settings)
    run("breaks", "comment", name, "asked them", settings=settings)
    done = run("breaks", "accept", name, "--reason", "a tip", settings=settings)
    assert (done.returncode, done.stderr) == (0, "Mended.\n")
    data = json.loads(run("breaks", "show", name, "--json", settings=settings).stdout)
    assert [(one["actor"], one["deed"]) for one in data["history"]] == [
        *(("engine", "opened"), ("ada", "assigned"), ("ada", "commented")),
        ("ada", "accept"),
    ]
    assert run("breaks", "list", settings=settings).stderr == "No breaks.\n"
    assert "Open again" in run("breaks", "reopen", name, "--reason", "no", settings=settings).stderr
    gone = run("breaks", "write-off", "no-such", "--reason", "x", settings=settings)
    assert (gone.returncode, "no such break" in gone.stderr) == (4, True)


async def test_a_day_and_a_month_are_reported(settings: dict[str, str], tmp_path: Path) -> None:
    said = json.loads(run("report", "--date", str(DAY), "--form", "json", settings=settings).stdout)
    [figures] = said["figures"]
    assert (figures["lines"], figures["matched_lines"], figures["unmatched"]) == (5, 4, "3.00")
    assert figures["unmatched_basis_points"] > 0
    assert [one["cause"] for one in said["breaks"]] == ["amount_differs"]
    assert {one["place"] for one in said["cash"]} == {"psp_receivable"}
    month = f"{DAY:%Y-%m}"
    page = tmp_path / "month.html"
    told = run(
        *("report", "--month", month, "--form", "page", "--to", str(page)), settings=settings
    )
    assert (told.returncode, told.stdout) == (0, "")
    text = page.read_text()
    assert "amount_differs" in text
    assert "<svg" in text
    table = run("report", "--month", month, "--form", "csv", settings=settings).stdout
    rows = list(csv.reader(table.splitlines()))
    assert {row[0] for row in rows} == {"part", "figures", "breaks", "cash", "history"}
    assert "amount_differs" in run("report", "--date", str(DAY), settings=settings).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--month", "2026-13"), "is no month"),
        (("--month", "2026-11", "--date", "2026-11-01"), "but not both"),
        (("--to", "x"), "for the screen"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], words: str) -> None:
    told = run("report", *arguments)
    assert (told.returncode, words in told.stderr) == (2, True)
