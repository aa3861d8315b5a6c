"""What Square's events mean, kind by kind: pure, so that a table can test it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from clearhouse.psp.contract import Unknown
from clearhouse.psp.notices import (
    ChargeNotice,
    DisputeNotice,
    Notice,
    Notification,
    NotReadable,
    PageNotice,
    RefundNotice,
)
from clearhouse.psp.square.dispute_facts import dispute_facts
from clearhouse.psp.square.operation_outcomes import operation_of, refund_outcome
from clearhouse.psp.square.outcomes import mapping, moment_of, money_of, payment_outcome
from clearhouse.psp.square.records import is_held, key_of, order_of, page_of

Body = Mapping[str, Any]
Reader = Callable[[Body], tuple[Notice, ...]]


def notification(event: Body) -> Notification:
    """An event as notices, none for one that says nothing of ours. Raises NotReadable."""
    kind, data = str(event.get("type")), mapping(event.get("data"))
    name = READERS.get(kind, ("", _nothing))[0]
    body = mapping(mapping(data.get("object")).get(name))
    as_of = moment_of(body.get("updated_at") or event.get("created_at"))
    if as_of is None or (name and not body):
        raise NotReadable("Square's event has no time or no object.")
    version = body.get("version")
    try:
        notices = READERS.get(kind, ("", _nothing))[1](body)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise NotReadable(
            f"Square's event {kind[:60]} does not have what Square documents"
            f" ({type(error).__name__})."
        ) from None
    return Notification(notices, as_of, version if isinstance(version, int) else None)


def _nothing(_: Body) -> tuple[Notice, ...]:
    return ()


def _payment(payment: Body) -> tuple[Notice, ...]:
    """A payment of ours as it was then; one of a hosted page makes the page be asked.

    A card that was declined on a page is no news: the buyer may try another.
    """
    page, order = page_of(payment), order_of(payment)
    if page is not None:
        if payment["status"] == "FAILED":
            return ()
        return (PageNotice(str(payment["order_id"]), page),)
    if order is None or (payment["status"] == "APPROVED" and not is_held(payment)):
        return ()  # not of ours, or about to be completed: the next event tells
    outcome = payment_outcome(payment)
    if isinstance(outcome, Unknown):
        raise NotReadable("Square's event does not say what became of a payment.")
    return (ChargeNotice(str(payment["id"]), outcome, order, key_of(payment)),)


def _refund(refund: Body) -> tuple[Notice, ...]:
    amount, outcome = money_of(refund.get("amount_money")), refund_outcome(refund)
    if amount is None or isinstance(outcome, Unknown):
        raise NotReadable("Square's event does not say what became of a refund.")
    if not refund.get("payment_id"):
        return ()  # a refund to a card without a payment: nothing of ours
    reference, of = str(refund["id"]), str(refund["payment_id"])
    return (RefundNotice(reference, of, amount, outcome, operation_of(refund)),)


def _dispute(dispute: Body) -> tuple[Notice, ...]:
    return (DisputeNotice(dispute_facts(dispute)),)


# fmt: off
READERS: Final[Mapping[str, tuple[str, Reader]]] = MappingProxyType({
    "payment.created":       ("payment", _payment),
    "payment.updated":       ("payment", _payment),
    "refund.created":        ("refund", _refund),
    "refund.updated":        ("refund", _refund),
    "dispute.created":       ("dispute", _dispute),
    "dispute.state.changed": ("dispute", _dispute),
    "dispute.state.updated": ("dispute", _dispute),
})
# fmt: on
"""The events to subscribe to at Square, and the name of the object in each; all others say
nothing that these do not. Not ``order.updated``, since a page's payment is told by its own."""
