"""The official SDKs, unmodified, pointed at a sandbox; and shorthands for a charge."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import stripe
from square import Square

from clearhouse.kernel.clock import SystemClock

stripe.enable_telemetry = False
_keys = count(1)
_to_close: list[Callable[[], None]] = []


class HandClock(SystemClock):
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by


def stripe_client(
    base_url: str, key: str = "sk_test_world", timeout: float = 10
) -> stripe.StripeClient:
    http = stripe.RequestsClient(timeout=timeout)
    _to_close.append(http.close)
    return stripe.StripeClient(
        key, base_addresses={"api": base_url, "files": base_url}, http_client=http
    )


def square_client(base_url: str, token: str = "token-world", timeout: float = 10) -> Square:
    http = httpx.Client(timeout=timeout, trust_env=False)
    _to_close.append(http.close)
    return Square(token=token, base_url=base_url, httpx_client=http)


def close_clients() -> None:
    """Close the connections of all SDKs made since the last time."""
    while _to_close:
        _to_close.pop()()


def new_key() -> str:
    return f"key-{next(_keys)}"


def charge_stripe(
    sdk: stripe.StripeClient, order: str = "o1", *, key: str | None = None, **changes: Any
) -> stripe.PaymentIntent:
    params: dict[str, Any] = {
        "amount": 1000,
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "allowed_payment_method_types": ["card"],
        "confirm": True,
        "metadata": {"payment_order_id": order},
    }
    params.update(changes)
    return sdk.v1.payment_intents.create(
        params,  # pyright: ignore[reportArgumentType] - a table of tests, not one shape
        options={"idempotency_key": key or new_key()},
    )


def charge_square(sdk: Square, order: str = "o1", *, key: str | None = None, **changes: Any):
    params: dict[str, Any] = {
        "source_id": "cnon:card-nonce-ok",
        "amount_money": {"amount": 1000, "currency": "USD"},
        "reference_id": order,
    }
    params.update(changes)
    return sdk.payments.create(
        idempotency_key=key or new_key(), request_options={"max_retries": 0}, **params
    )


def truth(base_url: str, **filters: str) -> list[dict[str, Any]]:
    """The charges of the sandbox that fit, asked for as a checker would."""
    reply = httpx.get(f"{base_url}/_sandbox/truth", params=filters, trust_env=False)
    reply.raise_for_status()
    return reply.json()["charges"]
