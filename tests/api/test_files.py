"""Files handed in over HTTP: read as they come, known again, refused with a clear answer."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.api.conftest import MOST_FILE_BYTES, Server
from tests.api.test_breaks import slug
from tests.client.test_against_a_server import client_of
from tests.psp.banks.test_statements import ENTRIES, write
from tests.reconciliation.days import DAY, charge_of, report, sold, store
from tests.workers.test_nightly import Night, ToldPsp

from clearhouse.client import AsyncClient, FileNotUnderstood
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.reconciliation.uploads import clean_name

PATH = "/v1/reconciliation/files"
ORDERS = sold(3)
REPORT = report([charge_of(order) for order in ORDERS])
STATEMENT = write("camt", ENTRIES)


async def pieces(content: bytes, size: int = 50) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def put(client: httpx.AsyncClient, content: bytes, name: str | None) -> httpx.Response:
    params = {} if name is None else {"name": name}
    return await client.post(PATH, params=params, content=pieces(content))


async def test_a_report_is_read_and_known_when_it_comes_again(server: Server) -> None:
    async with server.client("files:write") as client:
        first = await put(client, REPORT, "day.csv")
        assert first.status_code == 200, first.text
        told = first.json()
        assert told | {"file_id": ""} == {
            "file_id": "",
            "name": "day.csv",
            "source": "stripe",
            "state": "read",
            "lines": 3,
            "new": 3,
            "corrected": 0,
            "first_day": str(DAY),
            "last_day": str(DAY),
            "trouble_count": 0,
            "troubles": [],
        }
        again = (await put(client, REPORT, None)).json()
        assert (again["file_id"], again["state"], again["new"]) == (told["file_id"], "known", 0)
        half = (await put(client, REPORT[:-20], "half.csv")).json()
        assert (half["state"], half["lines"], half["new"]) == ("read_in_part", 2, 0)
        assert half["troubles"][0]["kind"] == "cut_off"
        statement = (await put(client, STATEMENT, "../../bank.xml")).json()
        assert (statement["source"], statement["name"]) == ("bank", "bank.xml")


# fmt: off
REFUSED = [
    # what is sent                  called         what is said of it
    (b"never,heard\n1,2\n",         "notes.txt",   "notes.txt is no settlement report and no bank"),
    (b"",                           None,          "file is no settlement report and no bank"),
    (b"date,amount\n",              "bank.csv",    "bank.csv is a CSV statement, and nobody said"),
    (b"balance_transaction_id\nx",  "day.csv",     "Nothing of day.csv could be read."),
]
# fmt: on


@pytest.mark.parametrize(("content", "name", "said"), REFUSED)
async def test_a_file_that_is_none_is_refused_each_time(
    server: Server, content: bytes, name: str | None, said: str
) -> None:
    async with server.client("all") as client:
        answer = await put(client, content, name)
        assert slug(answer) == (422, "file-not-understood")
        assert answer.json()["detail"].startswith(said)
        assert "/tmp" not in answer.json()["detail"]
        assert slug(await put(client, content, name)) == (422, "file-not-understood")


async def test_what_is_too_long_or_not_allowed_is_not_read(server: Server) -> None:
    async with server.client("all") as client, server.client("breaks:write") as other:
        assert slug(await put(client, b"x" * (MOST_FILE_BYTES + 1), "a")) == (413, "body-too-large")
        declared = await client.post(PATH, content=b"x" * (MOST_FILE_BYTES + 1))
        assert slug(declared) == (413, "body-too-large")
        assert slug(await put(other, REPORT, "a")) == (403, "missing-scope")
        for params in ({"nam": "a"}, {"name": ""}, {"name": "x" * 256}):
            answer = await client.post(PATH, params=params, content=REPORT)
            assert slug(answer) == (400, "invalid-parameter")


async def test_its_days_are_compared_by_the_next_round(
    server: Server, pool: Pool, owner: PlainConnection, tmp_path: Path
) -> None:
    await store(owner, ORDERS)
    async with server.client("all") as client:
        await put(client, REPORT, "day.csv")
        await put(client, STATEMENT, "bank.xml")
    asked = "select count(*) from reconciliation.days where asked_at is not null"
    assert await pool.fetchval(asked) == 2
    night = Night(pool, tmp_path, ToldPsp({}))
    await night.job.round()
    assert await pool.fetchval(asked) == 0
    assert await pool.fetchval("select sum(matched_count) from reconciliation.runs") == 3


async def test_both_clients_send_what_lies_on_the_disk(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_bytes(REPORT)
    with client_of(server) as client:
        told = client.reconciliation.upload(path)
        assert (told.source, told.state, told.lines, told.first_day) == ("stripe", "read", 3, DAY)
        bad = tmp_path / "bad.txt"
        bad.write_bytes(b"nothing")
        with pytest.raises(FileNotUnderstood, match=r"bad\.txt is no settlement report"):
            client.reconciliation.upload(bad)
    async with AsyncClient(server.url, server.tokens["all"]) as patient:
        again = await patient.reconciliation.upload(path, name="other.csv")
        assert (again.file_id, again.state) == (told.file_id, "known")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("statement 2026-03.xml", "statement 2026-03.xml"),
        ("../../etc/passwd", "passwd"),
        ("C:\\bank\\nov.csv", "nov.csv"),
        (".hidden", "hidden"),
        ("\u202eevil\n.csv", "_evil_.csv"),
        ("..", "file"),
        ("x" * 300 + ".csv", "x" * 116 + ".csv"),
    ],
)
def test_a_name_is_a_name_and_no_path(given: str, kept: str) -> None:
    assert clean_name(given) == kept
