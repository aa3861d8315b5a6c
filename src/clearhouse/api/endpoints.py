"""Webhook endpoints of merchants: what is sent where, what came of it, and sending it again."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType

from clearhouse.access.model import Scope
from clearhouse.api.authorization import authorized
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.endpoint_bodies import (
    EndpointChange,
    EndpointRequest,
    ResendRequest,
    RotationRequest,
    SwitchRequest,
    in_utc,
    read_endpoint_body,
)
from clearhouse.api.endpoint_views import (
    DeletedEndpointView,
    DeliveryPageView,
    EndpointPageView,
    ResentView,
    TestMessageView,
    view_delivery,
    view_delivery_detail,
    view_endpoint,
    view_new_endpoint,
)
from clearhouse.api.listing import (
    make_cursor,
    make_message_cursor,
    read_delivery_listing,
    read_endpoint_listing,
)
from clearhouse.api.lookups import json_answer, pairs_of
from clearhouse.api.refunds import read_optional_body
from clearhouse.api.responses import encode
from clearhouse.kernel.errors import NotFound
from clearhouse.webhooks.outgoing.lifecycle import DeliveryState
from clearhouse.webhooks.outgoing.model import (
    DeliveryKey,
    Wanted,
    delivery_key_of,
    endpoint_id_of,
)

AnyRequest = Request[Any, Any, Any]
Body = TypeVar("Body", bound=Struct)
PATH: Final = "/v1/webhook-endpoints"


class WebhookEndpoints:
    """Handlers of endpoints and their deliveries."""

    def __init__(self, deps: ApiDependencies) -> None:
        self._deps = deps
        self._endpoints = deps.endpoints
        self._log = deps.deliveries

    async def create(self, request: AnyRequest) -> Response[bytes]:
        """A new endpoint, with its secret."""
        actor = await self._writer(request)
        wanted = await self._body(request, EndpointRequest)
        made = await self._endpoints.create(
            actor,
            wanted.url,
            Wanted(None, _filters(wanted.events), wanted.description or None),
            wanted.seller_account or None,
        )
        headers = {"Location": f"{PATH}/{made.endpoint.public_id}"}
        return json_answer(encode(view_new_endpoint(made)), headers, status=201)

    async def listed(self, request: AnyRequest) -> Response[bytes]:
        """Endpoints, newest first, page by page."""
        await self._reader(request)
        seller, before, limit, filters = read_endpoint_listing(pairs_of(request))
        page = await self._endpoints.endpoints(seller, before, limit)
        items = [view_endpoint(one) for one in page.endpoints]
        cursor = make_cursor(page.next_before, filters) if page.next_before else None
        return json_answer(encode(EndpointPageView(items, cursor)), _next(PATH, filters, cursor))

    async def endpoint(self, request: AnyRequest, endpoint_id: FromPath[str]) -> Response[bytes]:
        """One endpoint, without its secret."""
        await self._reader(request)
        return json_answer(encode(view_endpoint(await self._endpoints.endpoint(_id(endpoint_id)))))

    async def change(self, request: AnyRequest, endpoint_id: FromPath[str]) -> Response[bytes]:
        """Another address, other events, another description."""
        actor = await self._writer(request)
        given = await self._body(request, EndpointChange)
        wanted = Wanted(
            given.url or None,
            None if isinstance(given.events, UnsetType) else _filters(given.events),
            None if given.description is UNSET else given.description or "",
        )
        changed = await self._endpoints.change(actor, _id(endpoint_id), wanted)
        return json_answer(encode(view_endpoint(changed)))

    async def delete(self, request: AnyRequest, endpoint_id: FromPath[str]) -> Response[bytes]:
        """No endpoint any more."""
        actor = await self._writer(request)
        found = _id(endpoint_id)
        await self._endpoints.delete(actor, found)
        return json_answer(encode(DeletedEndpointView(endpoint_id, True)))

    async def rotate(self, request: AnyRequest, endpoint_id: FromPath[str]) -> Response[bytes]:
        """A new secret."""
        actor = await self._writer(request)
        wanted = await self._body(request, RotationRequest)
        overlap = timedelta(hours=wanted.overlap_hours)
        made = await self._endpoints.rotate(actor, _id(endpoint_id), overlap)
        return json_answer(encode(view_new_endpoint(made)))

    async def enable(self, request: AnyRequest, endpoint_id: FromPath[str]) -> Response[bytes]:
        """Send to it again."""
        actor = await self._writer(request)
        why = (await self._body(request, SwitchRequest)).reason or "switched on by hand"
        enabled = await self._endpoints.enable(actor, _id(endpoint_id), why)
        return json_answer(encode(view_endpoint(enabled)))

    async def disable(self, request: AnyRequest, endpoint_id: FromPath[str]) -> Response[bytes]:
        """Send nothing to it any more."""
        actor = await self._writer(request)
        why = (await self._body(request, SwitchRequest)).reason or "switched off by hand"
        disabled = await self._endpoints.disable(actor, _id(endpoint_id), why)
        return json_answer(encode(view_endpoint(disabled)))

    async def try_out(self, request: AnyRequest, endpoint_id: FromPath[str]) -> Response[bytes]:
        """A message that says nothing."""
        await self._writer(request)
        key = await self._endpoints.try_out(_id(endpoint_id))
        return json_answer(encode(TestMessageView(key.message_id)), status=202)

    async def deliveries(self, request: AnyRequest, endpoint_id: FromPath[str]) -> Response[bytes]:
        """What was sent to an endpoint, newest first, page by page."""
        await self._reader(request)
        found = _id(endpoint_id)
        state, before, limit, filters = read_delivery_listing(pairs_of(request))
        page = await self._log.deliveries(
            found, state, _key(found, before) if before else None, limit
        )
        items = [view_delivery(one) for one in page.deliveries]
        cursor = make_message_cursor(items[-1].message_id, filters) if page.more else None
        path = f"{PATH}/{endpoint_id}/deliveries"
        return json_answer(encode(DeliveryPageView(items, cursor)), _next(path, filters, cursor))

    async def delivery(
        self, request: AnyRequest, endpoint_id: FromPath[str], message_id: FromPath[str]
    ) -> Response[bytes]:
        """One delivery: what was sent, and each time that it was."""
        await self._reader(request)
        found = await self._log.delivery(_key(_id(endpoint_id), message_id))
        return json_answer(encode(view_delivery_detail(*found)))

    async def resend(
        self, request: AnyRequest, endpoint_id: FromPath[str], message_id: FromPath[str]
    ) -> Response[bytes]:
        """One message again."""
        actor = await self._writer(request)
        await self._log.resend(actor, _key(_id(endpoint_id), message_id))
        return json_answer(encode(ResentView(1)), status=202)

    async def resend_since(
        self, request: AnyRequest, endpoint_id: FromPath[str]
    ) -> Response[bytes]:
        """All messages of a time again."""
        actor = await self._writer(request)
        wanted = await self._body(request, ResendRequest)
        until = None if isinstance(wanted.until, UnsetType) else in_utc(wanted.until)
        states = tuple(map(DeliveryState, dict.fromkeys(wanted.states)))
        resent = await self._log.resend_since(
            actor, _id(endpoint_id), in_utc(wanted.since), until, states
        )
        return json_answer(encode(ResentView(resent)), status=202)

    async def _reader(self, request: AnyRequest) -> None:
        await authorized(self._deps.keys, request, Scope.WEBHOOKS_READ)

    async def _writer(self, request: AnyRequest) -> str:
        """Who asks, as the audit log names them."""
        key = await authorized(self._deps.keys, request, Scope.WEBHOOKS_WRITE)
        return f"API key {key.key_id}"

    async def _body(self, request: AnyRequest, kind: type[Body]) -> Body:
        body = await read_optional_body(request, self._deps.max_body_bytes)
        return read_endpoint_body(body, kind)


def _id(endpoint_id: str) -> UUID:
    found = endpoint_id_of(endpoint_id)
    if found is None:
        raise NotFound("There is no webhook endpoint with this id.")
    return found


def _key(endpoint_id: UUID, message_id: str) -> DeliveryKey:
    found = delivery_key_of(endpoint_id, message_id)
    if found is None:
        raise NotFound("There is no such delivery.")
    return found


def _filters(events: list[str] | UnsetType) -> tuple[str, ...]:
    return () if isinstance(events, UnsetType) else tuple(dict.fromkeys(events))


def _next(path: str, filters: Mapping[str, str], cursor: str | None) -> dict[str, str] | None:
    if cursor is None:
        return None
    query = urlencode({**filters, "cursor": cursor})
    return {"Link": f'<{path}?{query}>; rel="next"'}
