"""The sandbox's own API under ``/_sandbox``: read the truth, ask for faults, set the rates.

====================================  =====================================================
GET    /_sandbox/health               version of the answer format and what is served
GET    /_sandbox/truth                charges; ?psp, reference, status, after, limit
GET    /_sandbox/truth/summary        count and sum per PSP, currency and status
DELETE /_sandbox/truth                forget everything
GET/POST/DELETE /_sandbox/faults      the queue of ordered faults (``faults.FaultOrder``)
GET/POST/DELETE /_sandbox/rates       rates per PSP (``{"stripe": {"lost-answer": 0.1}}``)
GET/POST /_sandbox/settings           latency, list lag, slow body, Retry-After
====================================  =====================================================
"""

from typing import Annotated, Literal
from urllib.parse import parse_qsl

import msgspec

from clearhouse.sandbox.core import Core, Request, Response, Route
from clearhouse.sandbox.faults import Fault, FaultOrder, Latency, NotNegative

_JSON = [("content-type", "application/json")]


class SettingsPatch(msgspec.Struct, forbid_unknown_fields=True):
    """What POST /_sandbox/settings accepts; what is left out stays as it is."""

    latency: dict[str, Latency] | None = None
    list_lag_seconds: dict[str, NotNegative] | None = None
    slow_seconds: NotNegative | None = None
    retry_after_seconds: Annotated[int, msgspec.Meta(ge=0)] | None = None
    payouts_to: Annotated[str, msgspec.Meta(pattern="^[A-Z0-9]{8,34}$")] | None = None
    bank_books: Literal["each", "together", "split"] | None = None


def routes(core: Core) -> list[Route]:
    """The control endpoints; they suffer no faults but those asked for by header."""
    control = _Control(core)
    table = (
        ("GET", "/health", control.health),
        ("GET", "/truth", control.truth),
        ("GET", "/truth/summary", control.summary),
        ("DELETE", "/truth", control.forget),
        ("GET", "/faults", control.faults),
        ("POST", "/faults", control.order_fault),
        ("DELETE", "/faults", control.clear_faults),
        ("GET", "/rates", control.rates),
        ("POST", "/rates", control.set_rates),
        ("DELETE", "/rates", control.clear_rates),
        ("GET", "/settings", control.settings),
        ("POST", "/settings", control.set_settings),
    )
    return [
        Route("sandbox", method, f"/_sandbox{path}", handler, unavailable, operation="control")
        for method, path, handler in table
    ]


class _Control:
    def __init__(self, core: Core) -> None:
        self._core = core

    async def health(self, _request: Request) -> Response:
        return answer({"status": "ok", "psps": ["stripe", "braintree", "square"]})

    async def truth(self, request: Request) -> Response:
        query = dict(parse_qsl(request.query))
        try:
            after, limit = int(query.get("after", 0)), int(query.get("limit", 1000))
        except ValueError:
            return fault("after and limit are integers")
        charges, following = self._core.truth.charges(
            query.get("psp"),
            reference=query.get("reference"),
            status=query.get("status"),
            after=after,
            limit=max(1, min(limit, 10_000)),
        )
        return answer({"charges": charges, "next": following})

    async def summary(self, _request: Request) -> Response:
        return answer({"summary": self._core.truth.summary()})

    async def forget(self, _request: Request) -> Response:
        self._core.truth.clear()
        return answer({})

    async def faults(self, _request: Request) -> Response:
        return answer({"faults": self._core.faults.waiting()})

    async def order_fault(self, request: Request) -> Response:
        try:
            order = msgspec.json.decode(request.body, type=FaultOrder)
        except msgspec.DecodeError as error:
            return fault(str(error))
        self._core.faults.order(order)
        return await self.faults(request)

    async def clear_faults(self, request: Request) -> Response:
        self._core.faults.clear()
        return await self.faults(request)

    async def rates(self, _request: Request) -> Response:
        return answer({"rates": self._core.faults.rates})

    async def set_rates(self, request: Request) -> Response:
        try:
            rates = msgspec.json.decode(request.body, type=dict[str, dict[Fault, NotNegative]])
        except msgspec.DecodeError as error:
            return fault(str(error))
        if any(sum(shares.values()) > 1 for shares in rates.values()):
            return fault("the rates of one PSP must add up to at most 1")
        self._core.faults.rates = rates
        return await self.rates(request)

    async def clear_rates(self, request: Request) -> Response:
        self._core.faults.rates = {}
        return await self.rates(request)

    async def settings(self, _request: Request) -> Response:
        return answer(self._core.settings)

    async def set_settings(self, request: Request) -> Response:
        try:
            patch = msgspec.json.decode(request.body, type=SettingsPatch)
        except msgspec.DecodeError as error:
            return fault(str(error))
        for name, value in msgspec.structs.asdict(patch).items():
            if value is not None:
                setattr(self._core.settings, name, value)
        return await self.settings(request)


def answer(value: object) -> Response:
    """A value as JSON with status 200."""
    return Response(200, msgspec.json.encode(value), list(_JSON))


def fault(detail: str) -> Response:
    """What makes no sense, in one sentence."""
    return Response(400, msgspec.json.encode({"error": detail}), list(_JSON))


def unavailable(_request: Request, status: int) -> Response:
    """A failure of the control API itself."""
    return Response(status, b'{"error": "failed"}', list(_JSON))
