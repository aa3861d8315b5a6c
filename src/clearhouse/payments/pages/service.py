"""Payment pages: claimed under a lease, asked about in no database transaction, and settled.

What a page decides, all orders of its checkout learn through the one door, each its own amount.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import NotFound
from clearhouse.kernel.randomness import Randomness
from clearhouse.messaging.outbox import publish
from clearhouse.payments.facts import executing_event
from clearhouse.payments.learning import LearningService
from clearhouse.payments.learnt import Learnt, Source
from clearhouse.payments.lifecycle import outcome_word
from clearhouse.payments.pages import lifecycle, store
from clearhouse.payments.pages.lifecycle import PAGE_EXPIRED, PageEffect, PageStep
from clearhouse.payments.pages.model import (
    ClaimedPage,
    PageCall,
    PageLineItem,
    PageState,
    PaymentPage,
    page_of_token,
)
from clearhouse.payments.pages.store import QUERIES
from clearhouse.payments.patience import RetryPolicy, key_expired
from clearhouse.payments.store import QUERIES as PAYMENTS
from clearhouse.payments.store import SCHEMA
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.psp.contract import Capabilities, PspOutcome, Reversed, Succeeded, attempt_key
from clearhouse.psp.pages import OpenedPage


class PageService:
    """The verbs of payment pages: for their worker, for the buyer, and for webhooks."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        randomness: Randomness,
        *,
        learning: LearningService,
        lease: timedelta,
        policy: RetryPolicy,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._randomness = randomness
        self._learning = learning
        self._lease = lease
        self._policy = policy

    async def claim(
        self, psp: str, limits: Capabilities, limit: int, *, ours: bool
    ) -> list[ClaimedPage]:
        """Lease at most ``limit`` pages that are due at a PSP; commits before it returns.

        ``ours`` says that the PSP has no page of its own, so that ours holds its fields.
        """

        async def work(connection: Connection) -> list[ClaimedPage]:
            leased = await connection.fetch(QUERIES["claim_pages"], psp, limit, self._lease)
            if not leased:
                return []
            page_ids = [row["page_id"] for row in leased]
            started = await connection.fetch(QUERIES["start_orders"], page_ids)
            await publish(connection, SCHEMA, [e for row in started if (e := executing_event(row))])
            rows = {row["page_id"]: row for row in await store.rows_of(connection, page_ids)}
            items = await store.items_of(connection, page_ids)
            claimed = [
                _claimed(rows[each["page_id"]], each, items[each["page_id"]], limits, ours=ours)
                for each in leased
            ]
            charges = [one for one in claimed if one.call is PageCall.CHARGE]
            if charges:
                await connection.execute(
                    QUERIES["note_charge"],
                    [one.page.page_id for one in charges],
                    [one.page.attempt for one in charges],
                )
            return claimed

        return await in_transaction(self._pool, self._clock, work)

    async def settle(
        self, claimed: ClaimedPage, outcome: OpenedPage | PspOutcome
    ) -> PageState | None:
        """Store what was learnt about a leased page; returns its state when durable.

        None when the lease was lost or the buyer has tried a card meanwhile: nothing was written,
        and the page is asked about again. Raises UnavailableError when the database is lost.
        """

        async def work(connection: Connection) -> PageState | None:
            page_id = claimed.page.page_id
            held = await connection.fetchrow(QUERIES["lock_page_work"], page_id)
            if held is None or held["fence"] != claimed.fence:
                return None
            await connection.execute(QUERIES["lock_page"], page_id)
            row = (await store.rows_of(connection, [page_id]))[0]
            page = store.page_of(row)
            if (page.attempt, page.attempt_open) != (
                claimed.page.attempt,
                claimed.page.attempt_open,
            ):
                await connection.execute(QUERIES["ask_pages_now"], [page_id])
                return None
            step = lifecycle.apply(
                page,
                claimed.call,
                outcome,
                row["moment"],
                self._policy,
                self._randomness.uniform(0, 1),
                tries=held["tries"],
                proven=claimed.card is not None
                and claimed.call is PageCall.LOOK_UP
                and claimed.card.look_up_proves,
            )
            await self._write(connection, claimed, step, outcome)
            return step.state

        return await in_transaction(self._pool, self._clock, work)

    async def page(self, token: str) -> PaymentPage:
        """The page that a link leads to. Raises NotFound."""
        page_id = page_of_token(token)
        rows = await store.rows_of(self._pool, [page_id]) if page_id else []
        if not rows or rows[0]["token"] != token:
            raise NotFound("There is no payment page at this address.")
        return store.page_of(rows[0])

    async def wake(self, page: PaymentPage) -> None:
        """Have a page asked about at once, since its buyer is waiting."""
        await self._pool.execute(QUERIES["ask_pages_now"], [page.page_id])

    async def try_card(self, page: PaymentPage, nonce: str, limits: Capabilities) -> bool:
        """Take a card that the buyer gave on a page of ours; the page worker charges it.

        False, and nothing stored, while an earlier card is not definitely declined, or when the
        page is over: so a button pressed twice, a refresh and a second tab charge once.
        """

        async def work(connection: Connection) -> bool:
            # Work first, then the page, as settling does it.
            if await connection.fetchrow(QUERIES["lock_page_work"], page.page_id) is None:
                return False
            await connection.execute(QUERIES["lock_page"], page.page_id)
            number = await connection.fetchval(QUERIES["try_card"], page.page_id)
            if number is None:
                return False
            key = attempt_key(str(page.page_id), number, limits.idempotency_key_length)
            await connection.execute(QUERIES["store_card"], page.page_id, number, nonce, key)
            await connection.execute(QUERIES["ask_pages_now"], [page.page_id])
            return True

        return await in_transaction(self._pool, self._clock, work)

    async def ask_now(
        self,
        connection: Connection,
        psp: str,
        *,
        references: Sequence[str] = (),
        page_ids: Sequence[str] = (),
    ) -> bool:
        """Have the pages that a PSP's words lead to asked about at once; False when there is none.

        ``page_ids`` may be any words that the PSP kept as our reference; what is no page's id leads
        to none. A page that is decided already counts as found.
        """
        ids = [found for word in page_ids if (found := _uuid(word)) is not None]
        rows = await connection.fetch(
            QUERIES["pages_of_references"], psp, list(references), list(ids)
        )
        await connection.execute(
            QUERIES["ask_pages_now"], [row["page_id"] for row in rows if not row["final"]]
        )
        return bool(rows)

    async def take_shared(
        self, connection: Connection, order_ids: Sequence[UUID], outcome: PspOutcome | None
    ) -> None:
        """Learn of a charge that the orders of a page share.

        A page that is under way is asked, so that there is one way to decide it. One that is paid
        has nothing to ask: what was taken back afterwards, each order learns for its part.
        """
        pages = await connection.fetch(QUERIES["pages_of_orders"], list(order_ids))
        await connection.execute(QUERIES["ask_pages_now"], [row["page_id"] for row in pages])
        if not isinstance(outcome, Reversed):
            return
        paid = {row["page_id"] for row in pages if row["paid"] == outcome.charged.minor}
        for items in (await store.items_of(connection, list(paid))).values():
            await self._tell(connection, items, outcome)

    async def _write(
        self,
        connection: Connection,
        claimed: ClaimedPage,
        step: PageStep,
        outcome: OpenedPage | PspOutcome,
    ) -> None:
        page_id = claimed.page.page_id
        if claimed.card is not None and not isinstance(outcome, OpenedPage):
            await connection.execute(
                QUERIES["settle_card"],
                page_id,
                claimed.card.number,
                outcome_word(outcome),
                step.detail or None,
                step.effect in {PageEffect.NEXT_CARD, PageEffect.COMPLETE},
            )
        match step.effect:
            case PageEffect.OPEN:
                assert isinstance(outcome, OpenedPage)
                await connection.execute(
                    QUERIES["open_page"],
                    page_id,
                    outcome.psp_reference,
                    outcome.url or None,
                    outcome.expires_at,
                )
            case PageEffect.COMPLETE:
                assert isinstance(outcome, Succeeded | Reversed)
                await connection.execute(QUERIES["complete_page"], page_id, outcome.psp_reference)
                await self._tell(connection, claimed.items, outcome)
            case PageEffect.EXPIRE:
                await connection.execute(QUERIES["expire_page"], page_id)
                await self._tell(connection, claimed.items, PAGE_EXPIRED)
            case PageEffect.NEXT_CARD:
                await connection.execute(QUERIES["decline_card"], page_id, step.declined_for)
            case PageEffect.RAISE:
                await self._raise(connection, claimed, outcome, step.detail)
            case PageEffect.WAIT:
                pass
        if step.state in lifecycle.FINAL:
            await connection.execute(QUERIES["finish_page"], page_id)
            return
        tries = claimed.tries if step.effect is PageEffect.WAIT else 0
        await connection.execute(QUERIES["postpone_page"], page_id, step.wait, tries)

    async def _tell(
        self, connection: Connection, items: Sequence[PageLineItem], outcome: PspOutcome
    ) -> None:
        """Each order learns its own part of what became of the page."""
        facts: list[Learnt] = []
        for item in items:
            part = outcome
            if isinstance(outcome, Succeeded):
                part = Succeeded(outcome.psp_reference, item.amount)
            elif isinstance(outcome, Reversed):
                part = Reversed(outcome.psp_reference, item.amount, outcome.psp_code)
            facts.append(Learnt(item.order_id, part, Source.PAGE))
        await self._learning.learn(connection, facts)

    async def _raise(
        self,
        connection: Connection,
        claimed: ClaimedPage,
        outcome: OpenedPage | PspOutcome,
        detail: str,
    ) -> None:
        await connection.execute(
            PAYMENTS["raise_to_person"],
            ["payment_page"],
            ["outcome"],
            [claimed.page.page_id],
            [1],
            [repr(outcome)],
            [detail],
        )


def _claimed(
    row: asyncpg.Record,
    lease: asyncpg.Record,
    items: tuple[PageLineItem, ...],
    limits: Capabilities,
    *,
    ours: bool,
) -> ClaimedPage:
    page, card, now = store.page_of(row), store.card_of(row, limits), row["moment"]
    expired = card is not None and key_expired(card.started_at, now, limits)
    call = lifecycle.next_call(page, card, now, ours=ours, key_expired=expired)
    return ClaimedPage(page, items, call, card, lease["fence"], lease["tries"])


def _uuid(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None
