"""``POST /v1/payments``: the hot path. It answers only after the payment is durable."""

from dataclasses import replace
from hashlib import sha256
from typing import Final

from litestar.types import HTTPScope, Receive

from clearhouse.access.model import Scope
from clearhouse.api.authorization import authorize
from clearhouse.api.cards import bytes_hold_card_number
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.http import Reply, check_media_type, read_body
from clearhouse.api.idempotency import idempotency_key
from clearhouse.api.problems import HttpError
from clearhouse.api.reading import read_payment
from clearhouse.api.responses import encode, view_checkout
from clearhouse.kernel.errors import CardNumberRefused
from clearhouse.payments.model import Intake

PATH: Final = "/v1/payments"
_HASHED_BEFORE: Final = b"POST /v1/payments\n"
_REPLAYED: Final = (b"idempotency-replayed", b"true")


class PaymentIntake:
    """Takes payments in: recognise, check, hand over, answer."""

    def __init__(self, deps: ApiDependencies) -> None:
        self._deps = deps

    async def take(self, scope: HTTPScope, receive: Receive) -> Reply:
        """Answer one request. Raises ClearhouseError of every kind, and Disconnected."""
        deps = self._deps
        authorization = media_type = encoding = length = key_header = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
            elif name == b"content-type":
                media_type = value
            elif name == b"content-length":
                length = value
            elif name == b"content-encoding":
                encoding = value
            elif name == b"idempotency-key":
                if key_header is not None:
                    raise HttpError("invalid-idempotency-key", "Idempotency-Key was sent twice.")
                key_header = value
        key = await authorize(deps.keys, authorization, Scope.PAYMENTS_WRITE)
        check_media_type(media_type, encoding)
        if key_header is not None and bytes_hold_card_number(key_header):
            raise CardNumberRefused("")
        body = await read_body(receive, length, deps.max_body_bytes)
        payment, canonical = read_payment(body, deps.psps, deps.pages.names)
        if payment.on_page:
            payment = deps.pages.choose(payment)
        idempotency = idempotency_key(key_header, payment.checkout_id)
        event, page = deps.payments.prepare(payment), None
        if payment.on_page:
            page = deps.pages.prepare(event, payment)
            event = replace(event, page_token=page.token)
        answer = await deps.payments.accept(
            Intake(
                api_key_id=key.key_id,
                idempotency_key=idempotency,
                body_hash=sha256(_HASHED_BEFORE + canonical).digest(),
                payment=payment,
                event=event,
                answer=encode(view_checkout(event, deps.public_url)),
                page=page,
            )
        )
        # Identifiers hold only what a URL's path takes as it is.
        headers = [(b"location", b"/v1/checkouts/" + payment.checkout_id.encode("ascii"))]
        if answer.replayed:
            headers.append(_REPLAYED)
        return Reply(202, answer.body, headers)
