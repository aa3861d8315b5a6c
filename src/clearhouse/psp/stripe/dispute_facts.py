"""Stripe's disputes in the words of the contract: pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from clearhouse.psp.disputes import DisputeFacts, DisputeStage
from clearhouse.psp.stripe.amounts import from_stripe
from clearhouse.psp.stripe.outcomes import mapping

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# fmt: off
STAGES: Final = MappingProxyType({
    "warning_needs_response":  DisputeStage.INQUIRY,
    "warning_under_review":    DisputeStage.INQUIRY,
    "warning_closed":          DisputeStage.INQUIRY_CLOSED,
    "needs_response":          DisputeStage.NEEDS_RESPONSE,
    "under_review":            DisputeStage.UNDER_REVIEW,
    "won":                     DisputeStage.WON,
    "lost":                    DisputeStage.LOST,
    # The money is gone until an appeal is won, and then the dispute is.
    "appeal_needs_response":   DisputeStage.LOST,
    "appeal_under_review":     DisputeStage.LOST,
    "prevented":               DisputeStage.PREVENTED,
})
# fmt: on

EVIDENCE: Final = frozenset(
    {
        *("access_activity_log", "billing_address", "cancellation_policy_disclosure"),
        *("cancellation_rebuttal", "customer_email_address", "customer_name"),
        *("customer_purchase_ip", "duplicate_charge_explanation", "duplicate_charge_id"),
        *("product_description", "refund_policy_disclosure", "refund_refusal_explanation"),
        *("service_date", "shipping_address", "shipping_carrier", "shipping_date"),
        "shipping_tracking_number",
    }
)
"""What Stripe takes as a text of its own; files are not sent from here."""

TEXT: Final = "uncategorized_text"


def was_answered(dispute: Mapping[str, Any]) -> bool:
    """Whether evidence was submitted."""
    return bool(mapping(dispute.get("evidence_details")).get("submission_count"))


def was_lost(dispute: Mapping[str, Any]) -> bool:
    """Whether it is over and not for us, as after giving in."""
    return dispute.get("status") in {"lost", "warning_closed"}


def dispute_facts(dispute: Mapping[str, Any]) -> DisputeFacts:
    """A Dispute, as retrieved, listed or sent by webhook.

    Stripe has no word for giving in: a dispute that was closed by us is ``lost``. Raises
    KeyError, TypeError or ValueError for one that makes no sense.
    """
    due = mapping(dispute.get("evidence_details")).get("due_by")
    return DisputeFacts(
        psp_reference=str(dispute["id"]),
        charge_reference=str(dispute.get("payment_intent") or dispute["charge"]),
        amount=from_stripe(int(dispute["amount"]), str(dispute["currency"])),
        stage=STAGES[dispute["status"]],
        reason=str(dispute.get("reason") or ""),
        opened_at=_EPOCH + timedelta(seconds=int(dispute["created"])),
        evidence_due_at=_EPOCH + timedelta(seconds=int(due)) if due else None,
    )
