"""The operator: claims due captures, voids and refunds, asks their PSP, and settles what it says.

One loop per PSP beside its executor, and by the same rules: a call is made in no database
transaction, and an operator that lost its lease cannot write.
"""

import asyncio
from typing import Final

import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.payments.operations.execution import OperationExecution
from clearhouse.payments.operations.lifecycle import outcome_word
from clearhouse.payments.operations.model import Ask, ClaimedOperation, Kind, OperationSettlement
from clearhouse.psp.contract import Psp, Unknown
from clearhouse.psp.operations import (
    Captures,
    NotDone,
    OperationOutcome,
    OperationRequest,
    Refunds,
    RefusalReason,
    Refused,
)
from clearhouse.workers.metrics import LEASES_LOST, PSP_CALLS, PSP_IN_FLIGHT, PSP_SECONDS
from clearhouse.workers.turns import Idle, call_for_all, store_what_was_learnt, work_in_rounds

_IDLE: Final = Idle(0.02, 0.5)
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.operator")


class Operator:
    """Executes the operations of one PSP, at most ``concurrency`` calls at once.

    What the PSP cannot do at all is refused at once, so that nothing waits for ever.
    """

    def __init__(
        self, service: OperationExecution, psp: Psp, clock: Clock, *, concurrency: int
    ) -> None:
        self._service = service
        self._psp = psp
        self._clock = clock
        self._concurrency = concurrency
        self._in_flight = PSP_IN_FLIGHT.labels(psp.name)
        self._seconds = PSP_SECONDS.labels(psp.name)

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until ``stopping`` is set; the calls under way are settled first."""
        await work_in_rounds(
            self.round,
            stopping,
            self._clock,
            _IDLE,
            enough=self._concurrency,
            log=_log.bind(psp=self._psp.name),
            trouble="operator_waits",
        )

    async def round(self) -> int:
        """Claim what is due and execute it; returns how many that were."""
        claimed = await self._service.claim(
            self._psp.name, self._psp.capabilities, self._concurrency
        )
        await call_for_all(map(self._execute, claimed), log=_log, broken="operation_broke")
        return len(claimed)

    async def _execute(self, claimed: ClaimedOperation) -> None:
        outcome = await self._ask(claimed)
        proven = claimed.ask is Ask.FIND and isinstance(outcome, NotDone) and claimed.find_proves
        settlement = OperationSettlement(
            claimed.operation_id, claimed.fence, outcome, claimed.ask, proven, claimed.key_expired
        )

        async def settle() -> None:
            if await self._service.settle(settlement) is None:
                LEASES_LOST.inc()

        await store_what_was_learnt(settle, self._clock, log=_log)

    async def _ask(self, claimed: ClaimedOperation) -> OperationOutcome:
        request = OperationRequest(
            kind=claimed.kind.asked,
            operation_id=claimed.name,
            idempotency_key=claimed.idempotency_key,
            payment_order_id=claimed.payment_order_id,
            charge_reference=claimed.charge_reference,
            charged=claimed.charged,
            amount=claimed.amount,
            requested_at=claimed.submitted_at,
            reason=claimed.note,
        )
        started = self._clock.monotonic()
        with self._in_flight.track_inprogress():
            try:
                outcome = await self._call(claimed, request)
            except Exception as error:  # noqa: BLE001 - a bug in an adapter is no proof of anything
                _log.exception("adapter_broke", psp=self._psp.name, operation=claimed.name)
                outcome = Unknown(f"the adapter failed: {type(error).__name__}")
        self._seconds.observe(self._clock.monotonic() - started)
        word = (
            claimed.kind.asked.value if claimed.ask is Ask.SUBMIT else f"find_{claimed.kind.asked}"
        )
        PSP_CALLS.labels(self._psp.name, word, outcome_word(outcome)).inc()
        return outcome

    async def _call(self, claimed: ClaimedOperation, request: OperationRequest) -> OperationOutcome:
        psp, find = self._psp, claimed.ask is Ask.FIND
        match claimed.kind:
            case Kind.REFUND | Kind.STRAY_REFUND if isinstance(psp, Refunds):
                return await (psp.find_refund(request) if find else psp.refund(request))
            case Kind.CAPTURE if isinstance(psp, Captures):
                return await (psp.find_operation(request) if find else psp.capture(request))
            case Kind.VOID if isinstance(psp, Captures):
                return await (psp.find_operation(request) if find else psp.void(request))
            case _:
                return Refused(RefusalReason.REJECTED_BY_PSP, "not_offered_by_this_psp")
