"""`clearhouse verify` as people run it: what it asks the PSPs, what it says, and how it ends."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.cli.command import run
from tests.proof.shops import charge_behind_our_back, sell

from clearhouse.postgres.connection import Pool
from clearhouse.psp import registry
from clearhouse.psp.contract import PspConfig
from clearhouse.sandbox.server import running

KEY = "sk_test_verify_command"


async def verify(settings: Mapping[str, str], *options: str) -> Any:
    return await asyncio.to_thread(run, "verify", *options, settings=settings)


async def test_a_foreign_charge_ends_it_with_1_and_only_where_the_psp_is_asked(
    database: str, pool: Pool
) -> None:
    with running() as sandbox:
        settings = {
            "CLEARHOUSE_DATABASE_URL": database,
            "CLEARHOUSE_PSP_STRIPE_SECRET_KEY": KEY,
            "CLEARHOUSE_PSP_STRIPE_BASE_URL": sandbox.base_url,
        }
        config = PspConfig({"secret_key": KEY}, sandbox.base_url, 30.0, 4)
        adapter: Any = registry.create("stripe", config)
        await sell(pool, adapter, {"tea": "pm_card_visa"})

        good = await verify(settings)
        assert good.returncode == 0, good.stdout + good.stderr
        assert good.stdout.splitlines()[-1] == "Every promise holds, here and at stripe."

        foreign = await charge_behind_our_back(adapter, "of-somebody-else")
        await adapter.close()
        bad = await verify(settings)
        assert bad.returncode == 1
        assert f"charge {foreign} of stripe over 1000 USD for of-somebody-else" in bad.stdout
        told = await verify(settings, "--json")
        assert told.returncode == 1
        verdict = json.loads(told.stdout)
        assert not verdict["holds"]
        assert [one["asked"] for one in verdict["psps"]] == [True]
        assert [one["name"] for one in verdict["checks"] if one["violations"]] == ["psp.known"]

        books = await verify(settings, "--no-psp")
        assert books.returncode == 0
        assert books.stdout.splitlines()[-1] == "Every promise holds."
        later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")
        assert (await verify(settings, "--since", later)).returncode == 0


@pytest.mark.parametrize("reachable", [False, None])
async def test_a_psp_that_is_not_asked_is_named_and_the_verdict_says_books_only(
    database: str, pool: Pool, reachable: bool | None
) -> None:
    with running() as sandbox:
        config = PspConfig({"secret_key": KEY}, sandbox.base_url, 30.0, 4)
        adapter: Any = registry.create("stripe", config)
        await sell(pool, adapter, {"tea": "pm_card_visa"})
        await adapter.close()
    settings = {"CLEARHOUSE_DATABASE_URL": database}
    if reachable is False:
        settings["CLEARHOUSE_PSP_STRIPE_SECRET_KEY"] = KEY
        settings["CLEARHOUSE_PSP_STRIPE_BASE_URL"] = sandbox.base_url
    told = await verify(settings)
    assert told.returncode == 0, told.stdout + told.stderr
    line, last = told.stdout.splitlines()[-2:]
    why = "not configured here" if reachable is None else "could not be asked: "
    assert line.startswith(f"- stripe: books only ({why}")
    assert last == "Every promise holds by our books; no PSP was asked."
    assert KEY not in told.stdout + told.stderr
