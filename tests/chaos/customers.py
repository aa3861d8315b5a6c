"""Customers that never give up: they repeat a request with the same key until it is answered.

Some hang up in the midst of their first request, as a phone in a tunnel does. Some pay with cards
that ask their owners, some only have their money held, and some have their card at a second PSP.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec

from clearhouse.cli.demo.marketplace import Marketplace
from clearhouse.kernel.randomness import SeededRandomness

_AT_ONCE = 12
_THINKING = 0.8
_HANGS_UP = 0.15
_HELD = 0.1
_CHALLENGED = 0.12
_AT_TWO_PSPS = 0.2
_GOOD = {
    "stripe": {"psp": "stripe", "payment_method": "pm_card_visa"},
    "square": {"psp": "square", "source_id": "cnon:card-nonce-ok"},
    "braintree": {"psp": "braintree", "payment_method_nonce": "fake-valid-nonce"},
}
_PATIENCE = aiohttp.ClientTimeout(total=15)


@dataclass(frozen=True)
class Purchase:
    """One checkout: what is sent, again and again, until somebody answers."""

    checkout_id: str
    orders: frozenset[str]
    body: bytes
    headers: dict[str, str]


@dataclass
class Customers:
    """The customers of one round, the same for the same seed.

    ``answers`` holds what was acknowledged, by checkout; ``on_answer`` hears how many there are.
    """

    url: str
    key: str
    name: str
    seed: int
    answers: dict[str, bytes] = field(default_factory=dict[str, bytes])
    purchases: list[Purchase] = field(default_factory=list[Purchase])
    repeats: int = 0
    hung_up: int = 0
    refused: list[str] = field(default_factory=list[str])

    async def buy(self, count: int, on_answer: Callable[[int], None]) -> None:
        """Buy ``count`` baskets; returns when every one was acknowledged or refused."""
        randomness = SeededRandomness(self.seed)
        baskets = Marketplace(randomness, self.name).baskets()
        for number in range(count):
            basket = next(baskets)
            _make_special(basket.body, randomness.uniform(0, 1))
            own_key = {"Idempotency-Key": f"key-of-{basket.checkout_id}"} if number % 2 else {}
            orders = frozenset(o["payment_order_id"] for o in basket.body["payment_orders"])
            body = msgspec.json.encode(basket.body)
            self.purchases.append(Purchase(basket.checkout_id, orders, body, own_key))
        plans = [
            (one, randomness.uniform(0, _THINKING), randomness.uniform(0, 1))
            for one in self.purchases
        ]
        queue = iter(plans)

        async def shop(session: aiohttp.ClientSession) -> None:
            for purchase, thinking, draw in queue:
                await asyncio.sleep(thinking)
                if draw < _HANGS_UP:
                    await self._hang_up(session, purchase, draw)
                answer = await self._until_answered(session, purchase)
                if answer is not None:
                    self.answers[purchase.checkout_id] = answer
                    on_answer(len(self.answers))

        async with self._session() as session, asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(shop(session))

    def newest(self) -> Purchase:
        """The purchase that was acknowledged last."""
        name = next(reversed(self.answers))
        return next(one for one in self.purchases if one.checkout_id == name)

    async def ask_again(self, count: int) -> list[tuple[bytes, bytes, bool]]:
        """Repeat some answered requests: the first answer, the one now, and whether it says so."""
        found: list[tuple[bytes, bytes, bool]] = []
        async with self._session() as session:
            for purchase in self.purchases[:: max(1, len(self.purchases) // count)]:
                async with session.post(
                    self.url, data=purchase.body, headers=purchase.headers
                ) as reply:
                    told = await reply.read(), "Idempotency-Replayed" in reply.headers
                    found.append((self.answers[purchase.checkout_id], *told))
        return found

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        async with aiohttp.ClientSession(headers=headers, timeout=_PATIENCE) as session:
            yield session

    async def _hang_up(
        self, session: aiohttp.ClientSession, purchase: Purchase, draw: float
    ) -> None:
        """Send the request and be gone before, or just after, it is stored."""
        try:
            async with asyncio.timeout(draw / _HANGS_UP * 0.02):
                await self._send(session, purchase)
        except (aiohttp.ClientError, TimeoutError):
            self.hung_up += 1

    async def _until_answered(
        self, session: aiohttp.ClientSession, purchase: Purchase
    ) -> bytes | None:
        while True:
            try:
                status, answer = await self._send(session, purchase)
                if status == 202:
                    return answer
                if status < 500 and status != 429:
                    self.refused.append(f"{purchase.checkout_id}: {status} {answer[:300]!r}")
                    return None
            except (aiohttp.ClientError, TimeoutError):
                pass
            self.repeats += 1
            await asyncio.sleep(0.2)

    async def _send(self, session: aiohttp.ClientSession, purchase: Purchase) -> tuple[int, bytes]:
        request: Any = session.post(self.url, data=purchase.body, headers=purchase.headers)
        async with request as reply:
            return reply.status, await reply.read()


def _make_special(body: dict[str, Any], draw: float) -> None:
    """Turn some of the baskets into those that do not simply succeed."""
    card = body["credit_card_info"]
    if draw > 1 - _AT_TWO_PSPS:
        others = [psp for psp in _GOOD if psp != card["psp"]]
        second = others[int(draw * 1000) % len(others)]
        body["credit_card_info"] = [card, _GOOD[second]]
    elif draw < _HELD:
        body["capture"] = "manual"
    elif card["psp"] == "stripe" and draw < _HELD + _CHALLENGED:
        card["payment_method"] = "pm_card_threeDSecure2Required"
        body["return_url"] = "http://127.0.0.1:1/thanks"
