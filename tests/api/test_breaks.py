"""Breaks over real HTTP: listed, shown, decided by two keys, handed on and reopened."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.api.conftest import Server
from tests.reconciliation.days import charge_of, sold, store
from tests.reconciliation.test_office import House

from clearhouse.postgres.connection import PlainConnection, Pool

PATH = "/v1/breaks"


def slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


@pytest.fixture
async def names(pool: Pool, owner: PlainConnection, tmp_path: Path) -> Sequence[str]:
    """Two breaks: one of 5.00, one of 100.00."""
    orders = [replace(order, currency="USD") for order in sold(4)]
    await store(owner, orders)
    lines = [charge_of(order) for order in orders]
    for place, minor in enumerate((500, 100_00)):
        lines[place] = replace(lines[place], gross=lines[place].gross + minor)
    house = House(pool, tmp_path)
    await house.read(lines)
    await house.day()
    rows = await pool.fetch("select break_id from reconciliation.breaks order by at_stake_minor")
    return [str(row["break_id"]) for row in rows]


async def test_breaks_are_decided_up_to_the_limit_by_one_key(
    server: Server, names: Sequence[str]
) -> None:
    small, large = names
    async with server.client("all") as ada, server.client("other") as bob:
        listed = (await ada.get(PATH, params={"cause": "amount_differs"})).json()["items"]
        assert [one["break_id"] for one in listed] == [large, small]
        shown = (await ada.get(f"{PATH}/{small}")).json()
        assert shown["would_book"] == [
            {
                "debit": "psp_receivable:stripe:USD",
                "credit": "adjustments:USD",
                "amount": "5.00",
            }
        ]
        said = {"deed": "accept", "reason": "a tip"}
        done = await ada.post(f"{PATH}/{small}/decisions", json=said)
        assert (done.status_code, done.json()["state"]) == (200, "mended")
        again = await ada.post(f"{PATH}/{small}/decisions", json=said)
        assert slug(again) == (409, "break-not-decidable")
        opened = await bob.post(f"{PATH}/{small}/reopening", json={"reason": "no tip"})
        assert opened.json()["state"] == "open"
        asked = await ada.post(f"{PATH}/{large}/decisions", json=said)
        assert asked.json()["state"] == "open"
        assert slug(await ada.post(f"{PATH}/{large}/decisions", json=said)) == (
            *(409, "second-person-needed"),
        )
        passed = await bob.post(f"{PATH}/{large}/decisions", json=said)
        assert passed.json()["state"] == "mended"
        closed = (await ada.get(PATH, params={"state": "closed"})).json()["items"]
        assert [one["break_id"] for one in closed] == [large]


async def test_breaks_are_handed_on_and_talked_about(server: Server, names: Sequence[str]) -> None:
    async with server.client("all") as client:
        mine = await client.post(f"{PATH}/{names[0]}/assignment", json={"owner": "ada"})
        assert mine.json()["owner"] == "ada"
        await client.post(f"{PATH}/{names[0]}/comments", json={"note": "asked them"})
        history = (await client.get(f"{PATH}/{names[0]}")).json()["history"]
        assert [one["deed"] for one in history] == ["opened", "assigned", "commented"]


BAD = (422, "validation-failed")
GOOD = {"deed": "accept", "reason": "x"}
WRONG: list[tuple[str, dict[str, str], tuple[int, str]]] = [
    ("nobody/decisions", GOOD, (404, "not-found")),
    ("{0}/decisions", {**GOOD, "deed": "forget"}, BAD),
    ("{0}/decisions", {"deed": "accept"}, BAD),
    ("{0}/decisions", {**GOOD, "amount": "1.005"}, BAD),
    ("{0}/comments", {"note": ""}, BAD),
    ("{0}/reopening", {"reason": "it is open"}, (409, "conflict")),
]


@pytest.mark.parametrize(("path", "body", "answer"), WRONG)
async def test_what_makes_no_sense_is_refused(
    server: Server,
    names: Sequence[str],
    path: str,
    body: dict[str, str],
    answer: tuple[int, str],
) -> None:
    async with server.client("all") as client:
        assert slug(await client.post(f"{PATH}/{path.format(*names)}", json=body)) == answer
    async with server.client("breaks:read") as reader:
        told = await reader.post(f"{PATH}/{names[0]}/comments", json={"note": "hello"})
        assert slug(told) == (403, "missing-scope")
