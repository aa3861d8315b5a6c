"""The rails of files and the sandbox's bank, over their shared folders and over HTTP."""

import json
from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from xml.etree import ElementTree as ET

import pytest
from tests.psp.rails.files import DEBTOR, NACHA, SEPA, Kind, Stopped

from clearhouse.psp.banks.files import FileRail
from clearhouse.psp.rails import (
    BankAccount,
    Batch,
    Corrected,
    Failed,
    FailureReason,
    PaidOut,
    PayoutNews,
    Returned,
    Submitted,
    UsAccount,
)
from clearhouse.sandbox.app import create_app
from clearhouse.sandbox.core import Core
from clearhouse.sandbox.server import Running, open_core, running

R = FailureReason


@dataclass
class World:
    """A rail, the bank it shares a folder with, and the news it has brought so far."""

    kind: Kind
    rail: FileRail
    core: Core
    cursor: str | None = None

    def pass_time(self, **by: float) -> None:
        self.core.clock.advance(timedelta(**by))
        self.work()

    def work(self) -> None:
        for chore in self.core.chores:
            chore()
        self.core.agenda.run_due()
        for chore in self.core.chores:
            chore()

    async def news(self) -> list[PayoutNews]:
        found, self.cursor = await self.rail.news(self.cursor)
        return list(found)

    def truth(self) -> list[tuple[str, str]]:
        rows = self.core.truth.execute(
            "SELECT body FROM objects WHERE psp = 'bank' AND kind = 'payment' ORDER BY seq"
        )
        return [(body["key"], body["status"]) for body in map(json.loads, (r[0] for r in rows))]


def world(kind: Kind, folder: Path, truth: Path | None = None) -> World:
    core = open_core(truth, clock=Stopped(), bank_folder=folder)
    create_app(core)
    return World(kind, kind.rail(folder / kind.name, Stopped()), core)


def batch_to(kind: Kind, *holders: str, batch_id: str = "batch-1") -> Batch:
    """A batch that pays to people with these names."""
    batch = kind.batch(len(holders), batch_id)
    named = []
    for holder, each in zip(holders, batch.instructions, strict=True):
        account = each.destination
        assert isinstance(account, BankAccount | UsAccount)
        named.append(replace(each, destination=replace(account, holder=holder)))
    return replace(batch, instructions=tuple(named))


async def test_sepa_is_accepted_paid_rejected_and_returned(tmp_path: Path) -> None:
    here = world(SEPA, tmp_path)
    batch = batch_to(SEPA, "Ann Seller", "Reject AC04", "Return MD07")
    keys = [each.key for each in batch.instructions]
    await here.rail.submit(batch)
    here.work()
    told = {news.key: news.outcome for news in await here.news()}
    assert told == {
        keys[0]: Submitted("batch-1"),
        keys[1]: Failed(R.ACCOUNT_CLOSED, "AC04"),
        keys[2]: Submitted("batch-1"),
    }
    here.pass_time(days=1)
    booked = {news.key: news for news in await here.news() if isinstance(news.outcome, PaidOut)}
    assert set(booked) == {keys[0], keys[2]}
    assert booked[keys[0]].amount == batch.instructions[0].amount
    here.pass_time(days=3)
    back = [news for news in await here.news() if isinstance(news.outcome, Returned)]
    at = datetime(2026, 11, 28, tzinfo=UTC)
    assert {(news.key, news.outcome) for news in back} == {
        (keys[2], Returned(R.REGULATORY, "MD07", at))
    }
    statuses = dict(zip(keys, ("paid", "rejected", "returned"), strict=True))
    assert dict(here.truth()) == statuses
    assert await here.news() == []
    assert not list((tmp_path / "sepa" / "aside").iterdir())


async def test_nacha_is_paid_in_silence_returned_and_corrected(tmp_path: Path) -> None:
    here = world(NACHA, tmp_path)
    batch = batch_to(NACHA, "Ann Seller", "Return R02", "Change C01")
    await here.rail.submit(batch)
    here.work()
    assert await here.news() == []
    here.pass_time(days=4)
    told = {news.key: news.outcome for news in await here.news()}
    returned, corrected = batch.instructions[1].key, batch.instructions[2].key
    assert set(told) == {returned, corrected}
    assert told[returned] == Returned(R.ACCOUNT_CLOSED, "R02", datetime(2026, 11, 28, tzinfo=UTC))
    assert isinstance(told[corrected], Corrected)
    assert [status for _, status in sorted(here.truth())].count("paid") == 2


