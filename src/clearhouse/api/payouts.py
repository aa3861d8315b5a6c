"""Payouts: ask for one, approve or cancel it, and see what became of it; where sellers are paid."""

from functools import partial
from hashlib import sha256
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.params import FromPath

from clearhouse.access.model import ApiKey, Scope
from clearhouse.api.authorization import authorized
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.listing import read_payout_listing
from clearhouse.api.lookups import json_answer, page_answer, pairs_of, storable
from clearhouse.api.payout_bodies import read_cancel, read_details, read_payout
from clearhouse.api.payout_views import (
    BankDetailsListView,
    PayoutPageView,
    payout_answer,
    view_details,
    view_payout,
)
from clearhouse.api.refunds import read_optional_body, required_key
from clearhouse.api.responses import encode
from clearhouse.wallets.payouts.model import NewPayout

AnyRequest = Request[Any, Any, Any]
_PATH: Final = "/v1/payouts"


class Payouts:
    """Handlers of what is paid to sellers."""

    def __init__(self, deps: ApiDependencies) -> None:
        self._deps = deps

    async def create(self, request: AnyRequest) -> Response[bytes]:
        """Pay a seller."""
        key = await authorized(self._deps.keys, request, Scope.PAYOUTS_WRITE)
        idempotency = required_key(request)
        body = await read_optional_body(request, self._deps.max_body_bytes)
        wanted, amount_minor, canonical = read_payout(body)
        answer = await self._deps.payouts.accept(
            NewPayout(
                api_key_id=key.key_id,
                idempotency_key=idempotency,
                body_hash=sha256(b"POST /v1/payouts\n" + canonical).digest(),
                seller_account=wanted.seller_account,
                currency=wanted.currency,
                amount_minor=amount_minor,
                note="" if wanted.note is msgspec.UNSET else wanted.note,
                created_by=actor_of(key),
                render=payout_answer,
            )
        )
        headers = {"Location": f"{_PATH}/{msgspec.json.decode(answer.body)['payout_id']}"}
        if answer.replayed:
            headers["Idempotency-Replayed"] = "true"
        return json_answer(answer.body, headers, status=202)

    async def listed(self, request: AnyRequest) -> Response[bytes]:
        """Payouts, newest first, page by page."""
        await authorized(self._deps.keys, request, Scope.PAYOUTS_READ)
        wanted, before, limit, filters = read_payout_listing(pairs_of(request))
        page = await self._deps.payouts.list_payouts(wanted, before, limit)
        items = [view_payout(one) for one in page.payouts]
        return page_answer(_PATH, filters, limit, page.next_before, partial(PayoutPageView, items))

    async def payout(self, request: AnyRequest, payout_id: FromPath[str]) -> Response[bytes]:
        """One payout."""
        await authorized(self._deps.keys, request, Scope.PAYOUTS_READ)
        return json_answer(
            encode(view_payout(await self._deps.payouts.payout(storable(payout_id))))
        )

    async def approve(self, request: AnyRequest, payout_id: FromPath[str]) -> Response[bytes]:
        """Let a payout go, as a second person."""
        key = await authorized(self._deps.keys, request, Scope.PAYOUTS_APPROVE)
        found = await self._deps.payouts.approve(storable(payout_id), actor_of(key))
        return json_answer(encode(view_payout(found)))

    async def cancel(self, request: AnyRequest, payout_id: FromPath[str]) -> Response[bytes]:
        """Take a payout back."""
        key = await authorized(self._deps.keys, request, Scope.PAYOUTS_WRITE)
        body = await read_optional_body(request, self._deps.max_body_bytes)
        found = await self._deps.payouts.cancel(
            storable(payout_id), actor_of(key), read_cancel(body)
        )
        return json_answer(encode(view_payout(found)))

    async def put_details(
        self, request: AnyRequest, seller_account: FromPath[str]
    ) -> Response[bytes]:
        """Say where a seller is paid."""
        key = await authorized(self._deps.keys, request, Scope.SELLERS_WRITE)
        body = await read_optional_body(request, self._deps.max_body_bytes)
        currency, destination = read_details(body)
        found = await self._deps.bank_details.put(
            storable(seller_account), currency, destination, actor_of(key)
        )
        return json_answer(encode(view_details(found)))

    async def details(self, request: AnyRequest, seller_account: FromPath[str]) -> Response[bytes]:
        """Where a seller is paid."""
        await authorized(self._deps.keys, request, Scope.PAYOUTS_READ)
        found = await self._deps.bank_details.of(storable(seller_account))
        view = BankDetailsListView(seller_account, [view_details(one) for one in found])
        return json_answer(encode(view))


def actor_of(key: ApiKey) -> str:
    """Who calls, as payouts and the audit log name them: two keys of one name are one person."""
    return f"key:{key.name}"
