"""What Square does by itself when its time has come, or at once when a tester asks for it."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from clearhouse.sandbox.actions import Action
from clearhouse.sandbox.core import Core
from clearhouse.sandbox.square import charging, disputes, moving, payouts, refunds
from clearhouse.sandbox.square.endpoint import PSP
from clearhouse.sandbox.square.errors import Json
from clearhouse.sandbox.square.shelves import Shelves
from clearhouse.sandbox.square.sources import DISPUTE_BY_AMOUNT

Change = Callable[[Shelves, Json], None]


def register(core: Core) -> None:
    """Put all of it on the agenda and on the control page."""
    later = _Later(core)
    later.due(charging.EXPIRES, "payment", {"APPROVED"}, charging.expire)
    later.due(charging.FEE, "payment", {"COMPLETED"}, charging.tell_fee)
    later.due(charging.REVIEWED, "payment", {"PENDING"}, charging.approve)
    later.offer("expire", "Expire", "payment", {"APPROVED"}, charging.expire)
    later.offer("approve_review", "Approve", "payment", {"PENDING"}, charging.approve)
    later.offer("refuse_review", "Refuse", "payment", {"PENDING"}, charging.refuse)
    later.due(payouts.PAID, "payout", {"SENT"}, payouts.paid)
    core.agenda.on(moving.PAYS_OUT, later.pay_out)
    core.agenda.on(refunds.FINISHED, later.finish_refund)
    for status, name in (("COMPLETED", "complete"), ("REJECTED", "reject"), ("FAILED", "fail")):
        change = partial(refunds.finish, status=status)
        later.offer(f"{name}_refund", name.title(), "refund", {"PENDING"}, change)
    _register_disputes(later)


def _register_disputes(later: "_Later") -> None:
    later.due(charging.DISPUTED, "payment", {"COMPLETED"}, _dispute)
    later.due(disputes.DUE, "dispute", disputes.OPEN, disputes.fall_due)
    later.due(disputes.DECIDED, "dispute", disputes.UNDECIDED - disputes.OPEN, disputes.decide)
    later.offer("dispute", "Dispute", "payment", {"COMPLETED"}, _dispute)
    later.offer("inquire", "Inquire", "payment", {"COMPLETED"}, _inquire)
    disputed = {"EVIDENCE_REQUIRED", "PROCESSING"}
    for state, name in (("WON", "win"), ("LOST", "lose")):
        change = partial(disputes.move, state=state)
        later.offer(name, name.title(), "dispute", disputed, change)
    asked = disputes.UNDECIDED - disputed
    close = partial(disputes.move, state="INQUIRY_CLOSED")
    later.offer("close_inquiry", "Close", "dispute", asked, close)
    later.offer("escalate", "Make it a dispute", "dispute", asked, disputes.escalate)


def _dispute(shelves: Shelves, payment: Json) -> None:
    reason = DISPUTE_BY_AMOUNT.get(payment["total_money"]["amount"], "NO_KNOWLEDGE")
    disputes.begin(shelves, payment, reason, "EVIDENCE_REQUIRED")


def _inquire(shelves: Shelves, payment: Json) -> None:
    disputes.begin(shelves, payment, "NO_KNOWLEDGE", "INQUIRY_EVIDENCE_REQUIRED")


class _Later:
    def __init__(self, core: Core) -> None:
        self._core = core

    def due(self, name: str, kind: str, states: Collection[str], change: Change) -> None:
        """Do it when it is due, unless the object has moved on by then."""

        def work(payload: dict[str, Any]) -> None:
            shelves = Shelves(self._core, payload["account"])
            body = shelves.load(kind, payload["id"])
            if body is None or _state(body) not in states:
                return
            if payload.get("state", _state(body)) == _state(body):
                change(shelves, body)

        self._core.agenda.on(name, work)

    def offer(
        self, name: str, label: str, kind: str, states: Collection[str], change: Change
    ) -> None:
        """Let a tester do it while the object is in one of these states."""

        def offered(account: str, identifier: str) -> bool:
            body = Shelves(self._core, account).load(kind, identifier)
            return body is not None and _state(body) in states

        def run(account: str, identifier: str) -> None:
            shelves = Shelves(self._core, account)
            body = shelves.load(kind, identifier)
            if body is None or _state(body) not in states:
                raise ValueError(f"{identifier[:80]} is not in a state in which this can be done")
            change(shelves, body)

        self._core.actions.offer(Action(PSP, name, label, offered, run))

    def pay_out(self, payload: dict[str, Any]) -> None:
        """The midnight at which a location's day is paid out."""
        shelves = Shelves(self._core, payload["account"])
        payouts.pay_out(shelves, payload["place"], payload["currency"])

    def finish_refund(self, payload: dict[str, Any]) -> None:
        """A refund ends as it was noted when it was made."""
        shelves = Shelves(self._core, payload["account"])
        refund = shelves.load("refund", payload["id"])
        if refund is not None and refund["status"] == "PENDING":
            refunds.finish(shelves, refund, payload["status"])


def _state(body: Json) -> str:
    """Payments and refunds have a ``status``, disputes and orders a ``state``."""
    return str(body.get("status") or body.get("state"))
