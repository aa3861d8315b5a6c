"""The control API's part of settlement: what is true, and what reports are to say instead.

====================================  =====================================================
GET  /_sandbox/truth/movements        what moved the PSPs' balances; ?psp, after, limit
GET/POST/DELETE                       reports to be spoilt (``spoils.SpoilOrder``), which stand
/_sandbox/settlement-faults           until they are withdrawn
====================================  =====================================================
"""

from urllib.parse import parse_qsl

import msgspec

from clearhouse.sandbox.control import answer, fault, unavailable
from clearhouse.sandbox.core import Core, Request, Response, Route
from clearhouse.sandbox.movements import day_bounds
from clearhouse.sandbox.spoils import SpoilOrder

_MOST = 10_000
_PATH = "/_sandbox/settlement-faults"


def routes(core: Core) -> list[Route]:
    """The endpoints; they suffer no faults but those asked for by header."""

    async def movements(request: Request) -> Response:
        query = dict(parse_qsl(request.query))
        after, limit = query.get("after", "0"), query.get("limit", "1000")
        if not after.isdecimal() or not limit.isdecimal():
            return fault("after and limit are integers")
        size = max(1, min(int(limit), _MOST))
        found, following = core.movements.all(query.get("psp"), int(after), size)
        return answer({"movements": found, "next": following})

    async def standing(_request: Request) -> Response:
        return answer({"settlement_faults": core.spoils.standing()})

    async def order(request: Request) -> Response:
        try:
            asked = msgspec.json.decode(request.body, type=SpoilOrder)
            if asked.day is not None:
                day_bounds(asked.day)
        except (msgspec.DecodeError, ValueError) as error:
            return fault(str(error))
        core.spoils.order(asked)
        return await standing(request)

    async def withdraw(request: Request) -> Response:
        core.spoils.clear()
        return await standing(request)

    table = (
        ("GET", "/_sandbox/truth/movements", movements),
        ("GET", _PATH, standing),
        ("POST", _PATH, order),
        ("DELETE", _PATH, withdraw),
    )
    return [
        Route("sandbox", method, path, handler, unavailable, operation="control")
        for method, path, handler in table
    ]
