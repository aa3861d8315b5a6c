"""Statements of wallets: JSON, CSV and a page to print, sent while they are read."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from litestar import Request
from litestar.params import FromPath
from litestar.response import Stream

from clearhouse.access.model import Scope
from clearhouse.api.authorization import authorized
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.http import header
from clearhouse.api.listing import read_statement_query
from clearhouse.api.lookups import pairs_of, storable
from clearhouse.api.statement_formats import POLICY, as_csv, as_json, as_page
from clearhouse.wallets.statements.model import Statement

AnyRequest = Request[Any, Any, Any]
_FORMATS: Final[dict[str, tuple[str, Callable[[Statement], AsyncIterator[bytes]]]]] = {
    "json": ("application/json", as_json),
    "csv": ("text/csv", as_csv),
    "html": ("text/html", as_page),
}


class Statements:
    """The handler of statements."""

    def __init__(self, deps: ApiDependencies) -> None:
        self._deps = deps

    async def statement(self, request: AnyRequest, seller_account: FromPath[str]) -> Stream:
        """What a wallet had, all that moved it, and what it had then."""
        await authorized(self._deps.keys, request, Scope.WALLETS_READ)
        seller = storable(seller_account)
        currency, begins, ends, wanted = read_statement_query(pairs_of(request))
        found = await self._deps.wallets.statement(seller, currency, begins, ends)
        wanted = wanted or _accepted(header(request.scope, b"accept"))
        media_type, render = _FORMATS[wanted]
        headers = {"Vary": "Accept"}
        if wanted == "html":
            headers["Content-Security-Policy"] = POLICY
        elif wanted == "csv":
            name = f"statement-{currency}-{begins:%Y%m%d}-{ends:%Y%m%d}.csv"
            headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return Stream(render(found), media_type=media_type, headers=headers)


def _accepted(accept: bytes | None) -> str:
    """The first format that a client names in ``Accept``; JSON where it names none of ours."""
    for part in (accept or b"").decode("latin-1").split(","):
        kind = part.partition(";")[0].strip().lower()
        for word, (media_type, _) in _FORMATS.items():
            if kind == media_type:
                return word
    return "json"
