"""Holds: stop a seller's payouts, see what stops them, and let them go on."""

from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath

from clearhouse.access.model import Scope
from clearhouse.api.authorization import authorized
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.hold_operations import (
    hold_answer,
    read_hold,
    read_release,
    view_hold,
    view_holds,
)
from clearhouse.api.listing import read_hold_listing
from clearhouse.api.lookups import json_answer, page_answer, pairs_of, storable
from clearhouse.api.payouts import actor_of
from clearhouse.api.refunds import read_optional_body, required_key
from clearhouse.api.responses import encode
from clearhouse.kernel.errors import NotFound
from clearhouse.wallets.holds.model import NewHold

AnyRequest = Request[Any, Any, Any]


class Holds:
    """Handlers of what stops payouts."""

    def __init__(self, deps: ApiDependencies) -> None:
        self._deps = deps

    async def place(self, request: AnyRequest, seller_account: FromPath[str]) -> Response[bytes]:
        """Stop a seller's payouts."""
        key = await authorized(self._deps.keys, request, Scope.WALLETS_WRITE)
        seller = storable(seller_account)
        idempotency = required_key(request)
        body = await read_optional_body(request, self._deps.max_body_bytes)
        reason, currency, until, canonical = read_hold(body)
        path = f"POST /v1/wallets/{seller}/holds\n"
        answer = await self._deps.holds.accept(
            NewHold(
                api_key_id=key.key_id,
                idempotency_key=idempotency,
                body_hash=sha256(path.encode() + canonical).digest(),
                seller_account=seller,
                currency=currency,
                reason=reason,
                until=until,
                placed_by=actor_of(key),
                render=hold_answer,
            )
        )
        headers = {"Idempotency-Replayed": "true"} if answer.replayed else None
        return json_answer(answer.body, headers, status=201)

    async def listed(self, request: AnyRequest, seller_account: FromPath[str]) -> Response[bytes]:
        """A seller's holds, newest first, page by page."""
        await authorized(self._deps.keys, request, Scope.WALLETS_READ)
        seller = storable(seller_account)
        open_only, before, limit, filters = read_hold_listing(pairs_of(request))
        page = await self._deps.holds.page(seller, open_only=open_only, before=before, limit=limit)
        path = f"/v1/wallets/{quote(seller, safe='')}/holds"
        return page_answer(path, filters, limit, page.next_before, partial(view_holds, page.holds))

    async def release(
        self, request: AnyRequest, seller_account: FromPath[str], hold_id: FromPath[str]
    ) -> Response[bytes]:
        """Let payouts go on as far as one hold is concerned."""
        key = await authorized(self._deps.keys, request, Scope.WALLETS_WRITE)
        seller, identity = storable(seller_account), _identity(hold_id)
        reason = read_release(await read_optional_body(request, self._deps.max_body_bytes))
        found = await self._deps.holds.release(
            identity, by=actor_of(key), reason=reason, seller_account=seller
        )
        return json_answer(encode(view_hold(found)))


def _identity(hold_id: str) -> UUID:
    try:
        return UUID(hold_id)
    except ValueError:
        raise NotFound("There is no hold with this id.") from None
