"""What people and programs do to payouts: ask for one, approve, cancel, look."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from clearhouse.access.audit_log import Deed, note_deed
from clearhouse.access.replay import IntakeAnswer
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import NotFound, PayoutRefused
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.money import Money, format_minor
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.wallets.answers import Answers
from clearhouse.wallets.payouts import store
from clearhouse.wallets.payouts.amounts import (
    Limits,
    Withheld,
    asked_for,
    may_approve,
    needs_approval,
    payable,
)
from clearhouse.wallets.payouts.facts import approved_event, cancelled_event
from clearhouse.wallets.payouts.lifecycle import Action, Effect, PayoutState, do
from clearhouse.wallets.payouts.model import (
    NewPayout,
    Payout,
    PayoutFilter,
    PayoutPage,
    PayoutStatus,
    Told,
    payout_id_of,
)
from clearhouse.wallets.payouts.policy import PayoutPolicy
from clearhouse.wallets.payouts.standing import Standing, limits_of, standings
from clearhouse.wallets.payouts.store import QUERIES
from clearhouse.wallets.service import WalletService

_WITHHELD: Final = {
    Withheld.HELD: "the payouts of this seller are held",
    Withheld.DEBT: "the seller owes the platform money in this currency",
    Withheld.NOTHING: "nothing is available",
    Withheld.BELOW_MINIMUM: "less than the minimum of a payout is available",
}


class PayoutDesk:
    """Creates payouts that somebody asks for, and lets people approve and cancel them."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        ids: Ids,
        wallets: WalletService,
        policy: PayoutPolicy,
        *,
        lifetime: timedelta = timedelta(hours=72),
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._wallets = wallets
        self._policy = policy
        self._answers = Answers(pool, clock, lifetime)

    async def accept(self, wanted: NewPayout) -> IntakeAnswer:
        """Create a payout durably, or replay what its idempotency key was answered.

        The money leaves what is available with it. Raises PayoutRefused, KeyInUse,
        IdempotencyMismatch, and UnavailableError when the database is lost (repeat with the same
        key).
        """

        async def make(connection: Connection) -> bytes:
            return await self._create(connection, wanted)

        return await self._answers.once(wanted, make)

    async def approve(self, name: str, by: str) -> Payout:
        """Let a payout go; again, it changes nothing.

        ``by`` is who approves, as the audit log has them. Raises NotFound, and PayoutRefused for
        who created it and for one that nobody can approve any more.
        """

        async def work(connection: Connection) -> Payout:
            payout = await self._locked(connection, name)
            made = do(_state(payout), Action.APPROVE)
            if made is None:
                raise PayoutRefused(f"The payout is {payout.status}: there is nothing to approve.")
            if made.effect is Effect.NOTHING:
                return payout
            if not may_approve(payout.created_by, by):
                raise PayoutRefused(
                    "Who created a payout cannot approve it.", hint="Somebody else must."
                )
            now, version = self._clock.now(), payout.version + 1
            await connection.execute(QUERIES["approve"], payout.payout_id, by, now, version)
            await store.tell(connection, [approved_event(payout, version, now, by)])
            await self._note(connection, "payouts.approve", payout, by, "approved")
            return replace(
                payout,
                status=made.status,
                approved_by=by,
                approved_at=now,
                updated_at=now,
                version=version,
            )

        return await in_transaction(self._pool, self._clock, work)

    async def cancel(self, name: str, by: str, reason: str) -> Payout:
        """Take a payout back before it is sent; again, it changes nothing.

        Raises NotFound, and PayoutRefused for one that may have been sent.
        """

        async def work(connection: Connection) -> Payout:
            payout = await self._locked(connection, name)
            made = do(_state(payout), Action.CANCEL)
            if made is None:
                raise PayoutRefused(
                    f"The payout is {payout.status} and cannot be cancelled any more.",
                    hint="It may have been sent. What comes back is the seller's again.",
                )
            if made.effect is Effect.NOTHING:
                return payout
            now = self._clock.now()
            detail = f"cancelled by {by}: {reason}" if reason else f"cancelled by {by}"
            [gone] = await cancel(connection, self._wallets, [(payout, detail)], by=by, moment=now)
            await self._note(connection, "payouts.cancel", payout, by, reason or "no reason given")
            return gone

        return await in_transaction(self._pool, self._clock, work)

    async def payout(self, name: str) -> Payout:
        """One payout. Raises NotFound."""
        identity = payout_id_of(name)
        found = await store.find(self._pool, identity) if identity else None
        if found is None:
            raise _not_found()
        return found

    async def told(self, payout: Payout) -> list[Told]:
        """All that was told of a payout, the first event first."""
        rows = await self._pool.fetch(QUERIES["told"], payout.payout_id)
        return [Told(row["occurred_at"], row["type"], row["version"]) for row in rows]

    async def list_payouts(
        self, wanted: PayoutFilter, before: UUID | None, limit: int
    ) -> PayoutPage:
        """Payouts, newest first."""
        return await store.page(self._pool, wanted, before, limit)

    async def _locked(self, connection: Connection, name: str) -> Payout:
        identity = payout_id_of(name)
        found = await store.locked(connection, [identity]) if identity else {}
        if identity is None or identity not in found:
            raise _not_found()
        return found[identity]

    async def _note(
        self, connection: Connection, action: str, payout: Payout, by: str, reason: str
    ) -> None:
        """Write a deed into the audit log, in its own transaction."""
        now = self._clock.now()
        target = f"payout {payout.public_id}: {payout.amount} to {payout.seller_account}"[:300]
        await note_deed(connection, Deed(self._ids.at(now), now, by, action, target, reason))

    async def _create(self, connection: Connection, wanted: NewPayout) -> bytes:
        now = self._clock.now()
        wallet = (wanted.seller_account, wanted.currency)
        available = (await store.available(connection, [wallet])).get(wallet, 0)
        standing = (await standings(connection, [wallet], now))[wallet]
        limits = (await limits_of(connection, self._policy, [wallet], now))[wallet]
        amount = Money(_amount(wanted, available, limits, standing), wanted.currency)
        payout = new_payout(
            self._ids.at(now),
            wanted.seller_account,
            amount,
            limits,
            created_by=wanted.created_by,
            moment=now,
            note=wanted.note,
        )
        await store.create(connection, self._wallets, [payout], now)
        return wanted.render(payout)


