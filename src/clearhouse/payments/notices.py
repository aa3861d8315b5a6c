"""What PSPs tell us by themselves, led to the orders, refunds, disputes and pages it is about.

Everything here is safe to do twice: a webhook whose effect is stored may be handled again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from clearhouse.payments.learning import LearningService
from clearhouse.payments.learnt import Found, Learnt, Source
from clearhouse.payments.store import QUERIES
from clearhouse.postgres.connection import Connection
from clearhouse.psp.contract import NotCharged, PspOutcome, Unknown
from clearhouse.psp.notices import (
    AskAgain,
    ChargeNotice,
    DisputeNotice,
    Notice,
    Notification,
    PageNotice,
    RefundNotice,
)


@dataclass(frozen=True, slots=True)
class Missing:
    """What a notice is about is not there (yet); ``ours`` when it carries an id of ours."""

    what: str
    ours: bool


class TakesRefunds(Protocol):
    """Who learns about refunds."""

    async def take_refund(
        self, connection: Connection, psp: str, notice: RefundNotice, order_ids: Sequence[UUID]
    ) -> bool:
        """Learn it; False when the refund cannot be told yet.

        ``order_ids`` are the charge's, none where no order stands for it.
        """
        ...


class TakesDisputes(Protocol):
    """Who learns about disputes."""

    async def take_dispute(
        self,
        connection: Connection,
        psp: str,
        notice: DisputeNotice,
        order_ids: Sequence[UUID],
        as_of: datetime,
        version: int | None,
    ) -> bool:
        """Learn it; False when its order cannot take it yet. ``order_ids`` are the charge's.

        ``as_of`` and ``version`` are the notification's: what is older changes nothing.
        """
        ...


class TakesPages(Protocol):
    """Who learns about hosted pages, and about charges that several orders share."""

    async def ask_page(self, connection: Connection, psp: str, notice: PageNotice) -> bool:
        """Have the page asked at once; False when there is none."""
        ...

    async def ask_charge(self, connection: Connection, psp: str, reference: str) -> bool:
        """The same for a charge; its reference at the PSP is the page's id, if it is one's."""
        ...

    async def take_shared(
        self, connection: Connection, order_ids: Sequence[UUID], outcome: PspOutcome | None
    ) -> None:
        """Learn of a charge that the orders of a page share; ``outcome`` None: it must be asked."""
        ...


_UNDECIDED: Final = (Unknown, NotCharged)


class NoticeService:
    """Takes what webhooks say; a part that is None parks what would be its."""

    def __init__(
        self,
        learning: LearningService,
        *,
        refunds: TakesRefunds | None = None,
        disputes: TakesDisputes | None = None,
        pages: TakesPages | None = None,
    ) -> None:
        self._learning = learning
        self._refunds = refunds
        self._disputes = disputes
        self._pages = pages

    async def take(
        self, connection: Connection, psp: str, notifications: Sequence[Notification]
    ) -> list[Missing | None]:
        """Take some notifications in the caller's transaction; None for each that is handled.

        One that says several things is handled only when all of them are.
        """
        notices = [notice for each in notifications for notice in each.notices]
        found = await self._learning.find_orders(
            connection, psp, _references(notices), _order_ids(notices)
        )
        attempts = await self._attempts(connection, notices, found)
        facts: list[Learnt] = []
        asked: list[UUID] = []
        answers: list[Missing | None] = []
        for each in notifications:
            missing: Missing | None = None
            for notice in each.notices:
                orders = _orders_of(notice, found)
                match notice:
                    case ChargeNotice() if len(orders) == 1:
                        attempt = attempts.get((orders[0].order_id, notice.idempotency_key or ""))
                        if isinstance(notice.outcome, _UNDECIDED):
                            asked.append(orders[0].order_id)
                        else:
                            facts.append(_fact(psp, each, notice, orders[0], attempt))
                    case AskAgain() if len(orders) == 1:
                        asked.append(orders[0].order_id)
                    case _:
                        other = await self._take_other(connection, psp, each, notice, orders)
                        missing = other or missing
            answers.append(missing)
        if facts:
            await self._learning.learn(connection, facts)
        if asked:
            await self._learning.ask_now(connection, asked)
        return answers

    async def _take_other(
        self,
        connection: Connection,
        psp: str,
        each: Notification,
        notice: Notice,
        orders: Sequence[Found],
    ) -> Missing | None:
        """What is not simply about one order's charge; the answer says what is missing."""
        ids = [order.order_id for order in orders]
        done = False
        match notice:
            case PageNotice():
                done = self._pages is not None and await self._pages.ask_page(
                    connection, psp, notice
                )
                named = notice.page_id is not None
                return None if done else Missing("its page is not known", ours=named)
            case RefundNotice() if self._refunds is not None:
                # Of a stray charge there is a refund, and no order.
                done = await self._refunds.take_refund(connection, psp, notice, ids)
            case DisputeNotice() if ids and self._disputes is not None:
                done = await self._disputes.take_dispute(
                    connection, psp, notice, ids, each.as_of, each.version
                )
            case ChargeNotice() | AskAgain() if len(ids) > 1 and self._pages is not None:
                outcome = notice.outcome if isinstance(notice, ChargeNotice) else None
                await self._pages.take_shared(connection, ids, outcome)
                done = True
            case ChargeNotice() | AskAgain() if self._pages is not None and not ids:
                reference = notice.payment_order_id or ""
                done = await self._pages.ask_charge(connection, psp, reference)
            case _:
                pass
        if done:
            return None
        if not ids:
            return Missing("its charge is not known", _is_ours(notice))
        return Missing("it cannot be taken yet", ours=True)

    async def _attempts(
        self,
        connection: Connection,
        notices: Sequence[Notice],
        found: Mapping[str, Sequence[Found]],
    ) -> dict[tuple[UUID, str], int]:
        """Which attempt each key of ours belongs to."""
        wanted = {
            (order.order_id, notice.idempotency_key)
            for notice in notices
            if isinstance(notice, ChargeNotice) and notice.idempotency_key
            for order in _orders_of(notice, found)
        }
        if not wanted:
            return {}
        rows = await connection.fetch(
            QUERIES["attempts_of_keys"],
            [order_id for order_id, _ in wanted],
            [key for _, key in wanted],
        )
        return {(row["order_id"], row["idempotency_key"]): row["attempt"] for row in rows}


