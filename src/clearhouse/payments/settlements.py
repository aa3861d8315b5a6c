"""What settlement lines prove, learnt as if the PSP had told it by a webhook.

One door for both: whatever is right for a webhook that says "charged" is right for a line that
says so, whether the order is open, failed, or paid by another charge.
"""

from collections.abc import Sequence
from typing import Final

from clearhouse.kernel.errors import ClearhouseError
from clearhouse.kernel.money import Money
from clearhouse.messaging.consumer import Subscription
from clearhouse.messaging.events import AnyEvent, SettlementProved
from clearhouse.messaging.outbox import Stream
from clearhouse.payments.notices import NoticeService
from clearhouse.payments.store import SCHEMA
from clearhouse.postgres.connection import Connection
from clearhouse.psp.contract import Reversed, Succeeded
from clearhouse.psp.notices import ChargeNotice, Notice, Notification, RefundNotice
from clearhouse.psp.operations import Done, RefusalReason, Refused

_BY_SETTLEMENT: Final = "settlement"


class NotTaken(ClearhouseError):
    """What a line proves cannot be taken in; the event is laid aside for a person."""


class SettlementNotices:
    """Takes in what reconciliation found proven."""

    def __init__(self, notices: NoticeService) -> None:
        self._notices = notices

    async def handle(self, connection: Connection, events: Sequence[AnyEvent]) -> None:
        """Learn what lines prove, once each; a message handler. Raises NotTaken."""
        for event in events:
            if not isinstance(event, SettlementProved):
                continue
            notification = Notification((notice_of(event),), event.occurred_at)
            [missing] = await self._notices.take(connection, event.psp, [notification])
            if missing is not None:
                raise NotTaken(
                    f"Line {event.line_key} of {event.psp} cannot be taken in: {missing.what}.",
                    hint="Look at the break with `clearhouse breaks list`.",
                )

    def subscription(self, reconciliation: Stream) -> Subscription:
        """What payments reads from reconciliation."""
        return Subscription(
            name="payments.reconciliation",
            schema=SCHEMA,
            stream=reconciliation,
            types=(SettlementProved,),
            handler=self.handle,
        )


def notice_of(event: SettlementProved) -> Notice:
    """A line in a webhook's words. Pure; raises ValueError for a kind that proves nothing."""
    amount = Money(event.amount_minor, event.currency)
    match event.line_kind:
        case "charge":
            return ChargeNotice(
                event.psp_reference,
                Succeeded(event.psp_reference, amount),
                payment_order_id=event.payment_order_id or None,
            )
        case "charge_reversal":
            return ChargeNotice(
                event.psp_reference,
                Reversed(event.psp_reference, amount, _BY_SETTLEMENT),
                payment_order_id=event.payment_order_id or None,
            )
        case "refund":
            return RefundNotice(
                event.psp_reference,
                event.charge_reference,
                amount,
                Done(event.psp_reference, amount),
            )
        case "refund_reversal":
            return RefundNotice(
                event.psp_reference,
                event.charge_reference,
                amount,
                Refused(RefusalReason.REJECTED_BY_BANK, _BY_SETTLEMENT, event.psp_reference),
            )
        case _:
            raise ValueError(f"a line of kind {event.line_kind!r} proves nothing to payments")
