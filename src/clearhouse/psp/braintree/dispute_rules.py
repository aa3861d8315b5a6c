"""What a Braintree dispute means: pure, so that a table can test it."""

from datetime import date, datetime
from types import MappingProxyType
from typing import Final

from clearhouse.kernel.days import midnight
from clearhouse.kernel.money import Money
from clearhouse.psp.braintree.objects import Dispute, money
from clearhouse.psp.disputes import DisputeFacts, DisputeStage

_S = DisputeStage

STAGES: Final = MappingProxyType(
    {
        "open": _S.NEEDS_RESPONSE,
        "disputed": _S.UNDER_REVIEW,
        "under_review": _S.UNDER_REVIEW,
        "won": _S.WON,
        "lost": _S.LOST,
        "expired": _S.LOST,
        "accepted": _S.ACCEPTED,
        "auto_accepted": _S.ACCEPTED,
    }
)
_HARMLESS: Final = frozenset({_S.WON, _S.INQUIRY, _S.INQUIRY_CLOSED})
"""Stages in which the money is with us."""
_ASKING: Final = frozenset({_S.NEEDS_RESPONSE, _S.UNDER_REVIEW})


def facts_of(dispute: Dispute) -> DisputeFacts:
    """A dispute in our words. Raises ValueError or ArithmeticError when it makes no sense."""
    return DisputeFacts(
        psp_reference=dispute.id,
        charge_reference=dispute.transaction_id,
        amount=money(dispute.amount, dispute.currency),
        stage=_stage(dispute),
        reason=dispute.reason,
        opened_at=_midnight(dispute.opened),
        # Until when of that day is not said, so the day before is the last that is safe.
        evidence_due_at=_midnight(dispute.reply_by),
    )


def taken_by(dispute: Dispute) -> Money:
    """What a dispute has taken from us, or may keep. Raises as ``facts_of`` does."""
    amount = money(dispute.amount, dispute.currency)
    return Money(0, amount.currency) if _stage(dispute) in _HARMLESS else amount


def _stage(dispute: Dispute) -> DisputeStage:
    """A retrieval only asks; Visa's rapid resolution refunds before there is a dispute."""
    stage = STAGES.get(dispute.status)
    if stage is None:
        raise ValueError(f"the dispute {dispute.id} is in an unknown state ({dispute.status})")
    if dispute.kind == "retrieval":
        return _S.INQUIRY if stage in _ASKING else _S.INQUIRY_CLOSED
    if dispute.program == "visa_rdr" and stage is _S.ACCEPTED:
        return _S.PREVENTED
    return stage


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else midnight(day)
