"""Statements over HTTP: three formats of one thing, and what a query may hold."""

import csv
import io

import httpx
import pytest

PATH = "/v1/wallets/seller-1/statement"
MARCH = {"currency": "USD", "from": "2026-03-01", "to": "2026-04-01"}


async def get(client: httpx.AsyncClient, accept: str | None = None, **query: str) -> httpx.Response:
    headers = {"Accept": accept} if accept else {}
    return await client.get(PATH, params=MARCH | query, headers=headers)


async def test_as_json(client: httpx.AsyncClient) -> None:
    answer = await get(client)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert (body["from"], body["to"]) == ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z")
    assert body["opening"] == {
        "pending": "13.34", "available": "0.00", "reserved": "-0.05", "total": "13.29",
    }  # fmt: skip
    assert body["closing"]["available"] == "1.00"
    [line] = body["lines"]
    assert (line["number"], line["kind"], line["reference"]) == (4, "matured", "=cart-1,<b>")
    assert line["change"]["pending"] == "-1.00"
    assert line["after"] == body["closing"]
    assert body["line_count"] == 1


async def test_as_csv(client: httpx.AsyncClient) -> None:
    answer = await get(client, format="csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="statement-USD-20260301-20260401.csv"' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["kind"] for row in rows] == ["opening", "matured", "closing"]
    # No spreadsheet takes a reference for a formula.
    assert rows[1]["reference"] == "'=cart-1,<b>"
    assert (rows[1]["pending"], rows[1]["available"]) == ("-1.00", "1.00")
    assert [row["pending_after"] for row in rows] == ["13.34", "12.34", "12.34"]


async def test_as_a_page(client: httpx.AsyncClient) -> None:
    answer = await get(client, format="html")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "=cart-1,&lt;b&gt;" in answer.text
    assert "<b>" not in answer.text
    assert "Became available" in answer.text
    assert "Opening balance" in answer.text
    assert "\N{MINUS SIGN}1.00" in answer.text
    assert "@media print" in answer.text
    assert "prefers-color-scheme: dark" in answer.text


ACCEPTED = [
    # Accept                                       format given    answered as
    (None,                                         None,           "application/json"),
    ("text/csv",                                   None,           "text/csv"),
    ("text/html,application/xhtml+xml,*/*;q=0.8",  None,           "text/html"),
    ("application/json, text/csv",                 None,           "application/json"),
    ("image/png",                                  None,           "application/json"),
    ("text/html",                                  "csv",          "text/csv"),
]  # fmt: skip


@pytest.mark.parametrize(("accept", "wanted", "answered"), ACCEPTED)
async def test_which_format(
    client: httpx.AsyncClient, accept: str | None, wanted: str | None, answered: str
) -> None:
    answer = await get(client, accept, **({"format": wanted} if wanted else {}))
    assert answer.headers["content-type"].startswith(answered)
    assert answer.headers["vary"] == "Accept"


FAULTS = [
    # what is asked                                      which parameter is at fault
    ({"currency": "usd"},                                "currency"),
    ({"from": "2026-13-01"},                             "from"),
    ({"from": "2026-03-01T00:00:00"},                    "from"),
    ({"to": "2026-03-01"},                               "to"),
    ({"to": "2026-02-01T00:00:00+01:00"},                "to"),
    ({"format": "pdf"},                                  "format"),

]  # fmt: skip


@pytest.mark.parametrize(("query", "parameter"), FAULTS)
async def test_what_a_query_cannot_be(
    client: httpx.AsyncClient, query: dict[str, str], parameter: str
) -> None:
    answer = await get(client, **query)
    assert answer.status_code == 400
    assert [fault["parameter"] for fault in answer.json()["errors"]] == [parameter]


async def test_what_must_be_given(client: httpx.AsyncClient) -> None:
    answer = await client.get(PATH)
    assert [fault["parameter"] for fault in answer.json()["errors"]] == ["currency", "from", "to"]


async def test_who_may_read_it(client: httpx.AsyncClient) -> None:
    client.headers["Authorization"] = "Bearer payments:read"
    assert (await get(client)).status_code == 403
    client.headers["Authorization"] = "Bearer wallets:read"
    assert (await get(client)).status_code == 200
    assert (await get(client, currency="JPY")).status_code == 404