async def test_each_day_has_a_statement_that_adds_up(tmp_path: Path) -> None:
    here = world(SEPA, tmp_path)
    await here.rail.submit(batch_to(SEPA, "Ann", "Return AC04"))
    here.pass_time(days=1)
    await here.news()
    here.pass_time(days=5)
    await here.news()
    here.pass_time()
    await here.news()
    days: list[tuple[str, int, int, int]] = []
    for path in (tmp_path / "sepa" / "read").iterdir():
        root = ET.parse(path).getroot()
        ns = {"c": "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"}
        for statement in root.findall(".//c:Stmt", ns):
            cents = [
                int((found.text or "").replace(".", ""))
                for found in statement.findall("c:Bal/c:Amt", ns)
            ]
            moved = sum(
                int((entry.findtext("c:Amt", "", ns)).replace(".", ""))
                * (-1 if entry.findtext("c:CdtDbtInd", "", ns) == "DBIT" else 1)
                for entry in statement.findall("c:Ntry", ns)
            )
            days.append((statement.findtext("c:Id", "", ns), cents[0], moved, cents[1]))
    days.sort()
    assert len(days) == 2
    assert all(opening + moved == closing for _, opening, moved, closing in days)
    assert days[0][3] == days[1][1]


@pytest.mark.parametrize("kind", [SEPA, NACHA], ids=lambda kind: kind.name)
async def test_a_bank_that_is_killed_with_a_file_in_its_hands_pays_it_once(
    kind: Kind, tmp_path: Path
) -> None:
    here = world(kind, tmp_path, tmp_path / "truth.sqlite3")
    await here.rail.submit(batch_to(kind, "Ann"))
    (file,) = (tmp_path / kind.name / "out").iterdir()
    data = file.read_bytes()
    here.work()
    assert here.truth() == [(here.truth()[0][0], "accepted")]
    (tmp_path / kind.name / "taken" / file.name).write_bytes(data)
    here.core.truth.close()
    again = world(kind, tmp_path, tmp_path / "truth.sqlite3")
    again.pass_time(days=1)
    assert [status for _, status in again.truth()] == ["paid"]
    assert list((tmp_path / kind.name / "taken").iterdir()) == []


@pytest.fixture
def sandbox() -> Generator[Running]:
    with running(open_core()) as served:
        yield served


def call(sandbox: Running, path: str, data: bytes | None = None) -> tuple[int, Any]:
    try:
        with urlopen(Request(sandbox.base_url + path, data), timeout=30) as reply:
            return reply.status, json.load(reply)
    except HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.parametrize("kind", [SEPA, NACHA], ids=lambda kind: kind.name)
async def test_files_by_http_and_a_message_id_is_taken_once(
    kind: Kind, tmp_path: Path, sandbox: Running
) -> None:
    await kind.rail(tmp_path).submit(batch_to(kind, "Ann"))
    (file,) = (tmp_path / "out").iterdir()
    status, taken = call(sandbox, "/bank/files", file.read_bytes())
    assert status == 202
    assert taken["message_id"]
    status, refused = call(sandbox, "/bank/files", file.read_bytes())
    assert (status, refused["code"]) == (409, "AM05")
    _, documents = call(sandbox, "/bank/documents")
    reports = [each["document"] for each in documents["documents"]]
    assert len(reports) == (2 if kind is SEPA else 0)
    call(sandbox, "/_sandbox/clock", b'{"days": 400}')
    _, truth = call(sandbox, "/_sandbox/truth/payouts")
    assert [each["status"] for each in truth["payouts"]] == ["paid"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<no",
        b"<Document/>",
        b"101 too short",
        b'<!DOCTYPE a [<!ENTITY b "c">]><Document>&b;</Document>',
    ],
)
def test_what_is_no_file_is_refused(sandbox: Running, data: bytes) -> None:
    status, refused = call(sandbox, "/bank/files", data)
    assert (status, refused["code"]) == (400, "FF01")


def test_a_file_that_does_not_add_up_is_refused(sandbox: Running, tmp_path: Path) -> None:
    rail: Any = SEPA.rail(tmp_path)
    data = rail._rules.render(batch_to(SEPA, "Ann", "Bob"))
    for wrong, code in (
        (data.replace(b"<NbOfTxs>2", b"<NbOfTxs>3"), "AM18"),
        (data.replace(b"<CtrlSum>246.91", b"<CtrlSum>246.92"), "AM10"),
    ):
        status, refused = call(sandbox, "/bank/files", wrong)
        assert (status, refused["code"]) == (400, code)


def test_money_from_elsewhere_stands_in_the_statement(sandbox: Running) -> None:
    credit = {"account": DEBTOR, "amount_minor": 5_000, "currency": "EUR", "text": "PSP payout"}
    assert call(sandbox, "/_sandbox/bank/credits", json.dumps(credit).encode())[0] == 200
    call(sandbox, "/_sandbox/clock", b'{"days": 2}')
    _, documents = call(sandbox, "/bank/documents")
    found = documents["documents"]
    (statement,) = (each["document"] for each in found if each["format"] == "sepa")
    assert "50.00" in statement
    assert "PSP payout" in statement
    wrong = json.dumps({**credit, "currency": "XXX"}).encode()
    assert call(sandbox, "/_sandbox/bank/credits", wrong)[0] == 400
