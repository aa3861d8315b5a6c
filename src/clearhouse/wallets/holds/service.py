"""Holds that people place and release, each with a reason that the audit log keeps."""

from datetime import datetime
from typing import Final
from uuid import UUID

from clearhouse.access.audit_log import Deed, note_deed
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import Fault, InvalidRequest, NotFound
from clearhouse.kernel.ids import Ids
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.wallets.holds import store
from clearhouse.wallets.holds.model import Hold, HoldKind, Release

_LONGEST_REASON: Final = 500


class HoldDesk:
    """Stops a seller's payouts, and lets them go on."""

    def __init__(self, pool: Pool, clock: Clock, ids: Ids) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids

    async def place(
        self,
        seller_account: str,
        *,
        by: str,
        reason: str,
        currency: str | None = None,
        until: datetime | None = None,
    ) -> Hold:
        """Stop a seller's payouts, in one currency or all, until then or until it is released.

        Raises InvalidRequest for a reason that says nothing or an end that is not to come.
        """
        now = self._clock.now()
        _check(reason)
        if until is not None and until <= now:
            raise InvalidRequest([Fault("/until", "invalid-value", "must be a time to come")])
        hold = Hold(
            hold_id=self._ids.at(now),
            seller_account=seller_account,
            currency=currency,
            kind=HoldKind.PERSON,
            subject="",
            reason=reason,
            placed_by=by,
            since=now,
            until=until,
        )

        async def work(connection: Connection) -> None:
            await store.place(connection, [hold])
            await note_deed(connection, self._deed(hold, "wallets.hold", by, reason, now))

        await in_transaction(self._pool, self._clock, work)
        return hold

    async def release(self, hold_id: UUID, *, by: str, reason: str) -> Hold:
        """Let payouts go on as far as this hold is concerned; one that is released stays as it is.

        Raises NotFound when there is no such hold, and InvalidRequest as ``place`` does.
        """
        now = self._clock.now()
        _check(reason)

        async def work(connection: Connection) -> Hold:
            released = await store.release(connection, hold_id, Release(by, now, reason))
            if released is not None:
                deed = self._deed(released, "wallets.release", by, reason, now)
                await note_deed(connection, deed)
                return released
            found = await store.hold(connection, hold_id)
            if found is None:
                raise NotFound("There is no hold with this id.")
            return found

        return await in_transaction(self._pool, self._clock, work)

    async def open_holds(self, seller_account: str) -> list[Hold]:
        """What stops a seller's payouts now, the oldest first."""
        return await store.stopping(self._pool, [seller_account], self._clock.now())

    def _deed(self, hold: Hold, action: str, by: str, reason: str, now: datetime) -> Deed:
        target = f"hold {hold.hold_id} of {hold.seller_account}"
        return Deed(self._ids.at(now), now, by, action, target[:300], reason)


def _check(reason: str) -> None:
    if not reason.strip() or len(reason) > _LONGEST_REASON:
        detail = f"must say why, in 1 to {_LONGEST_REASON} characters"
        raise InvalidRequest([Fault("/reason", "invalid-value", detail)], f"The reason {detail}.")
