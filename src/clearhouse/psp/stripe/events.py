"""What Stripe's events mean, kind by kind: pure, so that a table can test it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from clearhouse.psp.contract import (
    Declined,
    DeclineReason,
    Pending,
    PendingReason,
    PspOutcome,
    Retry,
    Succeeded,
    Unknown,
)
from clearhouse.psp.notices import (
    AskAgain,
    ChargeNotice,
    DisputeNotice,
    Notice,
    Notification,
    NotReadable,
    PageNotice,
    RefundNotice,
)
from clearhouse.psp.stripe.dispute_facts import dispute_facts
from clearhouse.psp.stripe.operation_outcomes import amount_of, operation_of, refund_outcome
from clearhouse.psp.stripe.outcomes import intent_outcome, mapping
from clearhouse.psp.stripe.records import ATTEMPT, PAGE_ID, order_of

THIN: Final = "v2.core.event"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNDECIDED: Final = frozenset({"requires_confirmation", "requires_payment_method"})

Body = Mapping[str, Any]
Reader = Callable[[Body], tuple[Notice, ...]]


def notification(event: Body) -> Notification:
    """An event as notices, none for one that says nothing of ours. Raises NotReadable."""
    if event.get("object") == THIN:
        raise NotReadable(
            "Stripe sent a thin event, which does not say what happened.",
            hint="Make the event destination at Stripe send snapshot events.",
        )
    kind, body = str(event.get("type")), mapping(mapping(event.get("data")).get("object"))
    created = event.get("created")
    if not isinstance(created, int) or not body:
        raise NotReadable("Stripe's event has no time or no object.")
    reader = READERS.get(kind)
    try:
        as_of = _EPOCH + timedelta(seconds=created)
        return Notification(reader(body) if reader else (), as_of)
    except NotReadable:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise NotReadable(
            f"Stripe's event {kind[:60]} does not have what Stripe documents"
            f" ({type(error).__name__})."
        ) from None


def _intent(intent: Body) -> tuple[Notice, ...]:
    """A payment intent of ours as it was then; one that nobody confirmed says nothing."""
    order = order_of(intent)
    status = intent["status"]
    if order is None or (status in _UNDECIDED and not intent.get("last_payment_error")):
        return ()
    outcome = intent_outcome(intent)
    if isinstance(outcome, Unknown):
        raise NotReadable(f"Stripe's event does not say what became of a payment ({status}).")
    if PAGE_ID in mapping(intent.get("metadata")) and not _lasting(outcome):
        # On a hosted page the buyer may try another card; the page's own events tell its end.
        return ()
    return (_charge_notice(intent, str(intent["id"]), outcome),)


def _lasting(outcome: PspOutcome) -> bool:
    if isinstance(outcome, Pending):
        return outcome.reason is not PendingReason.REQUIRES_ACTION
    return not isinstance(outcome, Declined)


def _charge(charge: Body) -> tuple[Notice, ...]:
    """A charge that went well: another word for what its intent says, and sent beside it.

    Where a review was opened, the intent alone knows whether it is over.
    """
    intent, held = charge.get("payment_intent"), not charge["captured"]
    if not intent or order_of(charge) is None or charge["status"] != "succeeded":
        return ()
    if charge.get("review") or (held and charge.get("refunded")):
        return ()
    if held:
        outcome: PspOutcome = Pending(
            PendingReason.AUTHORIZED, str(intent), expires_at=_capture_before(charge)
        )
    else:
        charged = amount_of(charge, "amount_captured")
        if charged is None:
            raise NotReadable("Stripe's event does not say what a charge took.")
        outcome = Succeeded(str(intent), charged)
    return (_charge_notice(charge, str(intent), outcome),)


def _expired(charge: Body) -> tuple[Notice, ...]:
    intent = charge.get("payment_intent")
    if not intent or order_of(charge) is None:
        return ()
    outcome = Declined(DeclineReason.OTHER, Retry.CUSTOMER, "canceled:automatic", str(intent))
    return (_charge_notice(charge, str(intent), outcome),)


def _refund(refund: Body) -> tuple[Notice, ...]:
    amount, outcome = amount_of(refund, "amount"), refund_outcome(refund)
    of = refund.get("payment_intent") or refund.get("charge")
    if amount is None or not of or isinstance(outcome, Unknown):
        raise NotReadable("Stripe's event does not say what became of a refund.")
    return (RefundNotice(str(refund["id"]), str(of), amount, outcome, operation_of(refund)),)


def _dispute(dispute: Body) -> tuple[Notice, ...]:
    return (DisputeNotice(dispute_facts(dispute)),)


def _review(review: Body) -> tuple[Notice, ...]:
    """What a review means for the money is written in the intent alone."""
    intent = review.get("payment_intent")
    return (AskAgain(psp_reference=str(intent)),) if intent else ()


def _page(session: Body) -> tuple[Notice, ...]:
    page = mapping(session.get("metadata")).get(PAGE_ID)
    return (PageNotice(str(session["id"]), page),) if page else ()


def _charge_notice(body: Body, reference: str, outcome: PspOutcome) -> ChargeNotice:
    key = mapping(body.get("metadata")).get(ATTEMPT)
    return ChargeNotice(reference, outcome, order_of(body), key)


def _capture_before(charge: Body) -> datetime | None:
    card = mapping(mapping(charge.get("payment_method_details")).get("card"))
    until = card.get("capture_before")
    return _EPOCH + timedelta(seconds=int(until)) if until else None


# fmt: off
READERS: Final[Mapping[str, Reader]] = MappingProxyType({
    "payment_intent.amount_capturable_updated":  _intent,
    "payment_intent.canceled":                   _intent,
    "payment_intent.payment_failed":             _intent,
    "payment_intent.processing":                 _intent,
    "payment_intent.requires_action":            _intent,
    "payment_intent.succeeded":                  _intent,
    "charge.captured":                           _charge,
    "charge.succeeded":                          _charge,
    "charge.updated":                            _charge,
    "charge.expired":                            _expired,
    "charge.refund.updated":                     _refund,
    "refund.created":                            _refund,
    "refund.failed":                             _refund,
    "refund.updated":                            _refund,
    "charge.dispute.closed":                     _dispute,
    "charge.dispute.created":                    _dispute,
    "charge.dispute.funds_reinstated":           _dispute,
    "charge.dispute.funds_withdrawn":            _dispute,
    "charge.dispute.updated":                    _dispute,
    "review.closed":                             _review,
    "review.opened":                             _review,
    "checkout.session.async_payment_failed":     _page,
    "checkout.session.async_payment_succeeded":  _page,
    "checkout.session.completed":                _page,
    "checkout.session.expired":                  _page,
})
# fmt: on
"""The events to subscribe to at Stripe; all others say nothing that these do not.

Not ``charge.failed``, which tells less than ``payment_intent.payment_failed``, and not
``charge.refunded``, which tells less than ``refund.created``, and is sent for voids as well.
"""
