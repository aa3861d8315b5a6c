"""Behind the demo's scenes: the sandbox's own API, by which its world is moved and goes wrong."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import aiohttp

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import UnavailableError

_PAGE: Final = 5_000
_TOOK: Final = "succeeded"
_GAVE: Final = frozenset({"succeeded", "pending"})


class Backstage:
    """The sandbox by its address, without a slash at the end.

    All raise UnavailableError when it does not answer, or does not do as it is told.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    async def get(self, path: str) -> Any:
        """What it answers."""
        return await self._call("GET", path, None)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Tell it something."""
        return await self._call("POST", path, body)

    async def calm(self) -> None:
        """Let the PSPs answer at once and without trouble from now on."""
        await self._call("DELETE", "/_sandbox/rates", None)
        await self.post("/_sandbox/settings", {"latency": {}})

    async def lose_webhooks(self) -> None:
        """Let no PSP's webhook arrive any more."""
        await self.post("/_sandbox/mischief", {"*": {"drop": 1.0}})

    async def now(self) -> datetime:
        """The sandbox's time."""
        return datetime.fromisoformat((await self.get("/_sandbox/clock"))["now"])

    async def move_to(self, moment: datetime) -> timedelta:
        """Move its clock on, and let what is due by then happen; how far it is ahead of ours."""
        by = (moment - await self.now()).total_seconds()
        moved = await self.post("/_sandbox/clock", {"advance_seconds": max(by, 0.0)})
        return timedelta(seconds=moved["ahead_seconds"])

    async def act(self, psp: str, action: str, reference: str) -> None:
        """Have a PSP do something to one of its objects."""
        await self.post("/_sandbox/actions", {"psp": psp, "action": action, "id": reference})

    async def spoil(self, fault: str, psp: str, match: str) -> None:
        """Let a PSP's reports (or the bank, for ``bank``) be wrong about one thing."""
        order = {"fault": fault, "psp": psp, "match": match}
        await self.post("/_sandbox/settlement-faults", order)

    async def statements(self) -> list[tuple[str, bytes]]:
        """The bank's statements so far, in one of its formats: names and contents."""
        found = (await self.get("/bank/documents"))["documents"]
        return [
            (each["name"], each["document"].encode(each["encoding"]))
            for each in found
            if each["name"].startswith("camt.053-")
        ]

    async def taken(self) -> Counter[tuple[str, str]]:
        """What the PSPs really took from buyers less what they gave back, by PSP and currency."""
        sums: Counter[tuple[str, str]] = Counter()
        after: int | None = 0
        while after is not None:
            page = await self.get(f"/_sandbox/truth?status={_TOOK}&limit={_PAGE}&after={after}")
            for charge in page["charges"]:
                sums[charge["psp"], charge["currency"]] += charge["amount_minor"]
            after = page["next"]
        for refund in (await self.get("/_sandbox/truth/refunds"))["refunds"]:
            if refund["status"] in _GAVE:
                sums[refund["psp"], refund["currency"]] -= refund["amount_minor"]
        return sums

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        try:
            async with (
                aiohttp.ClientSession(raise_for_status=True) as session,
                session.request(method, f"{self._url}{path}", json=body) as answer,
            ):
                return await answer.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            told = f"The sandbox did not take {method} {path} ({type(error).__name__})."
            raise UnavailableError(told) from error


class LaterClock:
    """Another clock, ahead of it: the time of a night that has not come yet."""

    def __init__(self, clock: Clock, ahead: timedelta) -> None:
        self._clock = clock
        self._ahead = ahead

    def now(self) -> datetime:
        return self._clock.now() + self._ahead

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
