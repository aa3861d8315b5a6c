"""The client for code that waits."""

import time
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import httpx

from clearhouse import __version__
from clearhouse.client import calls
from clearhouse.client.calls import Call
from clearhouse.client.errors import ClientError
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
from clearhouse.kernel.randomness import Randomness, SystemRandomness

T = TypeVar("T")
TIMEOUT: Final = 30.0
_LOOK_SECONDS: Final = 0.2
_PIECE: Final = 1 << 18


class Client:
    """clearhouse's API. One object may be used by many threads; close it, or use it in ``with``.

    ``retries`` says how patiently calls are repeated. Every call raises ClientError.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: float = TIMEOUT,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
        randomness: Randomness | None = None,
    ) -> None:
        self._http = httpx.Client(
            base_url=base_url, headers=headers_of(api_key), timeout=timeout, transport=transport
        )
        self._retries = retries or Retries()
        self._randomness = randomness or SystemRandomness()
        self.payments = Payments(self)
        self.refunds = Refunds(self)
        self.disputes = Disputes(self)
        self.wallets = Wallets(self)
        self.payouts = Payouts(self)
        self.reconciliation = Reconciliation(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def run(self, call: Call[T], idempotency_key: str | None = None) -> T:
        """Make a call, repeated where that is safe."""
        steps = exchange(call, self._retries, self._randomness, idempotency_key)
        step = next(steps)
        while True:
            try:
                if isinstance(step, Send):
                    step = steps.send(self._ask(call, step))
                else:
                    _sleep(step.seconds)
                    step = next(steps)
            except StopIteration as done:
                return done.value

    def _ask(self, call: Call[T], step: Send) -> Answer | Lost:
        try:
            answer = self._http.request(
                call.method,
                call.path,
                params=list(call.query),
                content=pieces_of(call.file) if call.file else call.body,
                headers=step.headers,
            )
        except httpx.TransportError as error:
            return Lost(type(error).__name__)
        return Answer(answer.status_code, answer.content, answer.headers.get("retry-after"))


class Payments:
    """Checkouts and their payment orders."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, payment: NewPayment, *, idempotency_key: str | None = None) -> Checkout:
        """Accept a checkout. A key of your own lets another process repeat it."""
        return self._client.run(calls.create_payment(payment), idempotency_key)

    def get(self, payment_order_id: str) -> Order:
        """One payment order."""
        return self._client.run(calls.payment(payment_order_id))

    def checkout(self, checkout_id: str) -> Checkout:
        """One checkout with its orders."""
        return self._client.run(calls.checkout(checkout_id))

    def page(self, *, cursor: str | None = None, limit: int = 50, **filters: str) -> OrderPage:
        """A page of payment orders, newest first; filters as the API names them."""
        return self._client.run(calls.payments(filters, cursor, limit))

    def all(self, **filters: str) -> Iterator[Order]:
        """All payment orders, newest first, fetched page by page."""
        cursor: str | None = None
        while True:
            page = self.page(cursor=cursor, limit=200, **filters)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def wait(self, checkout_id: str, *, timeout: float = 60.0) -> Checkout:
        """The checkout once all of it is done; webhooks tell it sooner. Raises TimeoutError."""
        for _ in range(max(1, round(timeout / _LOOK_SECONDS))):
            found = self.checkout(checkout_id)
            if found.is_payment_done:
                return found
            _sleep(_LOOK_SECONDS)
        raise TimeoutError(f"{checkout_id} is not done yet")

    def capture(
        self,
        payment_order_id: str,
        amount: Decimal | str | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Operation:
        """Take what is held: all of it, or an amount."""
        return self._client.run(calls.capture(payment_order_id, amount), idempotency_key)

    def void(self, payment_order_id: str, *, idempotency_key: str | None = None) -> Operation:
        """Let go what is held."""
        return self._client.run(calls.void(payment_order_id), idempotency_key)


class Refunds:
    """Money that goes back."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(
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
        return self._client.run(call, idempotency_key)

    def get(self, refund_id: str) -> Refund:
        """One refund."""
        return self._client.run(calls.refund(refund_id))

    def of(self, payment_order_id: str) -> list[Refund]:
        """An order's refunds, oldest first."""
        return self._client.run(calls.refunds(payment_order_id)).items


class Disputes:
    """What buyers' banks ask back."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, dispute_id: str) -> Dispute:
        """One dispute."""
        return self._client.run(calls.dispute(dispute_id))

    def page(
        self, *, stage: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> DisputePage:
        """A page of disputes, newest first."""
        return self._client.run(calls.disputes(stage, cursor, limit))


class Wallets:
    """What sellers are owed."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, seller_account: str) -> Wallet:
        """A seller's balances."""
        return self._client.run(calls.wallet(seller_account))

    def hold(
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
        return self._client.run(call, idempotency_key)

    def holds(
        self, seller_account: str, *, cursor: str | None = None, limit: int = 50, **filters: str
    ) -> HoldPage:
        """What stops a seller's payouts, newest first; ``state="open"``: only what does now."""
        return self._client.run(calls.holds(seller_account, filters, cursor, limit))

    def release(self, seller_account: str, hold_id: str, reason: str) -> Hold:
        """Let payouts go on as far as one hold is concerned."""
        return self._client.run(calls.release_hold(seller_account, hold_id, reason))

    def margins(
        self, seller_account: str, begins: str, ends: str, *, currency: str | None = None
    ) -> list[Margin]:
        """What sales accepted from a day (or moment) to before another brought the platform."""
        call = calls.margin(seller_account, begins, ends, currency)
        return self._client.run(call).margins


class Payouts:
    """Money to sellers."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(
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
        return self._client.run(call, idempotency_key)

    def get(self, payout_id: str) -> Payout:
        """One payout."""
        return self._client.run(calls.payout(payout_id))

    def page(self, *, cursor: str | None = None, limit: int = 50, **filters: str) -> PayoutPage:
        """A page of payouts, newest first; filters as the API names them."""
        return self._client.run(calls.payouts(filters, cursor, limit))


class Reconciliation:
    """Settlement reports and bank statements."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def upload(self, path: Path, *, name: str | None = None) -> UploadedFile:
        """Hand in a file, read as it is sent; the same one again changes nothing.

        Raises OSError when it cannot be read.
        """
        return self._client.run(calls.upload(path, name))


def pieces_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file, in pieces."""
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece


def _sleep(seconds: float) -> None:
    time.sleep(seconds)  # noqa: TID251 - code that waits has no loop whose clock could


def headers_of(api_key: str) -> dict[str, str]:
    """What every request carries. Raises ClientError for a key that no header can hold."""
    if not api_key or not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise ClientError("The API key is empty, or holds characters that no key has.")
    return {"Authorization": f"Bearer {api_key}", "User-Agent": f"clearhouse-python/{__version__}"}
