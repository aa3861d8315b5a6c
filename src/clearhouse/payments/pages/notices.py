"""What webhooks say that concerns payment pages: the page is asked, and tells all its orders."""

from collections.abc import Sequence
from uuid import UUID

from clearhouse.payments.pages.service import PageService
from clearhouse.postgres.connection import Connection
from clearhouse.psp.contract import PspOutcome
from clearhouse.psp.notices import PageNotice


class PageNotices:
    """Fulfils ``payments.notices.TakesPages``."""

    def __init__(self, service: PageService) -> None:
        self._service = service

    async def ask_page(self, connection: Connection, psp: str, notice: PageNotice) -> bool:
        """Have the page asked at once; False when there is none."""
        return await self._service.ask_now(
            connection,
            psp,
            references=[notice.page_reference],
            page_ids=[notice.page_id] if notice.page_id else [],
        )

    async def ask_charge(self, connection: Connection, psp: str, reference: str) -> bool:
        """The same for a charge whose reference at the PSP may be a page's id."""
        return await self._service.ask_now(connection, psp, page_ids=[reference])

    async def take_shared(
        self, connection: Connection, order_ids: Sequence[UUID], outcome: PspOutcome | None
    ) -> None:
        """Learn of a charge that the orders of a page share; ``outcome`` None: it must be asked."""
        await self._service.take_shared(connection, order_ids, outcome)
