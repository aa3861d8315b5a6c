"""Payments through real adapters and the sandbox, and the sandbox's truth tampered with."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

import msgspec
from tests.payments.rooms import BODY, KEY, execution_service, intake_service, settlement
from tests.proof.flow import consume
from tests.psp.conformance.profiles import PROFILES, TEN

from clearhouse.kernel.money import Money
from clearhouse.payments.intake import IntakeService
from clearhouse.payments.model import CaptureMode, Intake, NewOrder, NewPayment
from clearhouse.postgres.connection import Pool, open_pool
from clearhouse.proof.verify import Verdict, verify
from clearhouse.psp import registry
from clearhouse.psp.contract import ChargeRequest, PspConfig, attempt_key
from clearhouse.sandbox.faults import Fault, FaultOrder
from clearhouse.sandbox.server import Running

_accounts = count(1)
LONG: str = "an-order-whose-name-is-far-longer-than-square-takes"

# The fields of each PSP's object that hold its amount, in the form the sandbox keeps them.
_AMOUNTS = {
    "stripe": {"amount": 999, "amount_received": 999},
    "square": {
        name: {"amount": 999, "currency": "USD"} for name in ("amount_money", "total_money")
    },
    "braintree": {"amount": 999},
}


def own_credentials(name: str) -> dict[str, str]:
    """Credentials of an account at the sandbox that nobody else uses."""
    own = f"-{next(_accounts)}"
    credentials = dict(PROFILES[name].credentials)
    for part in ("secret_key", "merchant_id", "access_token"):
        if part in credentials:
            credentials[part] += own
    return credentials


@asynccontextmanager
async def adapter_of(
    name: str, base_url: str, credentials: Mapping[str, str] | None = None
) -> AsyncIterator[Any]:
    """An adapter with these credentials, or with its own account at the sandbox."""
    config = PspConfig(credentials or own_credentials(name), base_url, 30.0, 8)
    adapter: Any = registry.create(name, config)
    yield adapter
    await adapter.close()


async def sell(
    pool: Pool,
    adapter: Any,
    orders: Mapping[str, str],
    amount: Money = TEN,
    mode: CaptureMode = CaptureMode.AUTOMATIC,
) -> None:
    """Orders by id with their payment method: accepted, charged over the wire, and booked."""
    intake = intake_service(pool)
    for order, method in orders.items():
        await intake.accept(_intake(intake, adapter.name, order, method, amount, mode))
    execution = execution_service(pool)
    for claimed in await execution.claim(adapter.name, adapter.capabilities, 1000):
        request = ChargeRequest(
            claimed.payment_order_id,
            claimed.idempotency_key,
            claimed.amount,
            claimed.payment_method,
            claimed.seller_account,
            claimed.attempted_at,
            claimed.capture,
        )
        await execution.settle(settlement(claimed, await adapter.charge(request)))
    await consume(pool)


async def accept(pool: Pool, adapter: Any, order: str) -> None:
    """An order that no executor takes up."""
    intake = intake_service(pool)
    await intake.accept(_intake(intake, adapter.name, order, PROFILES[adapter.name].good))


async def charge_behind_our_back(adapter: Any, order: str, *, attempt: int = 1) -> str:
    """A charge that our books know nothing of; its PSP reference."""
    length = adapter.capabilities.idempotency_key_length
    request = ChargeRequest(
        order,
        attempt_key(order, attempt, length),
        Money(1000, "USD"),
        PROFILES[adapter.name].good,
        "seller-0",
        datetime.now(UTC),
    )
    return (await adapter.charge(request)).psp_reference


def forget_charge(sandbox: Running, name: str, reference: str) -> None:
    """The PSP loses a charge."""
    sandbox.core.truth.execute("DELETE FROM objects WHERE psp = ? AND id = ?", (name, reference))


def change_amount(sandbox: Running, name: str, reference: str) -> None:
    """The PSP has charged 9.99 USD."""
    found = sandbox.core.truth.execute(
        "SELECT body FROM objects WHERE psp = ? AND id = ?", (name, reference)
    ).fetchone()
    body = msgspec.json.decode(found[0]) | _AMOUNTS[name]
    sandbox.core.truth.execute(
        "UPDATE objects SET body = ? WHERE psp = ? AND id = ?",
        (msgspec.json.encode(body), name, reference),
    )


async def reference_of(pool: Pool, order: str) -> str:
    return await pool.fetchval(
        "select psp_reference from payments.payment_orders where payment_order_id = $1", order
    )


async def verdict_with(database: str, psps: Mapping[str, object], **options: Any) -> Verdict:
    pool = await open_pool(database, size=1, name="verify", scans=True)
    try:
        return await verify(pool, psps=psps, **options)
    finally:
        await pool.close()


def findings(verdict: Verdict) -> dict[str, list[str]]:
    """What offends, by check."""
    return {one.name: one.offenders for one in verdict.results if one.violations}


@contextmanager
def fault(sandbox: Running, **order: Any) -> Iterator[None]:
    """The sandbox's next calls go wrong."""
    order["fault"] = Fault(order["fault"])
    sandbox.core.faults.order(FaultOrder(**order))
    yield
    sandbox.core.faults.clear()


def _intake(
    service: IntakeService,
    psp: str,
    order: str,
    method: str,
    amount: Money = TEN,
    mode: CaptureMode = CaptureMode.AUTOMATIC,
) -> Intake:
    orders = (NewOrder(order, "seller-0", amount),)
    payment = NewPayment(f"checkout-{order}", psp, method, "{}", orders, mode)
    event = replace(service.prepare(payment))
    return Intake(KEY, f"c:{order}", BODY, payment, event, order.encode())
