"""``clearhouse webhooks`` by hand: endpoints with their secrets, deliveries, and sending again."""

import json
from base64 import b64encode
from typing import Any

import asyncpg
import pytest
from tests.cli.command import run
from tests.cli.test_commands import complaint
from tests.webhooks.merchant import IDS, dispatcher, tell
from tests.webhooks.test_deliveries import success

from clearhouse.postgres.connection import Pool

URL = "http://127.0.0.1:9999/in"
NOBODY = "we_019ca8d5a4c17d0e9b1e6a5f0c3b2d41"


class Hand:
    """The command, on one database."""

    def __init__(self, database: str) -> None:
        self._settings = {
            "CLEARHOUSE_DATABASE_URL": database,
            "CLEARHOUSE_ENCRYPTION_KEYS": f"t={b64encode(b'k' * 32).decode()}",
            "CLEARHOUSE_WEBHOOKS_PRIVATE_DESTINATIONS": "yes",
        }

    def __call__(self, *words: str, code: int = 0) -> Any:
        told = run("webhooks", *words, settings=self._settings)
        assert told.returncode == code, told.stderr
        return told

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json").stdout)


@pytest.fixture
def hand(database: str) -> Hand:
    return Hand(database)


async def test_an_endpoint_is_made_changed_and_deleted_and_all_of_it_is_noted(
    hand: Hand, owner: asyncpg.Connection
) -> None:
    secret = hand("create", URL, "--event", "refund.*", "--seller", "tea").stdout.strip()
    assert secret.startswith("whsec_")
    [endpoint] = hand.json("endpoints")
    name = endpoint["endpoint_id"]
    assert (endpoint["url"], endpoint["events"], endpoint["seller_account"]) == (
        URL, ["refund.*"], "tea",
    )  # fmt: skip
    shown = hand("endpoints").stdout
    assert name in shown
    assert "refund.*; of tea" in shown
    newer = hand("rotate", name, "--overlap-hours", "1").stdout.strip()
    assert newer.startswith("whsec_")
    assert newer != secret
    hand("disable", name, "--reason", "moving")
    assert "disabled: moving" in hand("endpoints").stdout
    assert "switched off" in complaint(hand("test", name, code=4).stderr)
    hand("enable", name)
    assert "webhooks deliveries" in hand("test", name).stdout
    hand("delete", name)
    assert "no webhook endpoint" in hand("endpoints").stderr
    rows = await owner.fetch("select action, actor, reason from access.audit_log order by entry_id")
    assert [row["action"].split(".")[1] for row in rows] == [
        "created", "secret_rotated", "disabled", "enabled", "deleted",
    ]  # fmt: skip
    assert rows[2]["reason"] == "moving"
    assert secret not in str([dict(row) for row in rows])


async def test_what_failed_is_listed_shown_and_sent_again(hand: Hand, pool: Pool) -> None:
    hand("create", URL)
    [endpoint] = hand.json("endpoints")
    name = endpoint["endpoint_id"]
    assert "Nothing was sent" in hand("deliveries", name).stderr
    await tell(pool, *(success(f"o-{n}", IDS.new()) for n in range(3)))
    await dispatcher(pool).step()
    hand("disable", name)
    hand("enable", name)
    failed = hand.json("deliveries", name, "--state", "failed")
    assert {one["object_id"] for one in failed} == {"o-2", "o-1", "o-0"}
    message, about = failed[0]["message_id"], failed[0]["object_id"]
    assert "payment_order.succeeded" in hand("deliveries", name).stdout
    shown = hand("deliveries", name, message).stdout
    assert f'"payment_order_id":"{about}"' in shown
    whole = hand.json("deliveries", name, message)
    assert whole["payload"]["data"]["amount"] == "10.00"
    assert whole["log"]
    hand("resend", name, message)
    assert "Sent again: 2." in hand("resend", name, "--since", "2026-01-01").stderr
    assert len(hand.json("deliveries", name, "--state", "waiting")) == 3


WRONG = [
    (("create", "https://user@shop.com/"), 2, "The endpoint is not valid."),
    (("create", URL, "--event", "sale.*"), 2, "The endpoint is not valid."),
    (("rotate", "we_1"), 4, "There is no webhook endpoint we_1."),
    (("delete", NOBODY), 4, "There is no webhook endpoint with this id."),
    (("deliveries", NOBODY, "msg_1"), 4, "There is no message msg_1."),
    (("deliveries", NOBODY, "--state", "lost"), 2, "There is no state lost."),
    (("resend", NOBODY), 2, "Say which: a message, or --since a time."),
    (("resend", NOBODY, "--since", "noon"), 2, "'noon' is no time."),
    (("resend", NOBODY, "--since", "2026-01-01"), 4, "There is no webhook endpoint with this id."),
]


def test_mistakes_are_told_in_one_line(hand: Hand) -> None:
    for words, code, told in WRONG:
        assert told in complaint(hand(*words, code=code).stderr)


def test_without_keys_nothing_is_begun(database: str) -> None:
    settings = {"CLEARHOUSE_DATABASE_URL": database}
    for words in (("webhooks", "endpoints"), ("work", "--only", "webhooks")):
        told = run(*words, settings=settings)
        assert told.returncode == 2
        assert "Error: CLEARHOUSE_ENCRYPTION_KEYS is not set." in told.stderr
        assert "Traceback" not in told.stderr
