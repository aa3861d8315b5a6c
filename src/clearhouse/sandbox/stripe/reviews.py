"""Radar reviews: a person looks at a payment and lets it pass or gives it back."""

from clearhouse.sandbox.stripe import charging, refunds
from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.stripe.shelves import Shelves


def approve(shelves: Shelves, review: Json) -> None:
    """The payment is fine."""
    close(shelves, review, "approved")


def refund_as_fraud(shelves: Shelves, review: Json) -> None:
    """The payment is not: what was taken goes back, what is held is let go."""
    intent = shelves.load("payment_intent", review["payment_intent"])
    charge = shelves.load("charge", review["charge"])
    assert intent is not None
    assert charge is not None
    if intent["status"] == "requires_capture":
        charging.cancel(shelves, intent, "fraudulent")
    elif charge["amount_refunded"] < charge["amount"]:
        left = charge["amount"] - charge["amount_refunded"]
        refunds.give(shelves, charge, refunds.made(shelves, charge, left, "fraudulent"))
    close(shelves, review, "refunded_as_fraud")


def close(shelves: Shelves, review: Json, reason: str) -> None:
    """End a review and tell it."""
    review.update(open=False, reason=reason, closed_reason=reason)
    shelves.save(review)
    shelves.tell("review.closed", review)
