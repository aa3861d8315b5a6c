"""What Stripe does by itself when its time has come, or at once when a tester asks for it."""

from collections.abc import Callable, Collection
from typing import Any

from clearhouse.sandbox.actions import Action
from clearhouse.sandbox.core import Core
from clearhouse.sandbox.stripe import charging, refunds
from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.stripe.shelves import PSP, Shelves

Change = Callable[[Shelves, Json], None]


def register(core: Core) -> None:
    """Put all of it on the agenda and on the control page."""
    later = _Later(core)
    later.due("refund_pending", "refund", {"pending"}, refunds.succeed)
    later.due("refund_fails_later", "refund", {"pending", "succeeded"}, refunds.fail)
    later.due("authorization_expires", "payment_intent", {"requires_capture"}, charging.expire)
    later.offer("succeed_refund", "Succeed", "refund", {"pending"}, refunds.succeed)
    later.offer("fail_refund", "Fail", "refund", {"pending", "succeeded"}, refunds.fail)
    later.offer("expire", "Expire", "payment_intent", {"requires_capture"}, charging.expire)


class _Later:
    def __init__(self, core: Core) -> None:
        self._core = core

    def due(self, name: str, kind: str, statuses: Collection[str], change: Change) -> None:
        """Do it when it is due, unless the object has moved on by then."""

        def work(payload: dict[str, Any]) -> None:
            shelves = Shelves(self._core, payload["account"])
            body = shelves.load(kind, payload["id"])
            if body is not None and body["status"] in statuses:
                change(shelves, body)

        self._core.agenda.on(f"{PSP}.{name}", work)

    def offer(
        self, name: str, label: str, kind: str, statuses: Collection[str], change: Change
    ) -> None:
        """Let a tester do it while the object has one of these statuses."""

        def offered(account: str, identifier: str) -> bool:
            body = Shelves(self._core, account).load(kind, identifier)
            return body is not None and body["status"] in statuses

        def run(account: str, identifier: str) -> None:
            shelves = Shelves(self._core, account)
            body = shelves.load(kind, identifier)
            if body is None or body["status"] not in statuses:
                raise ValueError(f"{identifier[:80]} is not in a state in which this can be done")
            change(shelves, body)

        self._core.actions.offer(Action(PSP, name, label, offered, run))