def new_payout(
    payout_id: UUID,
    seller_account: str,
    amount: Money,
    limits: Limits,
    *,
    created_by: str,
    moment: datetime,
    period: str | None = None,
    note: str = "",
) -> Payout:
    """A payout as it is at its creation: approved at once where nobody has to."""
    held_up = needs_approval(amount.minor, limits)
    return Payout(
        payout_id=payout_id,
        seller_account=seller_account,
        amount=amount,
        status=PayoutStatus.CREATED if held_up else PayoutStatus.APPROVED,
        reason=None,
        needs_approval=held_up,
        created_by=created_by,
        version=1,
        created_at=moment,
        updated_at=moment,
        period=period,
        note=note,
    )


async def cancel(
    connection: Connection,
    wallets: WalletService,
    gone: Sequence[tuple[Payout, str]],
    *,
    by: str,
    moment: datetime,
) -> list[Payout]:
    """Cancel payouts that are locked and may be cancelled, each with words for people."""
    payouts = [payout for payout, _ in gone]
    await connection.execute(
        QUERIES["cancel"], [one.payout_id for one in payouts], [words for _, words in gone], moment
    )
    await store.give_back(connection, wallets, payouts, moment)
    events = [
        cancelled_event(payout, payout.version + 1, moment, by, words) for payout, words in gone
    ]
    await store.tell(connection, events)
    return [
        replace(
            payout,
            status=PayoutStatus.CANCELLED,
            detail=words,
            version=payout.version + 1,
            updated_at=moment,
            finalized_at=moment,
        )
        for payout, words in gone
    ]


def _amount(wanted: NewPayout, available: int, limits: Limits, standing: Standing) -> int:
    """What is paid of what is asked for. Raises PayoutRefused."""
    if standing.rail is None:
        raise PayoutRefused(
            f"The seller has no bank details for {wanted.currency}.",
            hint="Put them to /v1/sellers/{seller_account}/bank-details first.",
        )
    if wanted.amount_minor is None:
        found = payable(available, limits, held=standing.held)
        if isinstance(found, Withheld):
            raise PayoutRefused(f"Nothing can be paid out: {_WITHHELD[found]}.")
        return found
    why = asked_for(wanted.amount_minor, available, limits, held=standing.held)
    if why is not None:
        free = format_minor(max(available - limits.keep, 0), wanted.currency)
        raise PayoutRefused(
            f"The payout cannot be made: {why}.", hint=f"Available: {free} {wanted.currency}."
        )
    return wanted.amount_minor


def _state(payout: Payout) -> PayoutState:
    return PayoutState(payout.status, payout.reason, payout.amount)


def _not_found() -> NotFound:
    return NotFound("There is no payout with this id.")
