"""kill -9 of the payout worker at every step, with the sandbox's bank: nobody is paid twice."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

import pytest
from tests import forked
from tests.end_to_end.dying_payer import LEASE, MOMENTS, rail_in, work_until_death
from tests.payouts.house import an_account, ask, desk, left, seller, wanted
from tests.payouts.sandbox_bank import Bank, core_over
from tests.payouts.tills import Hands
from tests.proof.flow import consume
from tests.proof.test_money_back import findings

from clearhouse.postgres.connection import Pool
from clearhouse.wallets.payouts.model import PayoutStatus

HOLDERS = ("Ann Seller", "Reject AC04", "Return MD07", "Bob Seller")
P = PayoutStatus


async def worker_dies(database: str, folder: Path, moment: str, bank: Bank) -> None:
    told = {"database": database, "folder": str(folder), "moment": moment}
    process = forked.start(work_until_death, told)
    async with asyncio.timeout(90):
        while process.is_alive():
            bank.work()
            await asyncio.sleep(0.05)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_dead_payout_worker_pays_nobody_twice(
    pool: Pool, database: str, tmp_path: Path, moment: str
) -> None:
    folder = tmp_path / "sepa"
    rail = rail_in(folder)
    bank = Bank(core_over(tmp_path))
    names: list[str] = []
    for number, holder in enumerate(HOLDERS):
        await seller(pool, f"seller-{number}", 5_000, account=an_account(holder))
        names.append((await ask(pool, wanted(f"seller-{number}", 1_000 + number))).public_id)
    await worker_dies(database, folder, moment, bank)
    await asyncio.sleep(LEASE.total_seconds())
    survivor = Hands(pool, rail, lease=LEASE)
    for days in (0, 0, 1, 3, 5, 0):
        bank.work(days=days)
        await survivor.rounds(3)
        await asyncio.sleep(0.05)
    payments = bank.payments()
    assert Counter(one["key"] for one in payments) == Counter({name[3:]: 1 for name in names})
    assert [one["status"] for one in payments] == ["paid", "rejected", "returned", "paid"]
    assert len(list((folder / "kept").iterdir())) == 1
    found = [(await desk(pool).payout(name)).status for name in names]
    assert found == [P.PAID, P.FAILED, P.RETURNED, P.PAID]
    assert [await left(pool, f"seller-{n}") for n in range(4)] == [4_000, 5_000, 5_000, 3_997]
    assert await pool.fetchval("select count(*) from wallets.dead_letters") == 0
    await consume(pool)
    assert await findings(database) == {}
