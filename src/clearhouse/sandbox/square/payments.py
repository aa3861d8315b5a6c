"""The verbs on Square's payments: create, change, complete, cancel, cancel by key, get."""

from typing import Final

from clearhouse.sandbox.core import Core, Response
from clearhouse.sandbox.square import charging, shapes
from clearhouse.sandbox.square.checks import check_create, delay_of, money, part, text
from clearhouse.sandbox.square.endpoint import Call, respond
from clearhouse.sandbox.square.errors import Json, SquareError, invalid, not_found
from clearhouse.sandbox.square.keys import once
from clearhouse.sandbox.square.shelves import Shelves
from clearhouse.sandbox.square.sources import SOURCES, VERIFICATION, Source

_STALE: Final = "The version_token does not match the payment's latest version."


class Payments:
    """The payments of all accounts over one core."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def create(self, call: Call) -> Response:
        """POST /v2/payments."""
        key = text(call.body, "idempotency_key")
        body = dict(call.body)

        def work() -> Json:
            check_create(body)
            source = _source(body)
            asked = charging.Asked(body, source, delay_of(body), _decline(body, source))
            payment = charging.take(Shelves(self._core, call.account), asked, key)
            return {"payment": self._shown(payment)}

        return await once(self._core, call, key, work)

    async def update(self, call: Call) -> Response:
        """PUT /v2/payments/{id}: another amount or tip, before it is completed."""
        key = text(call.body, "idempotency_key")
        wanted = part(call.body, "payment")

        def work() -> Json:
            shelves = Shelves(self._core, call.account)
            payment = self._approved(shelves, call, wanted, "updated")
            _resize(payment, wanted)
            shelves.change_payment(payment)
            return {"payment": self._shown(payment)}

        return await once(self._core, call, f"update {call.request.params['id']} {key}", work)

    async def complete(self, call: Call) -> Response:
        """POST /v2/payments/{id}/complete: takes what was authorized."""
        await call.request.working_time()
        shelves = Shelves(self._core, call.account)
        with self._core.truth.transaction():
            payment = self._approved(shelves, call, call.body, "completed")
            charging.complete(shelves, payment)
        return respond(call.request, 200, {"payment": self._shown(payment)})

    async def cancel(self, call: Call) -> Response:
        """POST /v2/payments/{id}/cancel: gives back what was authorized."""
        await call.request.working_time()
        shelves = Shelves(self._core, call.account)
        with self._core.truth.transaction():
            payment = self._approved(shelves, call, call.body, "canceled")
            charging.cancel(shelves, payment)
        return respond(call.request, 200, {"payment": self._shown(payment)})

    async def cancel_by_key(self, call: Call) -> Response:
        """POST /v2/payments/cancel: voids the payment of a key; success also when there is none."""
        key = text(call.body, "idempotency_key")
        await call.request.working_time()
        shelves = Shelves(self._core, call.account)
        with self._core.truth.transaction():
            for payment in shelves.marked("payment", "idempotency_key", key, 1):
                if payment["status"] in {"APPROVED", "COMPLETED", "PENDING"}:
                    charging.cancel(shelves, payment)
        return respond(call.request, 200, {})

    async def get(self, call: Call) -> Response:
        """GET /v2/payments/{id}."""
        await call.request.working_time()
        payment = Shelves(self._core, call.account).payment(call.request.params["id"])
        return respond(call.request, 200, {"payment": self._shown(payment)})

    def _approved(self, shelves: Shelves, call: Call, given: Json, verb: str) -> Json:
        payment = shelves.payment(call.request.params["id"])
        token = given.get("version_token")
        if token is not None and token != payment["version_token"]:
            raise invalid("CONFLICT", _STALE, "version_token")
        if payment["status"] != "APPROVED":
            detail = f"Payment {payment['id']} has status {payment['status']}, it can't be {verb}."
            raise invalid("BAD_REQUEST", detail)
        return payment

    def _shown(self, payment: Json) -> Json:
        return shapes.shown(payment, self._core.now_us())


def _resize(payment: Json, wanted: Json) -> None:
    held: Json = payment["approved_money"]
    made: dict[str, Json] = {}
    for name in ("amount_money", "tip_money"):
        if name in wanted:
            amount, currency = money(wanted, name, least=0)
            made[name] = {"amount": amount, "currency": currency}
    if any(each["currency"] != held["currency"] for each in made.values()):
        raise invalid("INVALID_VALUE", "Currencies must be the same.", "amount_money.currency")
    made.setdefault("amount_money", payment["amount_money"])
    shapes.resize(payment, made["amount_money"], made.get("tip_money"))
    if payment["total_money"]["amount"] > held["amount"]:
        detail = "The amount can't be more than what was approved."
        raise invalid("AMOUNT_TOO_HIGH", detail, "amount_money.amount")
    if payment["total_money"]["amount"] < 1:
        raise invalid("VALUE_TOO_LOW", "The amount must be at least 1.", "amount_money.amount")


def _source(body: Json) -> Source:
    source = SOURCES.get(body["source_id"])
    if source is None:
        raise not_found("Card nonce not found", "source_id")
    if source.unusable is not None:
        detail = "Card nonce already used; please request new nonce."
        raise SquareError(400, "PAYMENT_METHOD_ERROR", source.unusable, detail, field="source_id")
    return source


def _decline(body: Json, source: Source) -> str | None:
    if source.needs_verification and not body.get("verification_token"):
        return VERIFICATION
    return source.decline
