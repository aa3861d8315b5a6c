"""What happens to a payment: it is taken, completed, canceled, reviewed; each told as it happens.

Everything here runs within ``truth.transaction()``.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from clearhouse.sandbox.square import moving, shapes
from clearhouse.sandbox.square.endpoint import PSP
from clearhouse.sandbox.square.errors import Json, SquareError
from clearhouse.sandbox.square.shelves import Shelves
from clearhouse.sandbox.square.sources import DISPUTE_BY_AMOUNT, RISK_BY_AMOUNT, Source

EXPIRES: Final = f"{PSP}.authorization_expires"
FEE: Final = f"{PSP}.fee_arrives"
REVIEWED: Final = f"{PSP}.review_ends"
DISPUTED: Final = f"{PSP}.dispute_opens"
_REVIEW: Final = timedelta(hours=1)
_DISPUTE: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A payment to make: a checked body, its source, and the code it is declined with, if it is.

    ``reference`` is what the truth calls it where the body has no ``reference_id``.
    """

    body: Json
    source: Source
    delay: timedelta
    decline: str | None
    reference: str | None = None


def take(shelves: Shelves, asked: Asked, key: str) -> Json:
    """Make a payment. Raises SquareError, to be kept, with a failed one when it is declined."""
    core, body = shelves.core, asked.body
    now = core.now_us()
    payment = shapes.payment(f"{core.name(26)}YZ", body, asked.source, asked.delay, now_us=now)
    risk = RISK_BY_AMOUNT.get(body["amount_money"]["amount"], "NORMAL")
    payment["risk_evaluation"] = {"created_at": shapes.moment(now), "risk_level": risk}
    payment["autocomplete"] = body.get("autocomplete", True)
    if asked.decline is not None:
        return _declined(shelves, payment, asked, key)
    if risk == "PENDING":
        shapes.await_review(payment)
        core.agenda.later(REVIEWED, _REVIEW.total_seconds(), _payload(shelves, payment))
    shelves.add_payment(payment, body["source_id"], key, asked.reference)
    if risk != "PENDING":
        _go_on(shelves, payment)
    return payment


def complete(shelves: Shelves, payment: Json) -> None:
    """Take the money; the fee is told later."""
    shapes.complete(payment, now_us=shelves.core.now_us())
    shelves.change_payment(payment)
    moving.charged(shelves, payment)
    if payment["total_money"]["amount"] in DISPUTE_BY_AMOUNT:
        shelves.core.agenda.later(DISPUTED, _DISPUTE.total_seconds(), _payload(shelves, payment))
    due = shapes.fee_due(payment)
    if due is not None and any(one.psp == PSP for one in shelves.core.courier.endpoints()):
        # Without anybody to tell it to, the fee is shown when it is due (``shapes.shown``).
        wait = (due - shelves.core.now_us()) / 1_000_000
        shelves.core.agenda.later(FEE, wait, _payload(shelves, payment))


def cancel(shelves: Shelves, payment: Json) -> None:
    """Let go what was held, or give back what was just taken."""
    if payment["status"] == "COMPLETED":
        moving.undone(shelves, payment)
    shapes.cancel(payment, now_us=shelves.core.now_us())
    shelves.change_payment(payment)


def expire(shelves: Shelves, payment: Json) -> None:
    """The time of an authorization is over: what the seller asked for then is done."""
    if payment["delay_action"] == "COMPLETE":
        complete(shelves, payment)
    else:
        cancel(shelves, payment)


def tell_fee(shelves: Shelves, payment: Json) -> None:
    """The fee arrives."""
    shapes.add_fee(payment, shelves.core.now_us())
    shelves.change_payment(payment)


def approve(shelves: Shelves, payment: Json) -> None:
    """Square has looked at it, and it goes on."""
    shapes.approve_review(payment)
    shelves.change_payment(payment)
    _go_on(shelves, payment)


def refuse(shelves: Shelves, payment: Json) -> None:
    """Square has looked at it, and says no."""
    payment["risk_evaluation"]["risk_level"] = "HIGH"
    shapes.fail(payment, _error("GENERIC_DECLINE"))
    shelves.change_payment(payment)


def _go_on(shelves: Shelves, payment: Json) -> None:
    if payment["autocomplete"]:
        complete(shelves, payment)
        return
    wait = (shapes.micros(payment["delayed_until"]) - shelves.core.now_us()) / 1_000_000
    shelves.core.agenda.later(EXPIRES, max(0.0, wait), _payload(shelves, payment))


def _declined(shelves: Shelves, payment: Json, asked: Asked, key: str) -> Json:
    error = _error(asked.decline or "")
    shapes.fail(payment, error)
    shelves.add_payment(payment, asked.body["source_id"], key, asked.reference)
    raise SquareError(
        400,
        error["category"],
        error["code"],
        error["detail"],
        payment=shapes.shown(payment, shelves.core.now_us()),
        keep=True,
    )


def _error(code: str) -> Json:
    detail = f"Authorization error: '{code}'"
    return {"category": "PAYMENT_METHOD_ERROR", "code": code, "detail": detail}


def _payload(shelves: Shelves, payment: Json) -> Json:
    return {"account": shelves.account, "id": payment["id"]}
