"""Disputes: the list of them, and one."""

from typing import Any, Final
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.params import FromPath

from clearhouse.access.model import Scope
from clearhouse.api.authorization import authorize
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.dispute_views import DisputePageView, view_dispute
from clearhouse.api.http import header
from clearhouse.api.listing import make_cursor, read_dispute_listing
from clearhouse.api.lookups import json_answer, pairs_of, storable
from clearhouse.api.responses import encode

AnyRequest = Request[Any, Any, Any]
_PATH: Final = "/v1/disputes"


class Disputes:
    """Handlers of what banks ask back."""

    def __init__(self, deps: ApiDependencies) -> None:
        self._deps = deps

    async def listed(self, request: AnyRequest) -> Response[bytes]:
        """Disputes, newest first, page by page."""
        await self._authorize(request)
        stage, before, limit, filters = read_dispute_listing(pairs_of(request))
        page = await self._deps.disputes.list_disputes(before, stage, limit)
        items = [view_dispute(one) for one in page.disputes]
        if page.next_before is None:
            return json_answer(encode(DisputePageView(items, None)))
        cursor = make_cursor(page.next_before, filters)
        query = urlencode({**filters, "limit": limit, "cursor": cursor})
        link = f'<{_PATH}?{query}>; rel="next"'
        return json_answer(encode(DisputePageView(items, cursor)), {"Link": link})

    async def dispute(self, request: AnyRequest, dispute_id: FromPath[str]) -> Response[bytes]:
        """One dispute."""
        await self._authorize(request)
        found = await self._deps.disputes.dispute(storable(dispute_id))
        return json_answer(encode(view_dispute(found)))

    async def _authorize(self, request: AnyRequest) -> None:
        value = header(request.scope, b"authorization")
        await authorize(self._deps.keys, value, Scope.DISPUTES_READ)
