"""Square's disputes in the words of the contract: pure."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from clearhouse.psp.disputes import DisputeFacts, DisputeStage
from clearhouse.psp.square.outcomes import moment_of, money_of

# fmt: off
STAGES: Final = MappingProxyType({
    "INQUIRY_EVIDENCE_REQUIRED": DisputeStage.INQUIRY,
    "INQUIRY_PROCESSING":        DisputeStage.INQUIRY,
    "INQUIRY_CLOSED":            DisputeStage.INQUIRY_CLOSED,
    "EVIDENCE_REQUIRED":         DisputeStage.NEEDS_RESPONSE,
    "PROCESSING":                DisputeStage.UNDER_REVIEW,
    "WON":                       DisputeStage.WON,
    "LOST":                      DisputeStage.LOST,
    "ACCEPTED":                  DisputeStage.ACCEPTED,
})
# fmt: on


def dispute_facts(dispute: Mapping[str, Any]) -> DisputeFacts:
    """A Dispute, as retrieved, listed or sent by webhook.

    Raises KeyError, TypeError or ValueError for one that makes no sense.
    """
    amount, version = money_of(dispute.get("amount_money")), dispute.get("version")
    if amount is None:
        raise ValueError("the dispute has no amount")
    return DisputeFacts(
        psp_reference=str(dispute.get("id") or dispute["dispute_id"]),
        charge_reference=str(dispute["disputed_payment"]["payment_id"]),
        amount=amount,
        stage=STAGES[dispute["state"]],
        reason=str(dispute.get("reason") or ""),
        opened_at=moment_of(dispute.get("reported_at") or dispute.get("created_at")),
        evidence_due_at=moment_of(dispute.get("due_at")),
        version=version if isinstance(version, int) else None,
    )
