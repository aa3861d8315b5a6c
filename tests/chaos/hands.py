"""The hands of buyers, banks and reviewers at the PSPs: they decide what waits to be decided.

They work on the sandbox's control API, as a person would on its page.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from clearhouse.kernel.randomness import SeededRandomness

DUTIES = frozenset({"approve", "approve_review", "refuse_review", "win", "lose"})
"""The buttons that somebody has to press, sooner or later."""
WHIMS = frozenset({"dispute", "fail_refund"})
"""Those that are pressed for some objects, while faults and mischief go on."""
_MOST_PRESSES = 2
_AT_TIMES = 0.2
_PAUSE = 0.3
_AWAY = (aiohttp.ClientError, TimeoutError)
_PATIENCE = aiohttp.ClientTimeout(total=10)


@dataclass
class Hands:
    """Presses buttons at the sandbox until told to stop, then decides all that is left."""

    sandbox_url: str
    seed: int
    pressed: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        self._randomness = SeededRandomness(self.seed)
        self._presses: dict[tuple[str, str], int] = {}
        self._wild = True

    async def work(self) -> None:
        """Decide things at random until cancelled."""
        while True:
            await self.decide(all_of_it=False)
            await asyncio.sleep(_PAUSE)

    async def decide(self, *, all_of_it: bool) -> int:
        """Look once at all that can be done; returns how much was done."""
        done = 0
        with contextlib.suppress(*_AWAY):
            async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
                board = await self._get(session, "board?limit=10000")
                for charge in board["charges"]:
                    done += await self._charge(session, charge, all_of_it=all_of_it)
                for one in board["objects"]:
                    done += await self._buttons(session, one, all_of_it=all_of_it)
        return done

    async def calm(self) -> None:
        """Stop all faults and mischief, and have brought what was lost.

        Waits for a sandbox that is starting again.
        """
        self._wild = False

        async def stop(session: aiohttp.ClientSession) -> None:
            for what in ("faults", "rates", "mischief"):
                async with session.delete(f"{self.sandbox_url}/_sandbox/{what}") as reply:
                    reply.raise_for_status()
            async with session.post(f"{self.sandbox_url}/_sandbox/deliveries") as reply:
                reply.raise_for_status()

        await self._until_done(stop)

    async def wild(self, rates: dict[str, float], mischief: dict[str, float]) -> None:
        """Let calls fail and webhooks err, at every PSP, in these shares."""

        async def start(session: aiohttp.ClientSession) -> None:
            for path, shares in (("rates", rates), ("mischief", mischief)):
                address = f"{self.sandbox_url}/_sandbox/{path}"
                async with session.post(address, json={"*": shares}) as reply:
                    reply.raise_for_status()

        await self._until_done(start)

    async def move_clock(self, days: float) -> None:
        """Let the PSPs' time pass."""
        async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
            await self._post(session, "clock", {"days": days})

    async def _charge(
        self, session: aiohttp.ClientSession, charge: dict[str, Any], *, all_of_it: bool
    ) -> int:
        done = 0
        if charge["url"] and (all_of_it or self._draw() < _AT_TIMES):
            result = "complete" if self._draw() < 0.7 else "fail"
            async with session.post(
                charge["url"], data={"result": result}, allow_redirects=False
            ) as reply:
                done += self._count(f"3-D Secure {result}", reply.status < 400)
        for one in (charge, *charge["refunds"], *charge["disputes"]):
            done += await self._buttons(session, one, all_of_it=all_of_it)
        return done

    async def _buttons(
        self, session: aiohttp.ClientSession, one: dict[str, Any], *, all_of_it: bool
    ) -> int:
        """Press one of an object's buttons: a duty sooner or later, a whim for some, once."""
        offered = {action["name"] for action in one["actions"]}
        key = (one["psp"], one["id"])
        met = self._presses.get(key, 0)
        if names := sorted(offered & DUTIES):
            pressed = met < _MOST_PRESSES and (all_of_it or self._draw() < _AT_TIMES)
        else:
            names = sorted(offered & WHIMS)
            pressed = bool(names) and self._wild and not met and self._draw() < _AT_TIMES
            self._presses[key] = met or int(bool(names))
        if not pressed:
            return 0
        self._presses[key] = met + 1
        name = names[int(self._draw() * len(names))]
        call = {"psp": one["psp"], "account": one["account"], "id": one["id"], "action": name}
        return self._count(name, await self._post(session, "actions", call) == 200)

    def _count(self, name: str, worked: bool) -> int:
        if worked:
            self.pressed[name] = self.pressed.get(name, 0) + 1
        return int(worked)

    def _draw(self) -> float:
        return self._randomness.uniform(0, 1 - 1e-9)

    async def _get(self, session: aiohttp.ClientSession, path: str) -> Any:
        async with session.get(f"{self.sandbox_url}/_sandbox/{path}") as reply:
            return await reply.json()

    async def _post(self, session: aiohttp.ClientSession, path: str, body: object) -> int:
        async with session.post(f"{self.sandbox_url}/_sandbox/{path}", json=body) as reply:
            return reply.status

    async def _until_done(self, work: Callable[[aiohttp.ClientSession], Awaitable[None]]) -> None:
        while True:
            try:
                async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
                    await work(session)
                    return
            except _AWAY:
                await asyncio.sleep(0.2)
