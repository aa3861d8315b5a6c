"""A payout worker that is killed at one exact moment."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.payouts.tills import Hands
from tests.psp.rails.files import DEBTOR

from clearhouse.postgres.connection import open_pool
from clearhouse.psp import rail_registry
from clearhouse.psp.rails import Batch, Instruction, PayoutNews, PayoutOutcome, Rail, RailConfig

LEASE = timedelta(seconds=1)
MOMENTS = (
    "formed", "called", "staged", "kept", "handed over", "answered", "settled", "read",
)  # fmt: skip


def rail_in(folder: Path) -> Rail:
    """The SEPA rail on a folder that it shares with a bank."""
    values = {"folder": str(folder), "debtor_name": "Marketplace", "debtor_iban": DEBTOR}
    return rail_registry.create("sepa", RailConfig(values))


class Deadly:
    """A rail whose caller dies with the call, or in the midst of handing a file over."""

    def __init__(self, rail: Rail, moment: str) -> None:
        self._rail, self._moment = rail, moment
        self.name, self.max_batch = rail.name, rail.max_batch
        links = [0]
        link, rename = os.link, Path.rename

        def deadly_link(*args: Any, **kwargs: Any) -> None:
            links[0] += 1
            if moment == "staged" and links[0] == 2:
                die()
            link(*args, **kwargs)

        def deadly_rename(self: Path, target: Any) -> Path:
            if moment == "kept" and Path(target).parent.name == "out":
                die()
            moved = rename(self, target)
            if moment == "handed over" and Path(target).parent.name == "out":
                die()
            return moved

        os.link = deadly_link
        Path.rename = deadly_rename  # pyright: ignore[reportAttributeAccessIssue]

    def refusal(self, instruction: Instruction) -> str | None:
        return self._rail.refusal(instruction)

    async def submit(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        if self._moment == "called":
            die()
        answer = await self._rail.submit(batch)
        if self._moment == "answered":
            die()
        return answer

    async def inquire(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        return await self._rail.inquire(batch)

    async def news(self, cursor: str | None) -> tuple[Sequence[PayoutNews], str | None]:
        news, following = await self._rail.news(cursor)
        if self._moment == "read" and news:
            die()
        return news, following

    async def close(self) -> None:
        await self._rail.close()


def die() -> None:
    """As if somebody had pulled the plug of this process."""
    os.kill(os.getpid(), signal.SIGKILL)


async def main(told: dict[str, Any]) -> None:
    """Work until death."""
    pool = await open_pool(told["database"], size=4, name="dying")
    hands = Hands(pool, Deadly(rail_in(Path(told["folder"])), told["moment"]), lease=LEASE)
    if told["moment"] == "formed":
        await hands.batching.form(hands.rail)
        die()
    while True:
        await hands.worker.round()
        if told["moment"] == "settled":
            die()
        await asyncio.sleep(0.05)


def work_until_death(told: dict[str, Any]) -> None:
    """Of a process; it is told the database, the rail's folder, and when to die."""
    asyncio.run(main(told))
