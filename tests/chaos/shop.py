"""The shop after the sale: it takes what is held or lets it go, and gives money back.

It asks for too much and for all at once. Each request has a key of its own and is repeated until it
is answered, so whatever was killed in between, each happens once or is refused for good.
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
_LONGEST_PAUSE = 4.0
_LONGEST_ASKING = 240.0
_PATIENCE = aiohttp.ClientTimeout(total=15)
_REFUSALS = frozenset({"refund-exceeds-capture", "order-not-refundable", "order-not-authorized"})
_ENDS = (
    # How a hold is ended, by share: some are captured and voided at once, some left to expire.
    (0.3, ("captures", "void")),
    (0.55, ("captures",)),
    (0.7, ("captures in part",)),
    (0.85, ("void",)),
)


@dataclass(frozen=True)
class Wish:
    """One refund, capture or void to ask for; ``amount`` None is all that is left."""

    order: str
    what: str
    key: str
    amount: str | None = None

    @property
    def body(self) -> dict[str, str]:
        """What is sent."""
        return {} if self.amount is None else {"amount": self.amount}


@dataclass
class Shop:
    """The shop of one round; ``granted`` holds refund ids by key, ``refused`` problem types.

    ``ended`` are the holds that were to be captured or voided, with what was accepted of it.
    """

    api_url: str
    key: str
    seed: int
    granted: dict[str, str] = field(default_factory=dict[str, str])
    refused: dict[str, str] = field(default_factory=dict[str, str])
    ended: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    odd: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self._randomness = SeededRandomness(self.seed)
        self._tasks: list[asyncio.Task[None]] = []

    def sold(self, orders: Iterable[str]) -> None:
        """Decide what comes back of a sale."""
        for order in sorted(orders):
            returned, share, end = self._draw() < _RETURNED, 0.2 + 0.6 * self._draw(), self._draw()
            work = self._serve(order, share, end, returned=returned)
            self._tasks.append(asyncio.create_task(work))

    async def served(self) -> None:
        """Wait until all that was begun has its answer."""
        async with asyncio.timeout(_LONGEST_ASKING):
            await asyncio.gather(*self._tasks)
        self._tasks.clear()

    async def _serve(self, order: str, share: float, end: float, *, returned: bool) -> None:
        async with self._session() as session:
            told = await self._settled(session, order)
            if told["status"] == "EXECUTING":
                await self._end(session, told, share, end)
                return
            if told["status"] == "SUCCESS" and returned:
                await self._take_back(session, told, share)

    async def _end(
        self, session: aiohttp.ClientSession, told: dict[str, Any], share: float, end: float
    ) -> None:
        """Take what is held, or let it go, or both at once, of which only one may happen."""
        order = told["payment_order_id"]
        part = _part(told["amount"], told["currency"], share)
        whats = next((whats for limit, whats in _ENDS if end < limit), ())
        wishes = [
            Wish(order, "captures", f"{order}-part", part)
            if what == "captures in part"
            else Wish(order, what, f"{order}-{what}")
            for what in whats
        ]
        answers = await asyncio.gather(*(self._ask(session, one) for one in wishes))
        self.ended[order] = [
            one.what for one, answer in zip(wishes, answers, strict=True) if answer
        ]

    async def _take_back(
        self, session: aiohttp.ClientSession, told: dict[str, Any], share: float
    ) -> None:
        """Some returns at once, each of the same share: what is too much is refused."""
        order = told["payment_order_id"]
        part = _part(told["captured_amount"], told["currency"], share)
        wishes = [Wish(order, "refunds", f"{order}-back-{n}", part) for n in range(_ASKS)]
        wishes.append(Wish(order, "refunds", f"{order}-rest"))
        answers = await asyncio.gather(*(self._ask(session, one) for one in wishes))
        for one, answer in zip(wishes, answers, strict=True):
            if answer:
                self.granted[one.key] = answer["refund_id"]

    async def _settled(self, session: aiohttp.ClientSession, order: str) -> dict[str, Any]:
        """The order once it is final or only held."""
        pause = _PAUSE
        while True:
            status, told = await self._call(session, "GET", f"/v1/payments/{order}")
            if status == 200 and (
                told["status"] in {"SUCCESS", "FAILED"} or told["status_reason"] == "authorized"
            ):
                return told
            await asyncio.sleep(pause)
            pause = min(pause * 1.4, _LONGEST_PAUSE)

    async def _ask(self, session: aiohttp.ClientSession, wanted: Wish) -> dict[str, Any] | None:
        """What is answered; None for a refusal."""
        path = f"/v1/payments/{wanted.order}/{wanted.what}"
        while True:
            headers = {"Idempotency-Key": wanted.key}
            status, told = await self._call(session, "POST", path, wanted.body, headers)
            kind = str(told.get("type", "")).rpartition("/")[2]
            if status == 202:
                return told
            if kind in _REFUSALS:
                self.refused[wanted.key] = kind
                return None
            if status != 429 and 0 < status < 500:
                self.odd.append(f"{wanted}: {status} {told}")
                return None
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
