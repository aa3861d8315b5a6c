"""Steps of a dispute as the events that tell of them."""

from datetime import datetime

from clearhouse.messaging.events import DisputeClosed, DisputeOpened, DisputeUpdated, Event
from clearhouse.payments.disputes.lifecycle import Step
from clearhouse.payments.disputes.model import Dispute, DisputeMoney


def step_event(dispute: Dispute, step: Step, moment: datetime) -> Event:
    """The event of one movement of money, for a dispute as it is after it."""
    if step.after is DisputeMoney.HELD:
        return DisputeOpened(
            aggregate_id=dispute.dispute_id,
            version=dispute.version,
            occurred_at=moment,
            dispute_id=dispute.public_id,
            order_id=dispute.order_id,
            payment_order_id=dispute.payment_order_id,
            seller_account=dispute.seller_account,
            amount_minor=dispute.amount.minor,
            seller_minor=dispute.seller_minor,
            currency=dispute.amount.currency,
            psp=dispute.psp,
            psp_reference=dispute.psp_reference,
            reason=dispute.reason,
        )
    return DisputeClosed(
        aggregate_id=dispute.dispute_id,
        version=dispute.version,
        occurred_at=moment,
        dispute_id=dispute.public_id,
        order_id=dispute.order_id,
        payment_order_id=dispute.payment_order_id,
        seller_account=dispute.seller_account,
        amount_minor=dispute.amount.minor,
        seller_minor=dispute.seller_minor,
        currency=dispute.amount.currency,
        psp=dispute.psp,
        stage=dispute.stage.value,
        won=step.after is DisputeMoney.RETURNED,
        was_taken=step.before is DisputeMoney.TAKEN,
        opened_version=dispute.opened_version,
    )


def updated_event(dispute: Dispute, moment: datetime) -> DisputeUpdated:
    """The event of a change that moves no money."""
    return DisputeUpdated(
        aggregate_id=dispute.dispute_id,
        version=dispute.version,
        occurred_at=moment,
        dispute_id=dispute.public_id,
        payment_order_id=dispute.payment_order_id,
        seller_account=dispute.seller_account,
        stage=dispute.stage.value,
    )
