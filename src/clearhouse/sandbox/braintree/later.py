"""What Braintree does by itself when its time has come, or at once when a tester asks for it."""

from collections.abc import Callable, Collection
from typing import Any, Final

from clearhouse.sandbox.actions import Action
from clearhouse.sandbox.braintree import disputing, operations
from clearhouse.sandbox.braintree.disbursing import disburse
from clearhouse.sandbox.braintree.schedule import DISBURSES, EXPIRES, SETTLES, SETTLING
from clearhouse.sandbox.braintree.store import PSP, Merchant
from clearhouse.sandbox.braintree.transaction import SETTLEABLE, Transaction
from clearhouse.sandbox.core import Core

Change = Callable[[Merchant, Transaction], object]

_GOING: Final = frozenset({"submitted_for_settlement", "settling", "settlement_confirmed"})
_REVIEWED: Final = frozenset({"authorized", "submitted_for_settlement"})


def register(core: Core) -> None:
    """Put all of it on the agenda and on the control page."""
    later = _Later(core)
    later.due(EXPIRES, {"authorized"}, operations.expire)
    later.due(SETTLING, {"submitted_for_settlement"}, operations.begin_settlement)
    later.due(SETTLES, _GOING, lambda merchant, each: operations.settle(merchant, each, {}))
    core.agenda.on(DISBURSES, lambda payload: _disburse(core, payload))
    disputing.register(core)
    later.offer("approve_review", "Approve", _REVIEWED, operations.approve, "sale")
    later.offer("reject_review", "Reject", _REVIEWED, operations.reject, "sale")
    later.offer("open_dispute", "Dispute", {"settled"}, disputing.open_dispute, "sale")
    later.offer("expire", "Expire", {"authorized"}, operations.expire)
    later.offer("settle", "Settle", SETTLEABLE, lambda m, each: operations.settle(m, each, {}))
    later.offer(
        "decline_settlement", "Decline settlement", SETTLEABLE, operations.decline_sale, "sale"
    )
    later.offer("fail_refund", "Fail", SETTLEABLE | {"settled"}, operations.fail_refund, "credit")


def _disburse(core: Core, payload: dict[str, Any]) -> None:
    disburse(Merchant(core, payload["merchant"]), payload["payday"])


class _Later:
    def __init__(self, core: Core) -> None:
        self._core = core

    def due(self, kind: str, statuses: Collection[str], change: Change) -> None:
        """Do it when it is due, unless the transaction has moved on by then."""

        def work(payload: dict[str, Any]) -> None:
            merchant = Merchant(self._core, payload["merchant"])
            transaction = merchant.get(payload["id"])
            if transaction is not None and transaction.status in statuses:
                change(merchant, transaction)

        self._core.agenda.on(kind, work)

    def offer(
        self, name: str, label: str, statuses: Collection[str], change: Change, kind: str = ""
    ) -> None:
        """Let a tester do it while the transaction has one of these statuses."""

        def fits(transaction: Transaction | None) -> bool:
            return (
                transaction is not None
                and transaction.status in statuses
                and (not kind or transaction.type == kind)
            )

        def offered(account: str, identifier: str) -> bool:
            return fits(Merchant(self._core, account).get(identifier))

        def run(account: str, identifier: str) -> None:
            merchant = Merchant(self._core, account)
            transaction = merchant.get(identifier)
            if transaction is None or not fits(transaction):
                raise ValueError(f"{identifier[:80]} is not in a state in which this can be done")
            change(merchant, transaction)

        self._core.actions.offer(Action(PSP, name, label, offered, run))
