"""Holds by disputes: while one is open, its seller gets no payouts in its currency, if so chosen.

Without that choice a dispute stops its own share alone, which waits in reserve.
"""

from collections.abc import Sequence
from typing import Final

from clearhouse.kernel.ids import Ids
from clearhouse.messaging.events import AnyEvent, DisputeClosed, DisputeOpened
from clearhouse.postgres.connection import Connection
from clearhouse.wallets.holds import store
from clearhouse.wallets.holds.model import Hold, HoldKind, Release

_BY: Final = "disputes"


class DisputeHolds:
    """Places a hold with each dispute, where ``placing``, and always ends it with the dispute."""

    def __init__(self, ids: Ids, *, placing: bool) -> None:
        self._ids = ids
        self._placing = placing

    async def told(self, connection: Connection, events: Sequence[AnyEvent]) -> None:
        """Follow new events of disputes, in their order and in the caller's transaction.

        At most two statements. One that costs its seller nothing holds nothing; one that is held
        already, as after an appeal, keeps the hold that it has.
        """
        last: dict[str, DisputeOpened | DisputeClosed] = {
            event.dispute_id: event
            for event in events
            if isinstance(event, DisputeOpened | DisputeClosed)
        }
        opened = [
            self._hold(event)
            for event in last.values()
            if isinstance(event, DisputeOpened) and event.seller_minor > 0
        ]
        if opened and self._placing:
            await store.place(connection, opened)
        await store.release_subjects(
            connection,
            HoldKind.DISPUTE,
            {
                event.dispute_id: Release(_BY, event.occurred_at, f"the dispute is {event.stage}")
                for event in last.values()
                if isinstance(event, DisputeClosed)
            },
        )

    def _hold(self, event: DisputeOpened) -> Hold:
        return Hold(
            hold_id=self._ids.at(event.occurred_at),
            seller_account=event.seller_account,
            currency=event.currency,
            kind=HoldKind.DISPUTE,
            subject=event.dispute_id,
            reason=f"a dispute about {event.payment_order_id} is open"[:500],
            placed_by=_BY,
            since=event.occurred_at,
        )