def _fact(
    psp: str,
    notification: Notification,
    notice: ChargeNotice,
    order: Found,
    attempt: int | None,
) -> Learnt:
    return Learnt(
        order.order_id,
        notice.outcome,
        Source.WEBHOOK,
        attempt=attempt if attempt is not None else order.attempt,
        as_of=notification.as_of,
        version=notification.version,
        psp=psp,
    )


def _references(notices: Sequence[Notice]) -> list[str]:
    return sorted({word for notice in notices if (word := _reference(notice))})


def _reference(notice: Notice) -> str | None:
    match notice:
        case ChargeNotice() | AskAgain():
            return notice.psp_reference
        case RefundNotice():
            return notice.charge_reference
        case DisputeNotice():
            return notice.dispute.charge_reference
        case PageNotice():
            return None


def _order_ids(notices: Sequence[Notice]) -> list[str]:
    return sorted(
        {
            notice.payment_order_id
            for notice in notices
            if isinstance(notice, ChargeNotice | AskAgain) and notice.payment_order_id
        }
    )


def _orders_of(notice: Notice, found: Mapping[str, Sequence[Found]]) -> Sequence[Found]:
    """The orders a notice is about: by our own id where it has one, else by the charge."""
    if isinstance(notice, ChargeNotice | AskAgain) and notice.payment_order_id:
        orders = found.get(notice.payment_order_id)
        if orders:
            return orders
    return found.get(_reference(notice) or "", ())


def _is_ours(notice: Notice) -> bool:
    match notice:
        case ChargeNotice() | AskAgain():
            return notice.payment_order_id is not None
        case RefundNotice():
            return notice.operation_id is not None
        case _:
            return False
