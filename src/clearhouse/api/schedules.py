"""When sellers are paid."""

from typing import Any

from litestar import Request, Response
from litestar.params import FromPath

from clearhouse.access.model import Scope
from clearhouse.api.authorization import authorized
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.lookups import json_answer, storable
from clearhouse.api.payouts import actor_of
from clearhouse.api.refunds import read_optional_body
from clearhouse.api.responses import encode
from clearhouse.api.schedule_bodies import read_schedule
from clearhouse.api.schedule_views import ScheduleListView, view_schedule

AnyRequest = Request[Any, Any, Any]


class Schedules:
    """Handlers of payout schedules."""

    def __init__(self, deps: ApiDependencies) -> None:
        self._deps = deps

    async def put(self, request: AnyRequest, seller_account: FromPath[str]) -> Response[bytes]:
        """Say when a seller is paid."""
        key = await authorized(self._deps.keys, request, Scope.SELLERS_WRITE)
        body = await read_optional_body(request, self._deps.max_body_bytes)
        currency, schedule, is_paused = read_schedule(body)
        found = await self._deps.schedules.put(
            storable(seller_account), currency, schedule, actor_of(key), is_paused=is_paused
        )
        return json_answer(encode(view_schedule(found)))

    async def listed(self, request: AnyRequest, seller_account: FromPath[str]) -> Response[bytes]:
        """When a seller is paid."""
        await authorized(self._deps.keys, request, Scope.PAYOUTS_READ)
        found = await self._deps.schedules.of(storable(seller_account))
        view = ScheduleListView(seller_account, [view_schedule(one) for one in found])
        return json_answer(encode(view))
