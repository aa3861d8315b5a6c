"""The shop after the sale: it gives money back, in parts, twice at once, and never gives up asking.

Each refund has a key of its own and is asked for until it is answered, so whatever was killed in
between, each happens once or is refused for good.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import aiohttp

from clearhouse.kernel.money import exponent
from clearhouse.kernel.randomness import SeededRandomness

_RETURNED = 0.35
_ASKS = 3
_PAUSE = 0.7
_LONGEST_ASKING = 240.0
_PATIENCE = aiohttp.ClientTimeout(total=15)
_REFUSALS = frozenset({"refund-exceeds-capture", "order-not-refundable"})


@dataclass(frozen=True)
class Return:
    """One refund to ask for; ``amount`` None is all that is left."""

    order: str
    key: str
    amount: str | None

    @property
    def body(self) -> dict[str, str]:
        """What is sent."""
        return {} if self.amount is None else {"amount": self.amount}


@dataclass
class Shop:
    """The shop of one round; ``granted`` holds refund ids by key, ``refused`` problem types."""

    api_url: str
    key: str
    seed: int
    granted: dict[str, str] = field(default_factory=dict[str, str])
    refused: dict[str, str] = field(default_factory=dict[str, str])
    odd: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self._randomness = SeededRandomness(self.seed)
        self._tasks: list[asyncio.Task[None]] = []

    def sold(self, orders: Iterable[str]) -> None:
        """Decide what comes back of a sale."""
        for order in sorted(orders):
            if self._draw() < _RETURNED:
                share = 0.2 + 0.6 * self._draw()
                self._tasks.append(asyncio.create_task(self._take_back(order, share)))

    async def served(self) -> None:
        """Wait until every return that was begun has its answer."""
        async with asyncio.timeout(_LONGEST_ASKING):
            await asyncio.gather(*self._tasks)
        self._tasks.clear()

    async def _take_back(self, order: str, share: float) -> None:
        """Some returns at once, each of the same share: what is too much is refused."""
        async with self._session() as session:
            told = await self._final(session, order)
            if told is None or told["status"] != "SUCCESS":
                return
            amount = _part(told["captured_amount"], told["currency"], share)
            wanted = [Return(order, f"{order}-back-{n}", amount) for n in range(_ASKS)]
            wanted.append(Return(order, f"{order}-rest", None))
            await asyncio.gather(*(self._ask(session, one) for one in wanted))

    async def _final(self, session: aiohttp.ClientSession, order: str) -> dict[str, Any] | None:
        """The order once it is final; None for one that is only held."""
        while True:
            status, told = await self._call(session, "GET", f"/v1/payments/{order}")
            if status == 200 and told["capture"] == "manual":
                return None
            if status == 200 and told["status"] in {"SUCCESS", "FAILED"}:
                return told
            await asyncio.sleep(_PAUSE)

    async def _ask(self, session: aiohttp.ClientSession, wanted: Return) -> None:
        path = f"/v1/payments/{wanted.order}/refunds"
        while True:
            headers = {"Idempotency-Key": wanted.key}
            status, told = await self._call(session, "POST", path, wanted.body, headers)
            kind = str(told.get("type", "")).rpartition("/")[2]
            if status == 202:
                self.granted[wanted.key] = told["refund_id"]
                return
            if kind in _REFUSALS:
                self.refused[wanted.key] = kind
                return
            if status != 429 and 0 < status < 500:
                self.odd.append(f"{wanted}: {status} {told}")
                return
            await asyncio.sleep(_PAUSE)

    async def _call(
        self,
        session: aiohttp.ClientSession,
        method: str,
        path: str,
        body: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        try:
            address = self.api_url + path
            async with session.request(method, address, json=body, headers=headers) as reply:
                return reply.status, await reply.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0, {}

    def _session(self) -> aiohttp.ClientSession:
        headers = {"Authorization": f"Bearer {self.key}"}
        return aiohttp.ClientSession(headers=headers, timeout=_PATIENCE)

    def _draw(self) -> float:
        return self._randomness.uniform(0, 1 - 1e-9)


def _part(amount: str, currency: str, share: float) -> str:
    """A share of an amount, of at least one minor unit, which Stripe takes in any currency."""
    digits = exponent(currency)
    step = Decimal(1).scaleb(-min(digits, 2))
    part = (Decimal(amount) * Decimal(round(share * 1000)) / 1000).quantize(step)
    return f"{max(part, step):.{digits}f}"
