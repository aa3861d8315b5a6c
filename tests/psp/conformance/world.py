"""A sandbox, adapters that call it, and the questions the suite asks of both."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx
from tests.psp.conformance.profiles import PROFILES, TEN, Profile

from clearhouse.kernel.money import Money
from clearhouse.psp import registry
from clearhouse.psp.contract import (
    Capabilities,
    ChargeRequest,
    Charges,
    Lookups,
    Pending,
    PendingReason,
    Psp,
    PspConfig,
    PspOutcome,
    Succeeded,
    Unknown,
    attempt_key,
)
from clearhouse.psp.operations import (
    OperationKind,
    OperationOutcome,
    OperationRequest,
)

_numbers = itertools.count(1)
_PATIENT = 30.0
_control = httpx.Client(trust_env=False, verify=False)  # one, since making one takes a while


class Adapter(Psp, Charges, Lookups):
    """What the suite wants of an adapter: all three protocols."""


@dataclass
class World:
    """One PSP: its sandbox by URL, and what was opened on the way."""

    name: str
    base_url: str
    opened: list[Adapter] = field(default_factory=list)

    @property
    def profile(self) -> Profile:
        return PROFILES[self.name]

    @property
    def capabilities(self) -> Capabilities:
        return registry.available()[self.name].capabilities

    def adapter(
        self,
        *,
        timeout: float = _PATIENT,
        concurrency: int = 8,
        base_url: str | None = None,
        credentials: Any = None,
    ) -> Any:
        given = credentials or self.profile.credentials
        config = PspConfig(given, base_url or self.base_url, timeout, concurrency)
        made: Any = registry.create(self.name, config)
        self.opened.append(made)
        return made

    def request(
        self,
        order: str | None = None,
        *,
        attempt: int = 1,
        amount: Money = TEN,
        method: str | None = None,
        capture: bool = True,
    ) -> ChargeRequest:
        order = order or f"order-{next(_numbers)}"
        key = attempt_key(order, attempt, self.capabilities.idempotency_key_length)
        now = datetime.now(UTC)
        method = method or self.profile.good
        return ChargeRequest(order, key, amount, method, "seller", now, capture)

    async def paid(
        self, adapter: Any, amount: Money = TEN, method: str | None = None
    ) -> tuple[ChargeRequest, str]:
        """A charge that can be given back, and its reference at the PSP."""
        request = self.request(amount=amount, method=method)
        outcome = await adapter.charge(request)
        assert isinstance(outcome, Succeeded)
        if self.profile.settle is not None:
            await asyncio.to_thread(self.profile.settle, self.base_url, outcome.psp_reference)
        return request, outcome.psp_reference

    async def held(self, adapter: Any, amount: Money = TEN) -> tuple[ChargeRequest, str]:
        """An authorization, and its reference at the PSP."""
        request = self.request(amount=amount, capture=False)
        outcome = await adapter.charge(request)
        assert isinstance(outcome, Pending)
        assert outcome.reason is PendingReason.AUTHORIZED
        return request, outcome.psp_reference

    def operation(
        self,
        kind: OperationKind,
        of: tuple[ChargeRequest, str],
        amount: Money | None = None,
        *,
        reason: str = "",
    ) -> OperationRequest:
        """An operation of its own on a charge; the whole of it where no amount is given."""
        charge, reference = of
        name = f"operation-{next(_numbers)}"
        return OperationRequest(
            kind=kind,
            operation_id=name,
            idempotency_key=attempt_key(name, 1, self.capabilities.idempotency_key_length),
            payment_order_id=charge.payment_order_id,
            charge_reference=reference,
            charged=charge.amount,
            amount=amount or charge.amount,
            requested_at=datetime.now(UTC),
            reason=reason,
        )

    def charges(self, request: ChargeRequest) -> list[dict[str, Any]]:
        """What the sandbox says really happened for this order: paid charges only."""
        return [each for each in self.facts(request) if each["status"] == "succeeded"]

    def facts(self, request: ChargeRequest) -> list[dict[str, Any]]:
        """All that the sandbox has of this order, whatever became of it."""
        reference = attempt_key(request.payment_order_id, 1, 40 if self.name == "square" else 255)
        if self.name != "square":
            reference = request.payment_order_id
        answer = _control.get(
            f"{self.base_url}/_sandbox/truth",
            params={"psp": self.name, "reference": reference},
        )
        return answer.json()["charges"]

    def all_facts(self) -> list[dict[str, Any]]:
        """All charges of this PSP that the sandbox has."""
        found: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            params: dict[str, Any] = {"psp": self.name, "after": after}
            answer = _control.get(f"{self.base_url}/_sandbox/truth", params=params).json()
            found += answer["charges"]
            after = answer["next"]
        return found

    def refunds(self, charge_reference: str) -> list[dict[str, Any]]:
        """What the sandbox says was really given back of a charge, or will be."""
        given = {"succeeded", "pending"}
        answer = _control.get(
            f"{self.base_url}/_sandbox/truth/refunds",
            params={"psp": self.name, "charge_id": charge_reference},
        )
        return [each for each in answer.json()["refunds"] if each["status"] in given]

    def act(self, identifier: str, action: str) -> None:
        """Do by hand what the PSP would do later."""
        call = {"psp": self.name, "id": identifier, "action": action}
        answer = _control.post(f"{self.base_url}/_sandbox/actions", json=call)
        assert answer.status_code == 200, answer.text

    def send_webhooks_to(self, url: str) -> None:
        """Have this PSP's webhooks sent there."""
        endpoint = {"psp": self.name, "url": url, "secret": self.profile.webhook_secret}
        _control.post(f"{self.base_url}/_sandbox/webhooks", json=endpoint).raise_for_status()

    def send_webhooks_nowhere(self) -> None:
        """End that."""
        _control.delete(f"{self.base_url}/_sandbox/webhooks").raise_for_status()

    def bring_again(self, url: str) -> None:
        """Have all webhooks that were brought there brought once more."""
        answer = _control.get(f"{self.base_url}/_sandbox/deliveries").json()
        for delivery in answer["deliveries"]:
            if delivery["url"] == url and delivery["state"] == "delivered":
                number = delivery["id"]
                again = _control.post(f"{self.base_url}/_sandbox/deliveries/{number}")
                again.raise_for_status()

    def order_fault(self, fault: str, *, operation: str = "charge", times: int = 1) -> None:
        """The next calls of this operation go wrong."""
        order = {"fault": fault, "psp": self.name, "operation": operation, "times": times}
        answer = _control.post(f"{self.base_url}/_sandbox/faults", json=order)
        answer.raise_for_status()

    def set(self, **settings: Any) -> None:
        answer = _control.post(f"{self.base_url}/_sandbox/settings", json=settings)
        answer.raise_for_status()

    def clear(self) -> None:
        _control.delete(f"{self.base_url}/_sandbox/faults").raise_for_status()
        self.set(list_lag_seconds={}, slow_seconds=2.0, latency={})

    async def close(self) -> None:
        while self.opened:
            await self.opened.pop().close()


