"""Captures and voids: take what an authorization holds, or let it go."""

from hashlib import sha256
from typing import Any

from litestar import Request, Response
from litestar.params import FromPath

from clearhouse.access.model import Scope
from clearhouse.api.authorization import authorized
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.idempotency import header_key
from clearhouse.api.lookups import json_answer, storable
from clearhouse.api.operation_bodies import CaptureRequest, VoidRequest, read_operation
from clearhouse.api.operation_views import authorization_answer
from clearhouse.api.refunds import idempotency_header, read_optional_body
from clearhouse.payments.operations.model import Kind, NewOperation

AnyRequest = Request[Any, Any, Any]


class Captures:
    """Handlers of what ends an authorization, once."""

    def __init__(self, deps: ApiDependencies) -> None:
        self._deps = deps

    async def capture(
        self, request: AnyRequest, payment_order_id: FromPath[str]
    ) -> Response[bytes]:
        """Take all that is held for a payment order, or a part; the rest is let go."""
        return await self._take(request, payment_order_id, Kind.CAPTURE, CaptureRequest, "captures")

    async def void(self, request: AnyRequest, payment_order_id: FromPath[str]) -> Response[bytes]:
        """Let go all that is held for a payment order."""
        return await self._take(request, payment_order_id, Kind.VOID, VoidRequest, "void")

    async def _take(
        self,
        request: AnyRequest,
        payment_order_id: str,
        kind: Kind,
        body_type: type[CaptureRequest] | type[VoidRequest],
        word: str,
    ) -> Response[bytes]:
        deps = self._deps
        key = await authorized(deps.keys, request, Scope.PAYMENTS_WRITE)
        name = storable(payment_order_id)
        key_header = idempotency_header(request)
        body = await read_optional_body(request, deps.max_body_bytes)
        order, _ = await deps.payments.order(name)
        _, amount_minor, canonical = read_operation(body, body_type, order.amount.currency)
        path = f"POST /v1/payments/{name}/{word}\n"
        answer = await deps.operations.accept(
            NewOperation(
                api_key_id=key.key_id,
                idempotency_key=header_key(key_header) or f"o:{word}:{name}",
                body_hash=sha256(path.encode() + canonical).digest(),
                kind=kind,
                payment_order_id=name,
                amount_minor=amount_minor,
                note="",
                public_id=None,
                render=authorization_answer,
            )
        )
        headers = {"Location": f"/v1/payments/{name}"}
        if answer.replayed:
            headers["Idempotency-Replayed"] = "true"
        return json_answer(answer.body, headers, status=202)
