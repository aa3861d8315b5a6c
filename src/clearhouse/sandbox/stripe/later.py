"""What Stripe does by itself when its time has come, or at once when a tester asks for it."""

from collections.abc import Callable, Collection
from typing import Any

from clearhouse.sandbox.actions import Action
from clearhouse.sandbox.core import Core
from clearhouse.sandbox.stripe import charging, checkout, disputes, payouts, refunds, reviews
from clearhouse.sandbox.stripe.cards import card_of
from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.stripe.shelves import PSP, Shelves

Change = Callable[[Shelves, Json], None]
States = Collection[str | bool]
"""The values of a field in which a change makes sense."""


_WARNED = {"warning_needs_response", "warning_under_review"}
_OPEN = {"needs_response", "under_review"}
_REVIEWED = {"under_review", "warning_under_review"}
_ASKED = {"needs_response", "warning_needs_response"}
_HELD = {"requires_capture"}


def register(core: Core) -> None:
    """Put all of it on the agenda and on the control page."""
    later = _Later(core)
    core.agenda.on(f"{PSP}.pays_out", later.pay_out)
    given = {"pending", "succeeded"}
    later.due("refund_pending", "refund", {"pending"}, refunds.succeed)
    later.due("refund_fails_later", "refund", given, refunds.fail)
    later.due("authorization_expires", "payment_intent", _HELD, charging.expire)
    later.due("processed", "payment_intent", {"processing"}, _processed)
    later.due("checkout_expires", checkout.KIND, {"open"}, checkout.expire)
    later.due("review_decided", "review", {True}, reviews.approve, field="open")
    sent = {"pending", "in_transit", "paid"}
    later.due("payout_paid", "payout", {"pending", "in_transit"}, payouts.pay)
    later.due("payout_fails", "payout", sent, payouts.fail)
    later.due("dispute_opens", "charge", {"succeeded"}, _disputed)
    later.due("dispute_due", "dispute", _ASKED, disputes.run_out)
    later.due("dispute_decided", "dispute", _REVIEWED, disputes.decide)
    later.offer("pay_payout", "Pay", "payout", {"pending", "in_transit"}, payouts.pay)
    later.offer("fail_payout", "Fail", "payout", sent, payouts.fail)
    later.offer("succeed_refund", "Succeed", "refund", {"pending"}, refunds.succeed)
    later.offer("fail_refund", "Fail", "refund", given, refunds.fail)
    later.offer("expire", "Expire", "payment_intent", _HELD, charging.expire)
    later.offer("process", "Decide", "payment_intent", {"processing"}, _processed)
    later.offer("dispute", "Dispute", "payment_intent", {"succeeded"}, disputes.open_on_intent)
    later.offer("expire_page", "Expire", checkout.KIND, {"open"}, checkout.expire)
    later.offer("approve", "Approve", "review", {True}, reviews.approve, field="open")
    refund = reviews.refund_as_fraud
    later.offer("refund_as_fraud", "Refund as fraud", "review", {True}, refund, field="open")
    later.offer("win", "Win", "dispute", _OPEN | _WARNED, disputes.win)
    later.offer("lose", "Lose", "dispute", _OPEN | _WARNED, disputes.lose)
    later.offer("escalate", "Escalate", "dispute", _WARNED, disputes.escalate)


def _disputed(shelves: Shelves, charge: Json) -> None:
    method = shelves.load("payment_method", charge["payment_method"])
    assert method is not None
    reason = card_of(method)[1].dispute
    if reason is not None:
        disputes.open_on(shelves, charge, reason)


def _processed(shelves: Shelves, intent: Json) -> None:
    charging.processed(shelves, intent)
    checkout.settle(shelves, intent)


class _Later:
    def __init__(self, core: Core) -> None:
        self._core = core

    def pay_out(self, payload: dict[str, Any]) -> None:
        """The midnight at which what is available is paid out."""
        payouts.pay_out(Shelves(self._core, payload["account"]), payload["currency"])

    def due(
        self, name: str, kind: str, states: States, change: Change, *, field: str = "status"
    ) -> None:
        """Do it when it is due, unless the object has moved on by then."""

        def work(payload: dict[str, Any]) -> None:
            shelves = Shelves(self._core, payload["account"])
            body = shelves.load(kind, payload["id"])
            if body is not None and body[field] in states:
                change(shelves, body)

        self._core.agenda.on(f"{PSP}.{name}", work)

    def offer(
        self,
        name: str,
        label: str,
        kind: str,
        states: States,
        change: Change,
        *,
        field: str = "status",
    ) -> None:
        """Let a tester do it while the object has one of these states."""

        def offered(account: str, identifier: str) -> bool:
            body = Shelves(self._core, account).load(kind, identifier)
            return body is not None and body[field] in states

        def run(account: str, identifier: str) -> None:
            shelves = Shelves(self._core, account)
            body = shelves.load(kind, identifier)
            if body is None or body[field] not in states:
                raise ValueError(f"{identifier[:80]} is not in a state in which this can be done")
            change(shelves, body)

        self._core.actions.offer(Action(PSP, name, label, offered, run))
