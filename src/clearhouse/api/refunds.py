"""Refunds: ask for one, and see what became of it."""

from hashlib import sha256
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.params import FromPath

from clearhouse.access.model import Scope
from clearhouse.api.authorization import authorized
from clearhouse.api.cards import bytes_hold_card_number
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.http import check_media_type, header, read_body
from clearhouse.api.idempotency import header_key
from clearhouse.api.lookups import json_answer, storable
from clearhouse.api.operation_bodies import RefundRequest, read_operation
from clearhouse.api.operation_views import RefundListView, refund_answer, view_refund
from clearhouse.api.problems import HttpError
from clearhouse.api.responses import encode
from clearhouse.kernel.errors import CardNumberRefused
from clearhouse.payments.operations.model import GIVE_BACK, Kind, NewOperation

AnyRequest = Request[Any, Any, Any]


class Refunds:
    """Handlers of what gives money back."""

    def __init__(self, deps: ApiDependencies) -> None:
        self._deps = deps

    async def create(self, request: AnyRequest, payment_order_id: FromPath[str]) -> Response[bytes]:
        """Refund all that is left of a payment order, or a part of it."""
        deps = self._deps
        key = await authorized(deps.keys, request, Scope.REFUNDS_WRITE)
        name = storable(payment_order_id)
        key_header = idempotency_header(request)
        body = await read_optional_body(request, deps.max_body_bytes)
        order, _ = await deps.payments.order(name)
        wanted, amount_minor, canonical = read_operation(body, RefundRequest, order.amount.currency)
        idempotency = header_key(key_header)
        if idempotency is None:
            if wanted.refund_id is msgspec.UNSET:
                raise HttpError(
                    "invalid-idempotency-key",
                    "Send an Idempotency-Key header or a refund_id, so that repeating is safe.",
                )
            idempotency = f"r:{wanted.refund_id}"
        path = f"POST /v1/payments/{name}/refunds\n"
        answer = await deps.operations.accept(
            NewOperation(
                api_key_id=key.key_id,
                idempotency_key=idempotency,
                body_hash=sha256(path.encode() + canonical).digest(),
                kind=Kind.REFUND,
                payment_order_id=name,
                amount_minor=amount_minor,
                note=wanted.reason or "",
                public_id=wanted.refund_id or None,
                render=refund_answer,
            )
        )
        refund_id = msgspec.json.decode(answer.body)["refund_id"]
        headers = {"Location": f"/v1/refunds/{refund_id}"}
        if answer.replayed:
            headers["Idempotency-Replayed"] = "true"
        return json_answer(answer.body, headers, status=202)

    async def of_payment(
        self, request: AnyRequest, payment_order_id: FromPath[str]
    ) -> Response[bytes]:
        """All refunds of a payment order, oldest first."""
        await self._read(request)
        found = await self._deps.operations.operations_of(storable(payment_order_id), GIVE_BACK)
        return json_answer(encode(RefundListView([view_refund(one) for one in found])))

    async def refund(self, request: AnyRequest, refund_id: FromPath[str]) -> Response[bytes]:
        """One refund."""
        await self._read(request)
        return json_answer(
            encode(view_refund(await self._deps.operations.refund(storable(refund_id))))
        )

    async def _read(self, request: AnyRequest) -> None:
        await authorized(self._deps.keys, request, Scope.PAYMENTS_READ)


async def read_optional_body(request: AnyRequest, most: int) -> bytes:
    """The request's body, which may be none at all; if there is one, it must be JSON."""
    scope = request.scope
    body = await read_body(request.receive, header(scope, b"content-length"), most)
    if body:
        check_media_type(header(scope, b"content-type"), header(scope, b"content-encoding"))
    return body


def idempotency_header(request: AnyRequest) -> bytes | None:
    """The Idempotency-Key header. Raises HttpError when it was sent twice, CardNumberRefused."""
    found = [value for name, value in request.scope["headers"] if name == b"idempotency-key"]
    if len(found) > 1:
        raise HttpError("invalid-idempotency-key", "Idempotency-Key was sent twice.")
    if found and bytes_hold_card_number(found[0]):
        raise CardNumberRefused("")
    return found[0] if found else None


def required_key(request: AnyRequest) -> str:
    """The idempotency key of what cannot be asked for without one.

    Raises HttpError, also when there is none, and CardNumberRefused.
    """
    key = header_key(idempotency_header(request))
    if key is None:
        raise HttpError(
            "invalid-idempotency-key",
            "Send an Idempotency-Key header, so that repeating is safe.",
        )
    return key
