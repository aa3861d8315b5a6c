"""Margins over HTTP, and what a query may hold."""

import httpx
import pytest

PATH = "/v1/wallets/seller-1/margin"
MARCH = {"from": "2026-03-01", "to": "2026-04-01"}


async def test_a_margin_is_told_in_decimal_strings_and_whole_basis_points(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get(PATH, params=MARCH)
    assert answer.status_code == 200
    assert answer.json() == {
        "seller_account": "seller-1",
        "from": "2026-03-01T00:00:00Z",
        "to": "2026-04-01T00:00:00Z",
        "margins": [
            {
                "currency": "USD",
                "sales": 3,
                "volume": "90.00",
                "refunded": "5.00",
                "fees": "2.90",
                "fees_basis_points": 322,
                "settled_sales": 2,
                "settled_volume": "60.00",
                "settled_fees": "1.90",
                "costs": "2.00",
                "margin": "-0.10",
                "margin_basis_points": -17,
                "waiting_sales": 1,
                "waiting_volume": "30.00",
            }
        ],
    }
    other = await client.get(PATH, params=MARCH | {"currency": "EUR"})
    assert other.json()["margins"] == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"from": "2026-03-01"}, "to"),
        ({"to": "2026-03-01"}, "from"),
        ({"from": "2026-03-01", "to": "2026-03-01"}, "to"),
        ({"from": "March", "to": "2026-03-01"}, "from"),
        (MARCH | {"currency": "usd"}, "currency"),
        (MARCH | {"format": "csv"}, "format"),
    ],
)
async def test_what_a_query_may_not_hold(
    client: httpx.AsyncClient, query: dict[str, str], parameter: str
) -> None:
    answer = await client.get(PATH, params=query)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-parameter")
    assert parameter in [fault["parameter"] for fault in answer.json()["errors"]]
