"""Disputes: opened by the documented cards, answered by the shop, decided by the bank."""

from typing import Any, Final

from clearhouse.sandbox.stripe import balance, values
from clearhouse.sandbox.stripe.endpoint import Call, Effect, Reply
from clearhouse.sandbox.stripe.errors import invalid, not_found
from clearhouse.sandbox.stripe.expand import expand, paths
from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.stripe.shapes_dispute import EVIDENCE, dispute
from clearhouse.sandbox.stripe.shelves import Shelves

_ASKING: Final = {"needs_response", "warning_needs_response"}
_FEE: Final = 1500
_DAY: Final = 86_400.0
_SOON: Final = 1.0
_TO_ANSWER: Final = 7 * _DAY
_TO_DECIDE: Final = 10 * _DAY
_INQUIRY: Final = "inquiry"


def update(call: Call) -> Effect:
    """POST /v1/disputes/{id}: evidence, which is submitted unless ``submit=false``."""
    values.known(call.params, {"evidence", "metadata", "submit", "expand"})
    wanted = paths(call.params)
    evidence = values.nested(call.params, "evidence")
    values.known(evidence, EVIDENCE)
    texts = {name: values.text(evidence, name, 20_000) for name in evidence}
    metadata = values.metadata(call.params)
    submit = values.boolean({"submit": "true", **call.params}, "submit")
    _load(call)

    def effect() -> Reply:
        found = _load(call)
        if evidence and found["status"] not in _ASKING:
            return _over(found)
        found["evidence"].update(texts)
        found["metadata"] = {**found["metadata"], **metadata}
        if evidence:
            found["evidence_details"]["has_evidence"] = True
            if submit:
                _submit(call.shelves, found)
        _save(call.shelves, found, "charge.dispute.updated")
        return 200, expand(call.shelves, found, wanted)

    return effect


def close(call: Call) -> Effect:
    """POST /v1/disputes/{id}/close: the shop gives in."""
    values.known(call.params, {"expand"})
    wanted = paths(call.params)
    _load(call)

    def effect() -> Reply:
        found = _load(call)
        if found["status"] not in _ASKING:
            return _over(found)
        lose(call.shelves, found)
        return 200, expand(call.shelves, found, wanted)

    return effect


def open_on(shelves: Shelves, charge: Json, reason: str = "fraudulent") -> None:
    """The buyer goes to the bank about all that is left of a charge; nothing left, nothing done."""
    amount = charge["amount"] - charge["amount_refunded"]
    before = shelves.related("dispute", charge=charge["id"])
    if amount < 1 or not charge["captured"] or before:
        return
    inquiry = reason == _INQUIRY
    found = dispute(
        shelves.new_id("du"),
        charge,
        amount=amount,
        reason="fraudulent" if inquiry else reason,
        inquiry=inquiry,
        now=shelves.now,
        due=shelves.now + int(_TO_ANSWER),
    )
    _save(shelves, found, "charge.dispute.created")
    shelves.later("dispute_due", _TO_ANSWER + _DAY, found["id"])
    if not inquiry:
        _withdraw(shelves, found)


def open_on_intent(shelves: Shelves, intent: Json) -> None:
    """The same by hand, for any payment."""
    charge = shelves.load("charge", intent["latest_charge"])
    assert charge is not None
    open_on(shelves, charge)


def decide(shelves: Shelves, found: Json) -> None:
    """The bank reads what the shop sent: the documented texts decide, others lose."""
    text = str(found["evidence"]["uncategorized_text"] or "")
    if text.startswith("escalate_inquiry_evidence"):
        escalate(shelves, found)
    elif text.startswith("winning_evidence") or found["status"].startswith("warning"):
        win(shelves, found)
    else:
        lose(shelves, found)


def run_out(shelves: Shelves, found: Json) -> None:
    """Nobody answered in time. A later time limit, of an inquiry that became more, counts alone."""
    if found["evidence_details"]["due_by"] <= shelves.now:
        found["evidence_details"]["past_due"] = True
        lose(shelves, found)


def win(shelves: Shelves, found: Json) -> None:
    """The money comes back; an inquiry goes away."""
    if found["status"].startswith("warning"):
        found["status"] = "warning_closed"
        _save(shelves, found, "charge.dispute.closed")
        return
    found.update(status="won", is_charge_refundable=True)
    entry = balance.book(
        shelves, "adjustment", found, found["amount"], category="dispute_reversal", at_once=True
    )
    found["balance_transactions"].append(entry)
    _save(shelves, found, "charge.dispute.funds_reinstated")
    shelves.tell("charge.dispute.closed", found)


def lose(shelves: Shelves, found: Json) -> None:
    """The money is gone; an inquiry that nobody answers goes away."""
    closed = found["status"].startswith("warning")
    found["status"] = "warning_closed" if closed else "lost"
    _save(shelves, found, "charge.dispute.closed")


def escalate(shelves: Shelves, found: Json) -> None:
    """An inquiry becomes a dispute, and the money is withdrawn."""
    found["status"] = "needs_response"
    found["evidence_details"].update(due_by=shelves.now + int(_TO_ANSWER), has_evidence=False)
    found["payment_method_details"]["card"]["case_type"] = "chargeback"
    found["evidence"] = {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}}
    _save(shelves, found, "charge.dispute.updated")
    shelves.later("dispute_due", _TO_ANSWER + _DAY, found["id"])
    _withdraw(shelves, found)


def _withdraw(shelves: Shelves, found: Json) -> None:
    charge = shelves.load("charge", found["charge"])
    assert charge is not None
    charge["disputed"] = True
    shelves.save(charge)
    entry = balance.book(
        shelves,
        "adjustment",
        found,
        -found["amount"],
        fee=_FEE,
        fee_description="Dispute fee",
        at_once=True,
    )
    found["is_charge_refundable"] = False
    found["balance_transactions"].append(entry)
    _save(shelves, found, "charge.dispute.funds_withdrawn")


def _submit(shelves: Shelves, found: Json) -> None:
    inquiry = found["status"].startswith("warning")
    found["status"] = "warning_under_review" if inquiry else "under_review"
    found["evidence_details"]["submission_count"] += 1
    text = str(found["evidence"]["uncategorized_text"] or "")
    known = text.startswith(("winning_evidence", "losing_evidence", "escalate_inquiry_evidence"))
    shelves.later("dispute_decided", _SOON if known else _TO_DECIDE, found["id"])


def _save(shelves: Shelves, found: Json, told: str) -> None:
    shelves.save(found)
    shelves.record_dispute(found)
    shelves.tell(told, found)


def _over(found: Json) -> Reply:
    error = invalid(f"This dispute is {found['status']} and can no longer be answered.")
    return error.status, error.body()


def _load(call: Call) -> Any:
    found = call.shelves.load("dispute", call.id)
    if found is None:
        raise not_found("dispute", call.id, param="dispute")
    return found
