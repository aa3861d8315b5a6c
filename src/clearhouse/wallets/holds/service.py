"""Holds that people place and release, each with a reason that the audit log keeps."""

from datetime import datetime, timedelta
from uuid import UUID

from clearhouse.access.audit_log import Deed, check_reason, note_deed
from clearhouse.access.replay import IntakeAnswer
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import Fault, InvalidRequest, NotFound
from clearhouse.kernel.ids import Ids
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.wallets.answers import Answers
from clearhouse.wallets.holds import store
from clearhouse.wallets.holds.model import Hold, HoldKind, HoldPage, NewHold, Release


class HoldDesk:
    """Stops a seller's payouts, and lets them go on."""

    def __init__(
        self, pool: Pool, clock: Clock, ids: Ids, *, lifetime: timedelta = timedelta(hours=72)
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._answers = Answers(pool, clock, lifetime)

    async def accept(self, wanted: NewHold) -> IntakeAnswer:
        """Place a hold durably, or replay what its idempotency key was answered.

        Raises KeyInUse, IdempotencyMismatch, and what ``place`` and a lost database raise.
        """

        async def make(connection: Connection) -> bytes:
            hold = self._hold(
                wanted.seller_account,
                wanted.placed_by,
                wanted.reason,
                wanted.currency,
                wanted.until,
            )
            await self._place(connection, hold)
            return wanted.render(hold)

        return await self._answers.once(wanted, make)

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
        hold = self._hold(seller_account, by, reason, currency, until)

        async def work(connection: Connection) -> None:
            await self._place(connection, hold)

        await in_transaction(self._pool, self._clock, work)
        return hold

    async def release(
        self, hold_id: UUID, *, by: str, reason: str, seller_account: str | None = None
    ) -> Hold:
        """Let payouts go on as far as this hold is concerned; one that is released stays as it is.

        With a ``seller_account``, only a hold of that seller. Raises NotFound when there is no
        such hold, and InvalidRequest as ``place`` does.
        """
        now = self._clock.now()
        check_reason(reason)

        async def work(connection: Connection) -> Hold:
            found = await store.hold(connection, hold_id)
            if found is None or seller_account not in {None, found.seller_account}:
                raise NotFound("There is no hold with this id.")
            released = await store.release(connection, hold_id, Release(by, now, reason))
            if released is not None:
                deed = self._deed(released, "wallets.release", by, reason, now)
                await note_deed(connection, deed)
                return released
            return await store.hold(connection, hold_id) or found

        return await in_transaction(self._pool, self._clock, work)

    async def page(
        self, seller_account: str, *, open_only: bool, before: UUID | None, limit: int
    ) -> HoldPage:
        """A seller's holds, newest first: those that stop payouts now, or all there ever were."""
        found = await store.holds_of(
            self._pool,
            seller_account,
            stopping_at=self._clock.now() if open_only else None,
            before=before,
            limit=limit + 1,
        )
        page = found[:limit]
        return HoldPage(page, page[-1].hold_id if len(found) > limit else None)

    async def open_holds(self, seller_account: str) -> list[Hold]:
        """What stops a seller's payouts now, the oldest first."""
        return await store.stopping(self._pool, [seller_account], self._clock.now())

    def _hold(
        self,
        seller_account: str,
        by: str,
        reason: str,
        currency: str | None,
        until: datetime | None,
    ) -> Hold:
        now = self._clock.now()
        check_reason(reason)
        if until is not None and until <= now:
            raise InvalidRequest([Fault("/until", "invalid-value", "must be a time to come")])
        return Hold(
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

    async def _place(self, connection: Connection, hold: Hold) -> None:
        await store.place(connection, [hold])
        deed = self._deed(hold, "wallets.hold", hold.placed_by, hold.reason, hold.since)
        await note_deed(connection, deed)

    def _deed(self, hold: Hold, action: str, by: str, reason: str, now: datetime) -> Deed:
        target = f"hold {hold.hold_id} of {hold.seller_account}"
        return Deed(self._ids.at(now), now, by, action, target[:300], reason)
