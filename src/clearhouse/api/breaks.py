"""Breaks: the list of them, one with its proposal, and what is done about it."""

from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath

from clearhouse.access.model import ApiKey, Scope
from clearhouse.api.authorization import authorized
from clearhouse.api.break_bodies import (
    amount_of,
    read_assignment,
    read_comment,
    read_decision,
    read_reopening,
)
from clearhouse.api.break_views import BreakListView, view_break, view_detail
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.listing import read_break_listing
from clearhouse.api.lookups import json_answer, pairs_of
from clearhouse.api.payouts import actor_of
from clearhouse.api.refunds import read_optional_body
from clearhouse.api.responses import encode
from clearhouse.kernel.errors import NotFound
from clearhouse.reconciliation.queue import Filters

AnyRequest = Request[Any, Any, Any]


class Breaks:
    """Handlers of what does not agree."""

    def __init__(self, deps: ApiDependencies) -> None:
        self._deps = deps

    async def listed(self, request: AnyRequest) -> Response[bytes]:
        """Breaks, the most at stake first."""
        await authorized(self._deps.keys, request, Scope.BREAKS_READ)
        values, limit = read_break_listing(pairs_of(request))
        state = values.pop("state", "open")
        filters = Filters({"open": True, "closed": False}.get(state), **values)
        found = await self._deps.breaks.list(filters, limit)
        return json_answer(encode(BreakListView([view_break(one) for one in found])))

    async def shown(self, request: AnyRequest, break_id: FromPath[str]) -> Response[bytes]:
        """One, with all about it."""
        await authorized(self._deps.keys, request, Scope.BREAKS_READ)
        return json_answer(encode(view_detail(await self._deps.breaks.show(_id(break_id)))))

    async def decide(self, request: AnyRequest, break_id: FromPath[str]) -> Response[bytes]:
        """Accept or write off."""
        key, body = await self._body(request)
        name, said = _id(break_id), read_decision(body)
        currency = (await self._deps.breaks.show(name)).found.currency
        amount = amount_of(said, currency)
        found = await self._deps.breaks.decide(name, said.deed, actor_of(key), said.reason, amount)
        return json_answer(encode(view_break(found)))

    async def comment(self, request: AnyRequest, break_id: FromPath[str]) -> Response[bytes]:
        """Say something about it."""
        key, body = await self._body(request)
        note = read_comment(body).note
        found = await self._deps.breaks.comment(_id(break_id), actor_of(key), note)
        return json_answer(encode(view_break(found)))

    async def assign(self, request: AnyRequest, break_id: FromPath[str]) -> Response[bytes]:
        """Give it to somebody."""
        key, body = await self._body(request)
        owner = read_assignment(body).owner.strip()
        found = await self._deps.breaks.assign(_id(break_id), owner, actor_of(key))
        return json_answer(encode(view_break(found)))

    async def reopen(self, request: AnyRequest, break_id: FromPath[str]) -> Response[bytes]:
        """Open it again."""
        key, body = await self._body(request)
        reason = read_reopening(body).reason
        found = await self._deps.breaks.reopen(_id(break_id), actor_of(key), reason)
        return json_answer(encode(view_break(found)))

    async def _body(self, request: AnyRequest) -> tuple[ApiKey, bytes]:
        key = await authorized(self._deps.keys, request, Scope.BREAKS_WRITE)
        return key, await read_optional_body(request, self._deps.max_body_bytes)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is no break with this id.") from None
