"""The control API of what happens later: clock, webhooks, mischief, and actions by hand.

====================================  =====================================================
GET/POST /_sandbox/clock              the time; move it on by days, hours or seconds
GET      /_sandbox/agenda             what the PSPs are going to do by themselves
GET/POST/DELETE /_sandbox/webhooks    where webhooks go (``courier.Endpoint``)
GET/POST/DELETE /_sandbox/mischief    how they go wrong, per PSP (``courier.Mischief``)
GET      /_sandbox/deliveries         the newest deliveries
POST     /_sandbox/deliveries         bring again all that were dropped or given up
POST     /_sandbox/deliveries/{id}    bring one again
GET/POST /_sandbox/actions            what can be done to an object by hand; do it
GET      /_sandbox/truth/refunds      refunds and disputes, as the PSPs know them;
GET      /_sandbox/truth/disputes     ?psp, charge_id
====================================  =====================================================
"""

from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import parse_qsl

import msgspec

from clearhouse.sandbox.control import answer, fault, unavailable
from clearhouse.sandbox.core import Core, Request, Response, Route
from clearhouse.sandbox.courier import Endpoint, Mischief

Step = Annotated[float, msgspec.Meta(ge=0)]


class ClockMove(msgspec.Struct, forbid_unknown_fields=True):
    """How far to move the clock on; what is given adds up."""

    days: Step = 0.0
    hours: Step = 0.0
    advance_seconds: Step = 0.0


class ActionCall(msgspec.Struct, forbid_unknown_fields=True):
    """An action on an object of an account at a PSP."""

    psp: str
    action: str
    id: str
    account: str | None = None


def routes(core: Core) -> list[Route]:
    """The endpoints; they suffer no faults but those asked for by header."""
    desk = _Desk(core)
    table = (
        ("GET", "/clock", desk.clock),
        ("POST", "/clock", desk.move_clock),
        ("GET", "/agenda", desk.agenda),
        ("GET", "/webhooks", desk.webhooks),
        ("POST", "/webhooks", desk.register),
        ("DELETE", "/webhooks", desk.unregister),
        ("GET", "/mischief", desk.mischief),
        ("POST", "/mischief", desk.set_mischief),
        ("DELETE", "/mischief", desk.clear_mischief),
        ("GET", "/deliveries", desk.deliveries),
        ("POST", "/deliveries", desk.resend_lost),
        ("POST", "/deliveries/{id}", desk.resend),
        ("GET", "/actions", desk.actions),
        ("POST", "/actions", desk.act),
        ("GET", "/truth/refunds", desk.refunds),
        ("GET", "/truth/disputes", desk.disputes),
    )
    return [
        Route("sandbox", method, f"/_sandbox{path}", handler, unavailable, operation="control")
        for method, path, handler in table
    ]


class _Desk:
    def __init__(self, core: Core) -> None:
        self._core = core

    async def clock(self, _request: Request) -> Response:
        clock = self._core.clock
        return answer({"now": clock.now(), "ahead_seconds": clock.offset.total_seconds()})

    async def move_clock(self, request: Request) -> Response:
        try:
            move = msgspec.json.decode(request.body, type=ClockMove)
            by = timedelta(days=move.days, hours=move.hours, seconds=move.advance_seconds)
        except (msgspec.DecodeError, OverflowError) as error:
            return fault(str(error))
        self._core.clock.advance(by)
        done = self._core.agenda.run_due()
        clock = self._core.clock
        ahead = clock.offset.total_seconds()
        return answer({"now": clock.now(), "ahead_seconds": ahead, "done": done})

    async def agenda(self, _request: Request) -> Response:
        return answer({"agenda": self._core.agenda.waiting()})

    async def webhooks(self, _request: Request) -> Response:
        # Without their secrets: whoever registers them knows them.
        found = [{"psp": one.psp, "url": one.url} for one in self._core.courier.endpoints()]
        return answer({"webhooks": found})

    async def register(self, request: Request) -> Response:
        try:
            endpoint = msgspec.json.decode(request.body, type=Endpoint)
        except msgspec.DecodeError as error:
            return fault(str(error))
        if endpoint.psp not in self._core.courier.psps:
            return fault(f"there is no PSP {endpoint.psp[:40]!r}")
        self._core.courier.register(endpoint)
        return await self.webhooks(request)

    async def unregister(self, request: Request) -> Response:
        self._core.courier.forget_endpoints()
        return await self.webhooks(request)

    async def mischief(self, _request: Request) -> Response:
        return answer({"mischief": self._core.courier.mischief})

    async def set_mischief(self, request: Request) -> Response:
        try:
            wanted = msgspec.json.decode(request.body, type=dict[str, Mischief])
        except msgspec.DecodeError as error:
            return fault(str(error))
        self._core.courier.mischief = wanted
        return await self.mischief(request)

    async def clear_mischief(self, request: Request) -> Response:
        self._core.courier.mischief = {}
        return await self.mischief(request)

    async def deliveries(self, _request: Request) -> Response:
        courier = self._core.courier
        return answer({"deliveries": courier.log(), "waiting": courier.waiting()})

    async def resend(self, request: Request) -> Response:
        number = request.params["id"]
        if not number.isdecimal() or not self._core.courier.resend(int(number)):
            return fault("there is no such delivery")
        return answer({})

    async def resend_lost(self, _request: Request) -> Response:
        return answer({"sent_again": self._core.courier.resend_lost()})

    async def actions(self, request: Request) -> Response:
        query = dict(parse_qsl(request.query))
        psp, identifier = query.get("psp", ""), query.get("id", "")
        account = query.get("account") or self._account(psp, identifier) or ""
        offered = self._core.actions.offered(psp, account, identifier)
        return answer({"actions": [{"name": one.name, "label": one.label} for one in offered]})

    async def act(self, request: Request) -> Response:
        try:
            call = msgspec.json.decode(request.body, type=ActionCall)
        except msgspec.DecodeError as error:
            return fault(str(error))
        action = self._core.actions.find(call.psp, call.action)
        account = call.account or self._account(call.psp, call.id)
        if action is None or account is None:
            return fault("there is no such action or object")
        try:
            with self._core.truth.transaction():
                action.run(account, call.id)
        except ValueError as error:
            return fault(str(error))
        self._core.agenda.run_due()
        return answer({})

    async def refunds(self, request: Request) -> Response:
        query = dict(parse_qsl(request.query))
        found = self._core.truth.refunds(query.get("psp"), query.get("charge_id"))
        return answer({"refunds": found})

    async def disputes(self, request: Request) -> Response:
        query = dict(parse_qsl(request.query))
        found = self._core.truth.disputes(query.get("psp"), query.get("charge_id"))
        return answer({"disputes": found})

    def _account(self, psp: str, identifier: str) -> str | None:
        """Whose object it is; ids are unique, so a tester need not know."""
        row: Any = self._core.truth.execute(
            "SELECT account FROM objects WHERE psp = ? AND id = ? LIMIT 1", (psp, identifier)
        ).fetchone()
        return None if row is None else row[0]
