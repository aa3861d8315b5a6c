"""Payout schedules over real HTTP."""

from typing import Any

import pytest
from tests.api.conftest import Server
from tests.api.test_openapi import DOCUMENT, schema

PATH = "/v1/sellers/ann/payout-schedules"
WEEKLY = {
    "currency": "EUR",
    "rhythm": "weekly",
    "weekday": "friday",
    "at": "17:30",
    "time_zone": "Europe/Berlin",
}


async def test_a_schedule_is_set_shown_and_replaced(server: Server) -> None:
    async with server.client() as client:
        assert (await client.get(PATH)).json() == {"seller_account": "ann", "items": []}
        first = await client.put(PATH, json=WEEKLY)
        assert first.status_code == 200
        shown = first.json()
        assert shown.items() >= {**WEEKLY, "paused": False, "changed_by": "key:all"}.items()
        assert schema(DOCUMENT["components"]["schemas"]["ScheduleView"]).is_valid(shown)
        threshold = {"currency": "EUR", "rhythm": "threshold", "threshold": "50", "paused": True}
        second = (await client.put(PATH, json=threshold)).json()
        assert (second["threshold"], second["paused"], second["weekday"]) == ("50.00", True, None)
        dollars = (await client.put(PATH, json={"currency": "USD", "rhythm": "daily"})).json()
        assert (await client.get(PATH)).json()["items"] == [second, dollars]


# fmt: off
REFUSED: list[tuple[dict[str, Any], str]] = [
    # what is wrong                                    where
    ({"currency": "eur"},                              "/currency"),
    ({"currency": "XXQ"},                              "/currency"),
    ({"rhythm": "yearly"},                             "/rhythm"),
    ({"weekday": 5},                                   "/weekday"),
    ({"weekday": None},                                "/weekday"),
    ({"rhythm": "daily"},                              ""),
    ({"rhythm": "monthly"},                            ""),
    ({"rhythm": "monthly", "day": 0},                  "/day"),
    ({"threshold": "5.001"},                           "/threshold"),
    ({"at": "25:00"},                                  "/at"),
    ({"time_zone": "Mars/Olympus"},                    ""),
    ({"paused": "yes"},                                "/paused"),
    ({"colour": "red"},                                ""),
]
# fmt: on


@pytest.mark.parametrize(("wrong", "pointer"), REFUSED)
async def test_what_cannot_be_is_refused_with_its_place(
    server: Server, wrong: dict[str, Any], pointer: str
) -> None:
    async with server.client() as client:
        answer = await client.put(PATH, json=WEEKLY | wrong)
        assert answer.status_code == 422, answer.text
        assert pointer in [fault["pointer"] for fault in answer.json()["errors"]]
        assert (await client.get(PATH)).json()["items"] == []
