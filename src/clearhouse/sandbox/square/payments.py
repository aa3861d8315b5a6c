"""The verbs on Square's payments: create, complete, cancel, cancel by key.

Idempotency is bound to the whole body and covers declines: the same key with the same body
gives the first answer again, with another body it is refused.
"""

from hashlib import blake2b
from typing import Final

import msgspec

from clearhouse.sandbox.core import Core, Response
from clearhouse.sandbox.idempotency import Answer, Scope
from clearhouse.sandbox.objects import Shelf
from clearhouse.sandbox.square import shapes
from clearhouse.sandbox.square.checks import check_create, text
from clearhouse.sandbox.square.endpoint import PSP, Call, respond
from clearhouse.sandbox.square.errors import Json, SquareError, failure, invalid, not_found
from clearhouse.sandbox.square.sources import RISK_BY_AMOUNT, SOURCES, VERIFICATION, Source
from clearhouse.sandbox.truth import Charge

_TRUTH_STATUS: Final = {
    "COMPLETED": "succeeded",
    "APPROVED": "authorized",
    "CANCELED": "canceled",
    "FAILED": "declined",
    "PENDING": "pending",
}


class Payments:
    """The payments of all accounts over one core."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def create(self, call: Call) -> Response:
        """POST /v2/payments."""
        key = text(call.body, "idempotency_key")
        fingerprint = _fingerprint(call.body)
        scope = Scope(PSP, call.account, key)
        replay = self._recall(scope, fingerprint, call)
        if replay is not None:
            return replay
        body = dict(call.body)
        check_create(body)
        source = _source(body)
        self._core.answers.in_flight[scope] = fingerprint
        try:
            await call.request.working_time()
            return self._take(call, body, source, scope, fingerprint)
        finally:
            del self._core.answers.in_flight[scope]

    async def complete(self, call: Call) -> Response:
        """POST /v2/payments/{id}/complete: takes what was authorized."""
        await call.request.working_time()
        with self._core.truth.transaction():
            payment = self._approved(call, "completed")
            shapes.complete(payment, now_us=self._core.now_us())
            self._save(call.account, payment, None, None)
        return respond(call.request, 200, {"payment": payment})

    async def cancel(self, call: Call) -> Response:
        """POST /v2/payments/{id}/cancel: gives back what was authorized."""
        await call.request.working_time()
        with self._core.truth.transaction():
            payment = self._approved(call, "canceled")
            shapes.cancel(payment, now_us=self._core.now_us())
            self._save(call.account, payment, None, None)
        return respond(call.request, 200, {"payment": payment})

    async def cancel_by_key(self, call: Call) -> Response:
        """POST /v2/payments/cancel: voids the payment of a key; success also when there is none."""
        key = text(call.body, "idempotency_key")
        await call.request.working_time()
        with self._core.truth.transaction():
            found = self._core.objects.find(
                self._shelf(call.account), marks={"idempotency_key": key}, limit=1
            )
            payment = found[0].body if found else None
            if payment is not None and payment["status"] in {"APPROVED", "COMPLETED"}:
                shapes.cancel(payment, now_us=self._core.now_us())
                self._save(call.account, payment, None, None)
        return respond(call.request, 200, {})

    async def get(self, call: Call) -> Response:
        """GET /v2/payments/{id}."""
        await call.request.working_time()
        return respond(call.request, 200, {"payment": self._load(call)})

    def _recall(self, scope: Scope, fingerprint: str, call: Call) -> Response | None:
        stored = self._core.answers.recall(scope)
        earlier = self._core.answers.in_flight.get(scope, stored and stored.fingerprint)
        if earlier is None:
            return None
        if earlier != fingerprint:
            raise invalid(
                "IDEMPOTENCY_KEY_REUSED",
                "Different request parameters used for the same idempotency_key.",
                "idempotency_key",
            )
        if stored is None:
            raise failure(409)
        return respond(call.request, stored.status, stored.body)

    def _take(
        self, call: Call, body: Json, source: Source, scope: Scope, fingerprint: str
    ) -> Response:
        now = self._core.now_us()
        payment = shapes.payment(f"{self._core.name(26)}YZ", body, source, now_us=now)
        risk = RISK_BY_AMOUNT.get(body["amount_money"]["amount"], "NORMAL")
        payment["risk_evaluation"] = {"created_at": shapes.moment(now), "risk_level": risk}
        error = _decline(body, source, payment)
        if error is not None:
            shapes.fail(payment, error.error)
        elif body.get("autocomplete", True):
            shapes.complete(payment, now_us=now)
        with self._core.truth.transaction():
            self._save(call.account, payment, scope.key, body["source_id"])
            status = error.status if error else 200
            content = error.body() if error else msgspec.json.encode({"payment": payment})
            self._core.answers.keep(scope, Answer(fingerprint, status, [], content, now))
        return respond(call.request, status, content)

    def _approved(self, call: Call, verb: str) -> Json:
        payment = self._load(call)
        token = call.body.get("version_token")
        if token is not None and token != payment["version_token"]:
            detail = "The version_token does not match the payment's latest version."
            raise invalid("CONFLICT", detail, "version_token")
        if payment["status"] != "APPROVED":
            detail = f"Payment {payment['id']} has status {payment['status']}, it can't be {verb}."
            raise invalid("BAD_REQUEST", detail)
        return payment

    def _load(self, call: Call) -> Json:
        identifier = call.request.params["id"]
        payment = self._core.objects.get(self._shelf(call.account), identifier)
        if payment is None:
            raise not_found(f"Could not find payment with id: {identifier[:80]}", "payment_id")
        return payment

    def _save(self, account: str, payment: Json, key: str | None, source: str | None) -> None:
        """Write the payment under a new version; the key is known only when it is created."""
        now = self._core.now_us()
        payment["version_token"] = self._core.name(44)
        self._core.objects.put(
            self._shelf(account),
            payment["id"],
            payment,
            created_at=now,
            marks={"idempotency_key": key} if key else None,
        )
        money = payment["total_money"]
        self._core.truth.record(
            Charge(
                psp=PSP,
                account=account,
                psp_id=payment["id"],
                reference=payment.get("reference_id"),
                idempotency_key=key,
                amount_minor=money["amount"],
                currency=money["currency"],
                payment_method=source,
                status=_TRUTH_STATUS[payment["status"]],
                created_at=now,
                updated_at=now,
            )
        )

    def _shelf(self, account: str) -> Shelf:
        return Shelf(PSP, account, "payment")


def _source(body: Json) -> Source:
    source = SOURCES.get(body["source_id"])
    if source is None:
        raise not_found("Card nonce not found", "source_id")
    if source.unusable is not None:
        detail = "Card nonce already used; please request new nonce."
        raise SquareError(400, "PAYMENT_METHOD_ERROR", source.unusable, detail, field="source_id")
    return source


def _decline(body: Json, source: Source, payment: Json) -> SquareError | None:
    code = source.decline
    if source.needs_verification and not body.get("verification_token"):
        code = VERIFICATION
    if code is None:
        return None
    detail = f"Authorization error: '{code}'"
    return SquareError(400, "PAYMENT_METHOD_ERROR", code, detail, payment=payment)


def _fingerprint(body: Json) -> str:
    return blake2b(msgspec.json.encode(body, order="sorted"), digest_size=16).hexdigest()
