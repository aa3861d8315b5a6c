"""Square's refunds: PENDING at first, then COMPLETED, REJECTED or FAILED when their time comes."""

from datetime import timedelta
from typing import Final

from clearhouse.sandbox.core import Core, Response
from clearhouse.sandbox.square import moving, shapes
from clearhouse.sandbox.square.checks import check_refund, text
from clearhouse.sandbox.square.endpoint import PSP, Call, respond
from clearhouse.sandbox.square.errors import Json, SquareError, not_found
from clearhouse.sandbox.square.keys import once
from clearhouse.sandbox.square.shelves import Shelves

FINISHED: Final = f"{PSP}.refund_finishes"
_USUAL: Final = ("COMPLETED", timedelta(minutes=1))
_BY_AMOUNT: Final = {
    7701: ("REJECTED", timedelta(minutes=1)),
    7702: ("FAILED", timedelta(days=2)),
}
"""The sandbox's own triggers; Square documents none."""
_REFUNDABLE_FOR: Final = timedelta(days=365)
_BLOCKING: Final = {"EVIDENCE_REQUIRED", "PROCESSING", "LOST", "ACCEPTED"}
_COUNTS: Final = {"PENDING", "COMPLETED"}


class Refunds:
    """The refunds of all accounts over one core."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def create(self, call: Call) -> Response:
        """POST /v2/refunds."""
        key = text(call.body, "idempotency_key")

        def work() -> Json:
            check_refund(call.body)
            shelves = Shelves(self._core, call.account)
            payment = shelves.payment(call.body["payment_id"])
            _check_refundable(shelves, payment, call.body["amount_money"])
            refund = self._refund(call.body, payment)
            shelves.add_refund(refund)
            self._note_end(shelves, refund)
            return {"refund": shapes.shown(refund, self._core.now_us())}

        return await once(self._core, call, f"refunds {key}", work)

    async def get(self, call: Call) -> Response:
        """GET /v2/refunds/{id}."""
        await call.request.working_time()
        identifier = call.request.params["id"]
        refund = Shelves(self._core, call.account).load("refund", identifier)
        if refund is None:
            detail = f"Could not find refund with id: {identifier[:80]}"
            raise not_found(detail, "refund_id")
        return respond(call.request, 200, {"refund": shapes.shown(refund, self._core.now_us())})

    def _refund(self, body: Json, payment: Json) -> Json:
        now = shapes.moment(self._core.now_us())
        refund: Json = {
            "id": f"{payment['id']}_{self._core.name(44)}",
            "status": "PENDING",
            "amount_money": body["amount_money"],
            "payment_id": payment["id"],
            "order_id": payment["order_id"],
            "location_id": payment["location_id"],
            "destination_type": "CARD",
            "created_at": now,
            "updated_at": now,
        }
        if "reason" in body:
            refund["reason"] = body["reason"]
        return refund

    def _note_end(self, shelves: Shelves, refund: Json) -> None:
        status, wait = _BY_AMOUNT.get(refund["amount_money"]["amount"], _USUAL)
        payload = {"account": shelves.account, "id": refund["id"], "status": status}
        self._core.agenda.later(FINISHED, wait.total_seconds(), payload)


def finish(shelves: Shelves, refund: Json, status: str) -> None:
    """The buyer's bank took it, or not."""
    refund["status"] = status
    shelves.change_refund(refund)
    if status == "COMPLETED":
        moving.refunded(shelves, refund)


def _check_refundable(shelves: Shelves, payment: Json, wanted: Json) -> None:
    if payment["status"] == "APPROVED":
        raise _refused("REFUND_ERROR_PAYMENT_NEEDS_COMPLETION", "The payment is not completed.")
    if payment["status"] != "COMPLETED":
        raise _refused("PAYMENT_NOT_REFUNDABLE", "The payment took no money.")
    age = shelves.core.now_us() - shapes.micros(payment["created_at"])
    if age > _REFUNDABLE_FOR // timedelta(microseconds=1):
        raise _refused("PAYMENT_NOT_REFUNDABLE", "The payment is older than a year.")
    disputes = shelves.marked("dispute", "payment_id", payment["id"])
    if any(each["state"] in _BLOCKING for each in disputes):
        raise _refused("PAYMENT_NOT_REFUNDABLE_DUE_TO_DISPUTE", "The payment is disputed.")
    total = payment["total_money"]
    if wanted["currency"] != total["currency"]:
        raise _refused("REFUND_AMOUNT_INVALID", "The currency is not the payment's.")
    refunds = shelves.marked("refund", "payment_id", payment["id"])
    given = sum(one["amount_money"]["amount"] for one in refunds if one["status"] in _COUNTS)
    if given + wanted["amount"] > total["amount"]:
        detail = "The requested refund amount exceeds the amount available to refund."
        raise _refused("REFUND_AMOUNT_INVALID", detail)


def _refused(code: str, detail: str) -> SquareError:
    return SquareError(400, "REFUND_ERROR", code, detail)
