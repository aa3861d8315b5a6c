"""Answers disputes, asks after those that are open, and finds those that no webhook told of.

By the operator's rules: a call is made in no database transaction, and who lost its lease cannot
write. Webhooks tell the same, and sooner; this finds out what they lost.
"""

import asyncio
from typing import Final, Protocol, runtime_checkable

import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import UnavailableError
from clearhouse.payments.disputes.answering import (
    Answer,
    AnswerKind,
    ClaimedDispute,
    DisputeFindings,
)
from clearhouse.payments.disputes.answers import DisputeExecution
from clearhouse.payments.disputes.sweeping import ClaimedSweep, DisputeSweep
from clearhouse.payments.operations.lifecycle import outcome_word
from clearhouse.postgres.connection import TROUBLE
from clearhouse.psp.contract import Unknown
from clearhouse.psp.disputes import DisputeFacts, Disputes
from clearhouse.psp.operations import OperationOutcome
from clearhouse.workers.metrics import LEASES_LOST, PSP_CALLS
from clearhouse.workers.turns import (
    Idle,
    call_for_all,
    store_what_was_learnt,
    work_in_rounds,
)

_BATCH: Final = 4
_IDLE: Final = Idle(0.05, 1.0)
_SWEEP_IDLE: Final = 5.0
_PORTION: Final = 100
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.disputes")


@runtime_checkable
class DisputedPsp(Disputes, Protocol):
    """A PSP that can be asked about disputes."""

    @property
    def name(self) -> str:
        """The PSP's name."""
        ...


class DisputeWorker:
    """Calls one PSP for the disputes that are due there, a few at once."""

    def __init__(self, service: DisputeExecution, psp: DisputedPsp, clock: Clock) -> None:
        self._service = service
        self._psp = psp
        self._clock = clock

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until ``stopping`` is set; the calls under way are settled first."""
        await work_in_rounds(
            self.round,
            stopping,
            self._clock,
            _IDLE,
            enough=_BATCH,
            log=_log.bind(psp=self._psp.name),
            trouble="disputes_wait",
        )

    async def round(self) -> int:
        """Claim what is due and call for it; returns how many disputes that were."""
        claimed = await self._service.claim(self._psp.name, _BATCH)
        await call_for_all(map(self._call, claimed), log=_log, broken="dispute_broke")
        return len(claimed)

    async def _call(self, claimed: ClaimedDispute) -> None:
        outcome = None if claimed.answer is None else await self._send(claimed, claimed.answer)
        findings = DisputeFindings(claimed, outcome, await self._read(claimed))

        async def settle() -> None:
            if not await self._service.settle(findings):
                LEASES_LOST.inc()

        await store_what_was_learnt(settle, self._clock, log=_log)

    async def _send(self, claimed: ClaimedDispute, answer: Answer) -> OperationOutcome:
        reference = claimed.psp_reference
        try:
            if answer.kind is AnswerKind.ACCEPTANCE:
                outcome = await self._psp.accept_dispute(reference)
            else:
                outcome = await self._psp.send_evidence(reference, answer.evidence)
        except Exception as error:  # noqa: BLE001 - a bug in an adapter is no proof of anything
            _log.exception("adapter_broke", psp=self._psp.name, answer=answer.public_id)
            outcome = Unknown(f"the adapter failed: {type(error).__name__}")
        PSP_CALLS.labels(self._psp.name, answer.kind.value, outcome_word(outcome)).inc()
        return outcome

    async def _read(self, claimed: ClaimedDispute) -> DisputeFacts | None:
        """The dispute as the PSP has it; None when that cannot be told now."""
        try:
            facts = await self._psp.dispute(claimed.psp_reference)
        except UnavailableError:
            facts = None
        except Exception:  # noqa: BLE001 - a bug in an adapter must not stop the loop
            _log.exception("adapter_broke", psp=self._psp.name, dispute=str(claimed.dispute_id))
            facts = None
        PSP_CALLS.labels(self._psp.name, "dispute", "unknown" if facts is None else "done").inc()
        return facts


class DisputeSweeper:
    """Reads one PSP's list of disputes now and then."""

    def __init__(self, service: DisputeSweep, psp: DisputedPsp, clock: Clock) -> None:
        self._service = service
        self._psp = psp
        self._clock = clock

    async def run(self, stopping: asyncio.Event) -> None:
        """Read whenever it is due, until ``stopping`` is set; a list half read is read again."""
        while not stopping.is_set():
            try:
                claimed = await self._service.claim(self._psp.name)
                if claimed is not None:
                    await self._try(claimed)
            except TROUBLE as error:
                _log.warning("sweep_waits", psp=self._psp.name, error=type(error).__name__)
            await self._clock.sleep(_SWEEP_IDLE)

    async def _try(self, claimed: ClaimedSweep) -> None:
        try:
            await self.sweep(claimed)
        except UnavailableError as error:
            _log.warning("sweep_waits", psp=self._psp.name, error=str(error))
            await self._service.give_up(claimed)
        except Exception:  # noqa: BLE001 - a bug in an adapter must not stop the loop
            _log.exception("adapter_broke", psp=self._psp.name)
            await self._service.give_up(claimed)

    async def sweep(self, claimed: ClaimedSweep) -> int:
        """Read one list to its end; returns how many disputes nobody had told of.

        Raises UnavailableError when the PSP or the database does not answer.
        """
        unheard = 0
        portion: list[DisputeFacts] = []
        async for facts in self._psp.disputes_since(claimed.since):
            portion.append(facts)
            if len(portion) == _PORTION:
                unheard += await self._service.take(self._psp.name, portion)
                portion = []
        unheard += await self._service.take(self._psp.name, portion)
        if await self._service.finish(claimed) and unheard:
            _log.warning("disputes_unheard_of", psp=self._psp.name, count=unheard)
        return unheard
