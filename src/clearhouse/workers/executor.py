"""The executor: claims due orders, asks their PSP, and settles what it says.

One loop per PSP, so that one that is slow or down never holds up the others. A call is made
in no database transaction; its lease is longer than its time limit, and should it lose the
lease all the same, its settlement is refused and the next owner asks again with the same key.
A PSP that answers hardly anything is rested by a breaker, and then asked on trial.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Protocol

import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.payments.execution import ExecutionService
from clearhouse.payments.lifecycle import outcome_word
from clearhouse.payments.model import Call, ClaimedOrder, Settlement
from clearhouse.postgres.connection import TROUBLE
from clearhouse.psp.breaker import BreakerPolicy
from clearhouse.psp.contract import (
    ChargeRequest,
    Charges,
    Declined,
    Lookups,
    NotCharged,
    Psp,
    PspOutcome,
    Unknown,
)
from clearhouse.workers.health import PspHealth
from clearhouse.workers.metrics import FAILOVERS, LEASES_LOST, PSP_CALLS, PSP_IN_FLIGHT, PSP_SECONDS
from clearhouse.workers.turns import store_what_was_learnt

_IDLE_FIRST: Final = 0.002
_IDLE_LONGEST: Final = 0.05
_TROUBLE_WAIT: Final = 0.5
_MOVED_AT_ONCE: Final = 500
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.executor")


class ChargingPsp(Psp, Charges, Lookups, Protocol):
    """A PSP that can charge and be asked; every adapter an executor works with."""


class Executor:
    """Executes the orders of one PSP, at most ``concurrency`` calls at once."""

    def __init__(
        self,
        service: ExecutionService,
        psp: ChargingPsp,
        clock: Clock,
        *,
        concurrency: int,
        breaker: BreakerPolicy | None = None,
    ) -> None:
        self._service = service
        self._psp = psp
        self._clock = clock
        self._concurrency = concurrency
        self._health = PspHealth(psp.name, clock, breaker or BreakerPolicy())
        self._calls: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()
        self._in_flight = PSP_IN_FLIGHT.labels(psp.name)
        self._seconds = PSP_SECONDS.labels(psp.name)

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until ``stopping`` is set, then wait for the calls under way to be settled."""
        idle = _IDLE_FIRST
        while not stopping.is_set():
            free = self._concurrency - len(self._calls)
            if free == 0:
                self._freed.clear()
                await self._freed.wait()
                continue
            allowed = self._health.allowance(Call.CHARGE)
            free = free if allowed is None else min(free, allowed)
            if free == 0:
                await self._rest()
                continue
            try:
                claimed = await self._claim(free)
            except TROUBLE as error:
                _log.warning("executor_waits", psp=self._psp.name, error=type(error).__name__)
                await self._clock.sleep(_TROUBLE_WAIT)
                continue
            for order in claimed:
                self._start(order)
            idle = _IDLE_FIRST if claimed else min(idle * 2, _IDLE_LONGEST)
            if len(claimed) < free:
                await self._clock.sleep(idle)
        await self.drain()

    async def _rest(self) -> None:
        """The PSP is not asked for a while; what another one can take is handed on meanwhile."""
        try:
            moved = await self._service.move_on(self._psp.name, _MOVED_AT_ONCE)
            if moved:
                FAILOVERS.labels(self._psp.name, "resting").inc(moved)
                _log.info("orders_moved_on", psp=self._psp.name, orders=moved)
        except TROUBLE as error:
            _log.warning("executor_waits", psp=self._psp.name, error=type(error).__name__)
        await self._clock.sleep(_TROUBLE_WAIT)

    async def round(self) -> int:
        """Execute what is due now and wait until it is settled; says how many orders that were."""
        claimed = await self._claim(self._concurrency)
        for order in claimed:
            self._start(order)
        await self.drain()
        return len(claimed)

    async def drain(self) -> None:
        """Wait until every call under way is settled."""
        while self._calls:
            await asyncio.gather(*self._calls, return_exceptions=True)

    async def _claim(self, free: int) -> Sequence[ClaimedOrder]:
        """Orders to ask about now; look-ups wait for as long as the PSP does not answer them."""
        claimed = await self._service.claim(self._psp.name, self._psp.capabilities, free)
        allowed = self._health.allowance(Call.LOOK_UP)
        if allowed is None:
            return claimed
        resting = [order for order in claimed if order.call is Call.LOOK_UP][allowed:]
        if resting:
            wait = max(self._health.rests_for(Call.LOOK_UP), _TROUBLE_WAIT)
            await self._service.put_back(resting, timedelta(seconds=wait))
        return [order for order in claimed if order not in resting]

    def _start(self, order: ClaimedOrder) -> None:
        task = asyncio.create_task(self._execute(order), name=f"charge {order.payment_order_id}")
        self._calls.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._freed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # The lease runs out and another takes the order up; nothing is lost.
            _log.error("execution_broke", task=task.get_name(), error=repr(error))

    async def _execute(self, order: ClaimedOrder) -> None:
        outcome = await self._ask(order, order.call)
        proven = False
        if order.call is Call.LOOK_UP and isinstance(outcome, NotCharged):
            proven = order.look_up_proves
            if not proven:
                # A call that could charge may still be under way; only time makes it proof.
                outcome = Unknown(f"not found yet: {outcome.detail}")
        settlement = Settlement(
            order.order_id, order.fence, outcome, proven, order.attempt, order.psp
        )
        await store_what_was_learnt(lambda: self._settle(settlement), self._clock, log=_log)

    async def _ask(self, order: ClaimedOrder, call: Call) -> PspOutcome:
        request = ChargeRequest(
            payment_order_id=order.payment_order_id,
            idempotency_key=order.idempotency_key,
            amount=order.amount,
            payment_method=order.payment_method,
            seller_account=order.seller_account,
            attempted_at=order.attempted_at,
            capture=order.capture,
            return_url=order.return_url,
        )
        name = self._psp.name
        permit = self._health.begin(call)
        started = self._clock.monotonic()
        with self._in_flight.track_inprogress():
            try:
                if call is Call.LOOK_UP:
                    outcome = await self._psp.look_up(request)
                else:
                    outcome = await self._psp.charge(request)
            except Exception as error:  # noqa: BLE001 - a bug in an adapter is no proof of anything
                _log.exception("adapter_broke", psp=name, payment_order_id=order.payment_order_id)
                outcome = Unknown(f"the adapter failed: {type(error).__name__}")
        self._health.end(permit, outcome)
        self._seconds.observe(self._clock.monotonic() - started)
        PSP_CALLS.labels(name, call.value, outcome_word(outcome)).inc()
        return outcome

    async def _settle(self, settlement: Settlement) -> None:
        settled = await self._service.settle(settlement)
        if settled is None:
            LEASES_LOST.inc()
        elif settled.failed_over:
            why = "declined" if isinstance(settlement.outcome, Declined) else "unavailable"
            FAILOVERS.labels(self._psp.name, why).inc()
            _log.info("failed_over", psp=self._psp.name, why=why)
