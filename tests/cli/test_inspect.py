"""``clearhouse inspect`` as people run it: on good files, broken ones, and payouts at the bank."""

import json
from pathlib import Path

import pytest
from tests.cli.command import run
from tests.psp.banks.test_statements import ENTRIES, entry, write
from tests.psp.test_reports import GOOD, PAYOUT, square_lines, stripe_csv
from tests.psp.test_reports import entry as square_entry

END = {"end": {"entries": 1, "net_minor": 941}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    paid = {"payout": {**PAYOUT["payout"], "end_to_end_id": "L12345678"}}
    (tmp_path / "square.jsonl").write_bytes(square_lines(paid, square_entry(), END))
    (tmp_path / "stripe.csv").write_bytes(stripe_csv(GOOD))
    booked = [entry(1, 9_41, "L12345678", "SQUARE", "USD")]
    (tmp_path / "bank.xml").write_bytes(write("camt", booked))
    short = [entry(1, 9_16, "L12345678", "SQUARE", "USD")]
    (tmp_path / "short.sta").write_bytes(write("mt940", short))
    (tmp_path / "broken.xml").write_bytes(write("camt", ENTRIES)[:-60])
    (tmp_path / "bank.csv").write_bytes(write("csv", ENTRIES))
    (tmp_path / "poem.txt").write_text("roses are red")
    return tmp_path


def test_it_says_what_files_hold_and_matches_payouts(folder: Path) -> None:
    files = ("square.jsonl", "stripe.csv", "bank.xml")
    told = run("inspect", *(str(folder / name) for name in files), "--json")
    assert (told.returncode, told.stderr) == (0, "")
    said = json.loads(told.stdout)
    assert [(one["kind"], one["lines"], one["net"]) for one in said["files"]] == [
        ("square", 2, ["0.00 USD"]),
        ("stripe", 1, ["9.41 USD"]),
        ("camt.053", 1, ["9.41 USD"]),
    ]
    [payout] = said["payouts"]
    assert (payout["verdict"], payout["confidence"]) == ("matched", "100 %")


def test_a_payout_that_is_short_and_a_broken_file_are_shown_and_end_with_1(folder: Path) -> None:
    told = run("inspect", *(str(folder / name) for name in ("square.jsonl", "short.sta")))
    assert told.returncode == 1
    assert "bank_short" in told.stdout
    assert "-0.25 USD" in told.stdout
    told = run("inspect", str(folder / "broken.xml"))
    assert told.returncode == 1
    assert "does not come to its end" in told.stdout


def test_csv_is_read_by_its_mapping(folder: Path) -> None:
    mapping = "booked_on=booked_on, amount=amount, currency=currency"
    told = run("inspect", str(folder / "bank.csv"), "--mapping", mapping)
    assert (told.returncode, "-31.13 EUR" in told.stdout) == (0, True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("poem.txt", "is no report"),
        ("nowhere.xml", "cannot be read"),
        ("bank.csv", "needs --mapping"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(folder: Path, name: str, words: str) -> None:
    told = run("inspect", str(folder / name))
    assert (told.returncode, told.stdout) == (2, "")
    assert words in told.stderr
    assert "Traceback" not in told.stderr


def test_without_a_file_it_says_so() -> None:
    told = run("inspect")
    assert (told.returncode, "no file" in told.stderr) == (2, True)