async def settled(adapter: Any, request: ChargeRequest) -> PspOutcome:
    """Repeat with the same key until the outcome is known, as the engine does."""
    outcome: PspOutcome = Unknown("not asked")
    for _ in range(200):
        outcome = await adapter.charge(request)
        if not isinstance(outcome, Unknown):
            return outcome
        await asyncio.sleep(0.02)
    raise AssertionError(f"never settled: {outcome}")


Ask = Callable[[OperationRequest], Awaitable[OperationOutcome]]


async def operated(ask: Ask, request: OperationRequest) -> OperationOutcome:
    """Repeat an operation with the same key until its outcome is known, as the engine does."""
    outcome: OperationOutcome = Unknown("not asked")
    for _ in range(200):
        outcome = await ask(request)
        if not isinstance(outcome, Unknown):
            return outcome
        await asyncio.sleep(0.02)
    raise AssertionError(f"never settled: {outcome}")


class Server:
    """Reads each request whole and always says the same; counts how often it was asked."""

    def __init__(self, answer: bytes) -> None:
        self.asked = 0
        self.base_url = ""
        self._answer = answer

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._speak, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if b"content-length" in line]
        await reader.readexactly(int(lengths[0].split(b":")[1]) if lengths else 0)
        self.asked += 1
        writer.write(self._answer)
        await writer.drain()
        writer.close()


def later(request: ChargeRequest, by: timedelta) -> ChargeRequest:
    """The same request, first sent at another time."""
    return replace(request, attempted_at=request.attempted_at + by)
