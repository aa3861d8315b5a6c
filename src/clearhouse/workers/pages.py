"""The page worker: opens payment pages at their PSP, asks what became of them, and closes them.

As the executor does with orders: one loop per PSP, each call in no database transaction, and a
lease that is longer than a call's time limit.
"""

import asyncio
from math import inf
from typing import Final

import structlog

from clearhouse.kernel.clock import Clock
from clearhouse.payments.lifecycle import outcome_word
from clearhouse.payments.pages.lifecycle import PAGE_EXPIRED
from clearhouse.payments.pages.model import ClaimedPage, PageCall
from clearhouse.payments.pages.service import PageService
from clearhouse.psp.contract import (
    ChargeRequest,
    Declined,
    DeclineReason,
    NotCharged,
    Pending,
    PendingReason,
    PspOutcome,
    Retry,
    Unknown,
)
from clearhouse.psp.pages import DropIn, HostedPage, OpenedPage, PageLine, PageRequest
from clearhouse.workers.executor import ChargingPsp
from clearhouse.workers.metrics import PAGE_CALLS
from clearhouse.workers.turns import Idle, store_what_was_learnt, work_in_rounds

_IDLE: Final = Idle(0.01, 0.25)
NO_PAGES: Final = Declined(DeclineReason.REJECTED_BY_PSP, Retry.HARD, "no_payment_page")
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.pages")


class PageWorker:
    """Moves the pages of one PSP on, at most ``concurrency`` calls at once.

    ``public_url`` is where buyers reach the API: the PSP sends them back there.
    """

    def __init__(
        self,
        service: PageService,
        psp: ChargingPsp,
        clock: Clock,
        *,
        public_url: str,
        concurrency: int,
    ) -> None:
        self._service = service
        self._psp = psp
        self._clock = clock
        self._public_url = public_url
        self._concurrency = concurrency
        self._calls: set[asyncio.Task[None]] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until ``stopping`` is set, then wait for the calls under way to be settled."""
        await work_in_rounds(
            self.turn,
            stopping,
            self._clock,
            _IDLE,
            enough=inf,
            log=_log.bind(psp=self._psp.name),
            trouble="page_worker_waits",
        )
        await self.drain()

    async def turn(self) -> bool:
        """Take up the pages that are due, as far as there are places; whether there were any."""
        free = self._concurrency - len(self._calls)
        if free == 0:
            return True
        claimed = await self._service.claim(
            self._psp.name, self._psp.capabilities, free, ours=isinstance(self._psp, DropIn)
        )
        for one in claimed:
            task = asyncio.create_task(self._move(one), name=f"page {one.page.page_id}")
            self._calls.add(task)
            task.add_done_callback(self._ended)
        return bool(claimed)

    async def drain(self) -> None:
        """Wait until every call under way is settled."""
        while self._calls:
            await asyncio.gather(*self._calls, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The lease runs out and another takes the page up; nothing is lost.
            _log.error("page_broke", task=task.get_name(), error=repr(error))

    async def _move(self, claimed: ClaimedPage) -> None:
        try:
            outcome = await self._ask(claimed)
        except Exception as error:  # noqa: BLE001 - a bug in an adapter is no proof of anything
            _log.exception("adapter_broke", psp=self._psp.name, page=str(claimed.page.page_id))
            outcome = Unknown(f"the adapter failed: {type(error).__name__}")
        if (
            claimed.call is PageCall.LOOK_UP
            and claimed.card is not None
            and isinstance(outcome, NotCharged)
            and not claimed.card.look_up_proves
        ):
            # A call that could charge may still be under way; only time makes it proof.
            outcome = Unknown(f"not found yet: {outcome.detail}")
        word = "opened" if isinstance(outcome, OpenedPage) else outcome_word(outcome)
        PAGE_CALLS.labels(self._psp.name, claimed.call.value, word).inc()

        async def settle() -> None:
            await self._service.settle(claimed, outcome)

        await store_what_was_learnt(settle, self._clock, log=_log, trouble="page_waits")

    async def _ask(self, claimed: ClaimedPage) -> OpenedPage | PspOutcome:
        psp, page = self._psp, claimed.page
        reference = page.psp_page_reference or ""
        match claimed.call:
            case PageCall.CHARGE:
                return await psp.charge(_charge(claimed))
            case PageCall.LOOK_UP:
                return await psp.look_up(_charge(claimed))
            case PageCall.EXPIRE:
                return PAGE_EXPIRED
            case _ if isinstance(psp, DropIn):
                if claimed.call is PageCall.OPEN:
                    return OpenedPage(str(page.page_id), "", None)
                return Pending(PendingReason.REQUIRES_ACTION, reference)
            case _ if not isinstance(psp, HostedPage):
                return NO_PAGES
            case PageCall.OPEN:
                return await psp.open_page(self._request(claimed))
            case PageCall.OUTCOME:
                return await psp.page_outcome(reference, self._request(claimed))
            case PageCall.CLOSE:
                return await psp.close_page(reference, self._request(claimed))

    def _request(self, claimed: ClaimedPage) -> PageRequest:
        page = claimed.page
        link = f"{self._public_url}/pay/{page.token}"
        return PageRequest(
            page_id=str(page.page_id),
            idempotency_key=str(page.page_id),
            total=page.total,
            lines=tuple(PageLine(item.seller_account, item.amount) for item in claimed.items),
            return_url=f"{link}?from=psp",
            cancel_url=f"{link}?from=cancel",
            requested_at=page.created_at,
            expires_at=page.expires_at,
        )


def _charge(claimed: ClaimedPage) -> ChargeRequest:
    page, card = claimed.page, claimed.card
    assert card is not None
    return ChargeRequest(
        payment_order_id=str(page.page_id),
        idempotency_key=card.idempotency_key,
        amount=page.total,
        payment_method=card.payment_method,
        seller_account=claimed.items[0].seller_account,
        attempted_at=card.started_at,
    )
