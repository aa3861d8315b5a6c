"""A worker that is killed at one exact moment of its first call to the PSP."""

import asyncio
import os
import signal
from datetime import timedelta
from typing import Any

from tests.disputes.rooms import execution as dispute_execution
from tests.operations.desk import CLOCK, Desk

from clearhouse.postgres.connection import open_pool
from clearhouse.psp import registry
from clearhouse.psp.contract import PspConfig
from clearhouse.workers.disputes import DisputeWorker
from clearhouse.workers.operator import Operator

LEASE = timedelta(seconds=1)
DEADLY = frozenset({"refund", "capture", "void", "send_evidence", "accept_dispute"})


class Deadly:
    """An adapter whose caller dies with the call: ``before`` it goes out, or ``after``."""

    def __init__(self, adapter: Any, moment: str) -> None:
        self._adapter = adapter
        self._moment = moment

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._adapter, name)
        if name not in DEADLY:
            return found

        async def call(*args: Any) -> Any:
            if self._moment == "after":
                await found(*args)
            os.kill(os.getpid(), signal.SIGKILL)

        return call


async def main(told: dict[str, Any]) -> None:
    """Work until death."""
    pool = await open_pool(told["database"], size=4, name="dying")
    config = PspConfig(told["credentials"], told["base_url"], 30.0, 8)
    psp: Any = Deadly(registry.create(told["psp"], config), told["moment"])
    while True:
        await Operator(Desk(pool, lease=LEASE).execution, psp, CLOCK, concurrency=4).round()
        await DisputeWorker(dispute_execution(pool, lease=LEASE), psp, CLOCK).round()
        await asyncio.sleep(0.01)


def work_until_death(told: dict[str, Any]) -> None:
    """Of a process; it is told the database, how to reach the PSP, and when to die."""
    asyncio.run(main(told))
