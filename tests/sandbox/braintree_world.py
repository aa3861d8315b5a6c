"""The official SDK against a sandbox on a free port, as every Braintree test wants it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import braintree

from clearhouse.kernel.clock import SystemClock
from clearhouse.sandbox.server import Running, open_core, running
from clearhouse.sandbox.truth import Charge


class ShiftedClock(SystemClock):
    """The system's clock, which a test can put forward."""

    def __init__(self) -> None:
        self.shift = timedelta()

    def now(self) -> datetime:
        return super().now() + self.shift


def gateway_to(
    port: int, *, merchant: str = "shop", private: str = "secret", timeout: float = 10
) -> Any:
    """The unmodified SDK, pointed at the sandbox; its published types lag behind, hence Any."""
    host, text = "127.0.0.1", str(port)
    environment = braintree.Environment(
        "local", host, text, "http://127.0.0.1", False, None, host, text
    )
    options: dict[str, Any] = {"timeout": timeout, "wrap_http_exceptions": True}
    return braintree.BraintreeGateway(
        braintree.Configuration(environment, merchant, "public", private, **options)
    )


class World:
    """A sandbox, its clock, and what a merchant does with it."""

    def __init__(self, sandbox: Running, clock: ShiftedClock) -> None:
        self.sandbox = sandbox
        self.core = sandbox.core
        self.clock = clock
        self.gateway = gateway_to(sandbox.port)

    def connect(self, **options: Any) -> Any:
        return gateway_to(self.sandbox.port, **options)

    def sale(self, amount: str = "10.00", order_id: str | None = "order-1", **fields: Any) -> Any:
        """A sale with the good nonce, submitted for settlement, unless ``fields`` say otherwise."""
        request: dict[str, Any] = {
            "amount": amount,
            "order_id": order_id,
            "payment_method_nonce": "fake-valid-nonce",
            "options": {"submit_for_settlement": True},
        }
        return self.gateway.transaction.sale(request | fields)

    def truth(self) -> list[Charge]:
        charges, _ = self.core.truth.charges("braintree", limit=10_000)
        return charges

    def found(self, order_id: str) -> list[str]:
        """The ids that a search for an order finds."""
        return [each.id for each in self.gateway.transaction.search(order_id == ORDER_ID)]


ORDER_ID = braintree.TransactionSearch.order_id


@contextmanager
def world(path: Path | None = None) -> Iterator[World]:
    """A sandbox over a truth file, or in memory, for the length of a block."""
    clock = ShiftedClock()
    with running(open_core(path, clock=clock)) as sandbox:
        yield World(sandbox, clock)


def codes(result: Any) -> list[str]:
    """The codes of all validation errors of a result."""
    return [each.code for each in result.errors.deep_errors]


def at_once(count: int, call: Callable[[int], Any]) -> list[Any]:
    """The results of ``count`` simultaneous calls, each in a thread of its own."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count)))
