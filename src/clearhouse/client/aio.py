"""The client for asyncio: the same calls as the other's, each to be awaited."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import httpx

from clearhouse.client import calls
from clearhouse.client.calls import Call
from clearhouse.client.exchange import Answer, Lost, Retries, Send, exchange
from clearhouse.client.models import (
    Checkout,
    Dispute,
    DisputePage,
    Hold,
    HoldPage,
    Margin,
    NewPayment,
    Operation,
    Order,
    OrderPage,
    Payout,
    PayoutPage,
    Refund,
    UploadedFile,
    Wallet,
)
from clearhouse.client.sync import TIMEOUT, headers_of, pieces_of
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.randomness import Randomness, SystemRandomness

T = TypeVar("T")
_LOOK_SECONDS: Final = 0.2


class AsyncClient:
    """clearhouse's API, for one event loop; close it, or use it in ``async with``.

    ``retries`` says how patiently calls are repeated. Every call raises ClientError.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: float = TIMEOUT,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        randomness: Randomness | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=base_url, headers=headers_of(api_key), timeout=timeout, transport=transport
        )
        self._retries = retries or Retries()
        self._randomness = randomness or SystemRandomness()
        self._clock = SystemClock()
        self.payments = AsyncPayments(self)
        self.refunds = AsyncRefunds(self)
        self.disputes = AsyncDisputes(self)
        self.wallets = AsyncWallets(self)
        self.payouts = AsyncPayouts(self)
        self.reconciliation = AsyncReconciliation(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def sleep(self, seconds: float) -> None:
        """Wait a while."""
        await self._clock.sleep(seconds)

    async def run(self, call: Call[T], idempotency_key: str | None = None) -> T:
        """Make a call, repeated where that is safe."""
        steps = exchange(call, self._retries, self._randomness, idempotency_key)
        step = next(steps)
        while True:
            try:
                if isinstance(step, Send):
                    step = steps.send(await self._ask(call, step))
                else:
                    await self._clock.sleep(step.seconds)
                    step = next(steps)
            except StopIteration as done:
                return done.value

    async def _ask(self, call: Call[T], step: Send) -> Answer | Lost:
        try:
            answer = await self._http.request(
                call.method,
                call.path,
                params=list(call.query),
                content=_pieces_of(call.file) if call.file else call.body,
                headers=step.headers,
            )
        except httpx.TransportError as error:
            return Lost(type(error).__name__)
        return Answer(answer.status_code, answer.content, answer.headers.get("retry-after"))


class AsyncPayments:
    """Checkouts and their payment orders."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def create(self, payment: NewPayment, *, idempotency_key: str | None = None) -> Checkout:
        """Accept a checkout. A key of your own lets another process repeat it."""
        return await self._client.run(calls.create_payment(payment), idempotency_key)

    async def get(self, payment_order_id: str) -> Order:
        """One payment order."""
        return await self._client.run(calls.payment(payment_order_id))

    async def checkout(self, checkout_id: str) -> Checkout:
        """One checkout with its orders."""
        return await self._client.run(calls.checkout(checkout_id))

    async def page(
        self, *, cursor: str | None = None, limit: int = 50, **filters: str
    ) -> OrderPage:
        """A page of payment orders, newest first; filters as the API names them."""
        return await self._client.run(calls.payments(filters, cursor, limit))

    async def all(self, **filters: str) -> AsyncIterator[Order]:
        """All payment orders, newest first, fetched page by page."""
        cursor: str | None = None
        while True:
            page = await self.page(cursor=cursor, limit=200, **filters)
            for order in page.items:
                yield order
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def wait(self, checkout_id: str, *, timeout: float = 60.0) -> Checkout:
        """The checkout once all of it is done; webhooks tell it sooner. Raises TimeoutError."""
        for _ in range(max(1, round(timeout / _LOOK_SECONDS))):
            found = await self.checkout(checkout_id)
            if found.is_payment_done:
                return found
            await self._client.sleep(_LOOK_SECONDS)
        raise TimeoutError(f"{checkout_id} is not done yet")

    async def capture(
        self,
        payment_order_id: str,
        amount: Decimal | str | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Operation:
        """Take what is held: all of it, or an amount."""
        return await self._client.run(calls.capture(payment_order_id, amount), idempotency_key)

    async def void(self, payment_order_id: str, *, idempotency_key: str | None = None) -> Operation:
        """Let go what is held."""
        return await self._client.run(calls.void(payment_order_id), idempotency_key)


class AsyncRefunds:
    """Money that goes back."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def create(
        self,
        payment_order_id: str,
        amount: Decimal | str | None = None,
        *,
        reason: str = "",
        refund_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Refund:
        """Give all that is left back, or an amount."""
        call = calls.create_refund(payment_order_id, amount, reason, refund_id)
        return await self._client.run(call, idempotency_key)

    async def get(self, refund_id: str) -> Refund:
        """One refund."""
        return await self._client.run(calls.refund(refund_id))

    async def of(self, payment_order_id: str) -> list[Refund]:
        """An order's refunds, oldest first."""
        return (await self._client.run(calls.refunds(payment_order_id))).items


class AsyncDisputes:
    """What buyers' banks ask back."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def get(self, dispute_id: str) -> Dispute:
        """One dispute."""
        return await self._client.run(calls.dispute(dispute_id))

    async def page(
        self, *, stage: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> DisputePage:
        """A page of disputes, newest first."""
        return await self._client.run(calls.disputes(stage, cursor, limit))


class AsyncWallets:
    """What sellers are owed."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def get(self, seller_account: str) -> Wallet:
        """A seller's balances."""
        return await self._client.run(calls.wallet(seller_account))

    async def hold(
        self,
        seller_account: str,
        reason: str,
        *,
        currency: str | None = None,
        until: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> Hold:
        """Stop a seller's payouts, in one currency or all, until then or until it is released."""
        call = calls.place_hold(seller_account, reason, currency, until)
        return await self._client.run(call, idempotency_key)

    async def holds(
        self, seller_account: str, *, cursor: str | None = None, limit: int = 50, **filters: str
    ) -> HoldPage:
        """What stops a seller's payouts, newest first; ``state="open"``: only what does now."""
        return await self._client.run(calls.holds(seller_account, filters, cursor, limit))

    async def release(self, seller_account: str, hold_id: str, reason: str) -> Hold:
        """Let payouts go on as far as one hold is concerned."""
        return await self._client.run(calls.release_hold(seller_account, hold_id, reason))

    async def margins(
        self, seller_account: str, begins: str, ends: str, *, currency: str | None = None
    ) -> list[Margin]:
        """What sales accepted from a day (or moment) to before another brought the platform."""
        call = calls.margin(seller_account, begins, ends, currency)
        return (await self._client.run(call)).margins


class AsyncPayouts:
    """Money to sellers."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def create(
        self,
        seller_account: str,
        currency: str,
        amount: Decimal | str | None = None,
        *,
        note: str = "",
        idempotency_key: str | None = None,
    ) -> Payout:
        """Pay a seller all that may be paid, or an amount."""
        call = calls.create_payout(seller_account, currency, amount, note)
        return await self._client.run(call, idempotency_key)

    async def get(self, payout_id: str) -> Payout:
        """One payout."""
        return await self._client.run(calls.payout(payout_id))

    async def page(
        self, *, cursor: str | None = None, limit: int = 50, **filters: str
    ) -> PayoutPage:
        """A page of payouts, newest first; filters as the API names them."""
        return await self._client.run(calls.payouts(filters, cursor, limit))


class AsyncReconciliation:
    """Settlement reports and bank statements."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def upload(self, path: Path, *, name: str | None = None) -> UploadedFile:
        """Hand in a file, read as it is sent; the same one again changes nothing.

        Raises OSError when it cannot be read.
        """
        return await self._client.run(calls.upload(path, name))


async def _pieces_of(path: Path) -> AsyncIterator[bytes]:
    pieces = pieces_of(path)
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece
