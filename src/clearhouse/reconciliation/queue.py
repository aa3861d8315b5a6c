"""The queue of breaks: what persons see of them and decide, each deed with its name and reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import Conflict, Fault, InvalidRequest, NotFound, SecondPersonNeeded
from clearhouse.kernel.ids import Ids
from clearhouse.messaging.events import SettlementBooked
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.reconciliation.booking import Booking
from clearhouse.reconciliation.deciding import Proposal, Way, check_decidable, proposal_of
from clearhouse.reconciliation.likeness import Likeness, Likenesses
from clearhouse.reconciliation.matching import CAUSES
from clearhouse.reconciliation.model import Area, Asked, Break, BreakDetail, HistoryEntry, Near
from clearhouse.reconciliation.store import QUERIES

_STATES: Final = {"accept": "mended", "write_off": "written_off"}


@dataclass(frozen=True, slots=True)
class Filters:
    """Which breaks to list; None is any. ``open`` False lists those that are closed."""

    open: bool | None = True
    cause: str | None = None
    psp: str | None = None
    owner: str | None = None


class BreakQueue:
    """What persons do. ``limits`` are by currency: more than that needs a second person."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        ids: Ids,
        booking: Booking,
        likenesses: Likenesses,
        limits: Mapping[str, int],
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._booking = booking
        self._likenesses = likenesses
        self._limits = limits

    async def list(self, filters: Filters, limit: int) -> Sequence[Break]:
        """Breaks, the largest at stake first. Raises InvalidRequest for an unknown cause."""
        if filters.cause is not None and filters.cause not in CAUSES:
            told = f"is none of {', '.join(CAUSES)}"
            raise InvalidRequest(
                [Fault("/cause", "unknown", told)], f"There is no cause {filters.cause!r}."
            )
        rows = await self._pool.fetch(
            QUERIES["list_breaks"], filters.open, filters.cause, filters.psp, filters.owner, limit
        )
        return [break_of(row) for row in rows]

    async def looks_like(self, found: Sequence[Break]) -> Mapping[UUID, Sequence[Likeness]]:
        """Which orders some charges of nobody look like, by break, the best first."""
        return await self._likenesses.of([one.break_id for one in found])

    async def show(self, break_id: UUID) -> BreakDetail:
        """A break with its history, what is proposed, and what is near it. Raises NotFound."""
        row = await self._pool.fetchrow(QUERIES["one_break"], break_id)
        found = _there(row)
        history = await self._pool.fetch(QUERIES["history_of"], break_id)
        near = await self._pool.fetch(QUERIES["near_break"], break_id)
        asked = await self._pool.fetchrow(QUERIES["asked_of"], break_id)
        likes = await self.looks_like([found])
        proposal = proposal_of(found)
        booked = self._event(found, proposal, "as proposed") if proposal.amount_minor else None
        return BreakDetail(
            found,
            tuple(HistoryEntry(*one) for one in history),
            booked,
            tuple(Near(break_of(one), 60 if len(near) == 1 else 30) for one in near),
            Asked(*asked) if asked else None,
            tuple(likes.get(break_id, ())),
        )

    async def decide(
        self, break_id: UUID, deed: str, actor: str, reason: str, amount_minor: int | None = None
    ) -> Break:
        """Accept a break or write it off; above the limit it is only asked for.

        What was asked for is done when a second person decides the same. Raises NotFound,
        NotDecidable, SecondPersonNeeded, and InvalidRequest without a reason.
        """
        _check(actor, reason)

        async def work(connection: Connection) -> None:
            found = _there(await connection.fetchrow(QUERIES["lock_break"], break_id))
            row = await connection.fetchrow(QUERIES["asked_of"], break_id)
            asked = Asked(*row) if row else None
            amount = amount_minor
            if asked is not None and amount is None and asked.deed == deed:
                amount = asked.amount_minor
            proposal = check_decidable(found, amount)
            at_stake = abs(proposal.amount_minor) or found.at_stake_minor
            if at_stake > self._limits.get(found.currency, 0):
                same = asked is not None and (asked.deed, asked.amount_minor) == (
                    deed,
                    proposal.amount_minor,
                )
                if not same:
                    await self._ask(connection, found, deed, proposal, actor, reason)
                    return
                assert asked is not None
                if asked.asked_by == actor:
                    raise SecondPersonNeeded(
                        f"{actor} asked for this, so somebody else must let it pass.",
                        hint="Let another person decide the same with their own name.",
                    )
            await self._close(connection, found, deed, proposal, actor, reason)

        await in_transaction(self._pool, self._clock, work)
        return _there(await self._pool.fetchrow(QUERIES["one_break"], break_id))

    async def assign(self, break_id: UUID, owner: str, actor: str) -> Break:
        """Give a break to somebody; an empty owner gives it to nobody. Raises NotFound."""
        return await self._note(break_id, "assigned", actor, owner or "nobody", owner=owner)

    async def comment(self, break_id: UUID, actor: str, note: str) -> Break:
        """Say something about a break. Raises NotFound."""
        _check(actor, note)
        return await self._note(break_id, "commented", actor, note)

    async def reopen(self, break_id: UUID, actor: str, reason: str) -> Break:
        """Open a closed break again, and take back what was booked for it. Raises NotFound."""
        _check(actor, reason)

        async def work(connection: Connection) -> None:
            found = _there(await connection.fetchrow(QUERIES["lock_break"], break_id))
            if found.state == "open":
                raise Conflict("This break is open.", hint="There is nothing to reopen.")
            booked = await connection.fetch(QUERIES["booked_for"], break_id)
            for row in booked:
                back = Proposal(Way(row["kind"]), -int(row["minor"]), row["bank_account"])
                await self._book(connection, found, back, f"reopened by {actor}: {reason}")
            await connection.execute(
                QUERIES["set_state"], break_id, "open", None, self._clock.now(), actor, "reopened",
                reason,
            )  # fmt: skip

        await in_transaction(self._pool, self._clock, work)
        return _there(await self._pool.fetchrow(QUERIES["one_break"], break_id))

    async def _note(
        self, break_id: UUID, deed: str, actor: str, note: str, owner: str | None = None
    ) -> Break:
        row = await self._pool.fetchrow(
            QUERIES["note_on_break"], break_id, deed, actor, note, owner, self._clock.now()
        )
        if row is None:
            raise _unknown()
        return _there(await self._pool.fetchrow(QUERIES["one_break"], break_id))

    async def _ask(
        self,
        connection: Connection,
        found: Break,
        deed: str,
        proposal: Proposal,
        actor: str,
        reason: str,
    ) -> None:
        now = self._clock.now()
        await connection.execute(
            QUERIES["ask"], found.break_id, deed, proposal.amount_minor, actor, reason, now
        )
        words = f"asked to {deed.replace('_', ' ')}, which needs a second person: {reason}"
        await connection.fetchrow(
            QUERIES["note_on_break"], found.break_id, "asked", actor, words, None, now
        )

    async def _close(
        self,
        connection: Connection,
        found: Break,
        deed: str,
        proposal: Proposal,
        actor: str,
        reason: str,
    ) -> None:
        if proposal.amount_minor:
            await self._book(connection, found, proposal, f"{actor}: {reason}")
        await connection.execute(QUERIES["forget_asked"], found.break_id)
        now = self._clock.now()
        await connection.execute(
            QUERIES["set_state"], found.break_id, _STATES[deed], now, now, actor, deed, reason
        )

    async def _book(
        self, connection: Connection, found: Break, proposal: Proposal, reason: str
    ) -> None:
        event = self._event(found, proposal, reason)
        await self._booking.tell(
            connection, [(f"break:{found.break_id}", event)], break_id=found.break_id
        )

    def _event(self, found: Break, proposal: Proposal, reason: str) -> SettlementBooked:
        now = self._clock.now()
        return SettlementBooked(
            aggregate_id=self._ids.at(now),
            version=1,
            occurred_at=now,
            kind=proposal.way.value,
            psp=found.psp,
            bank_account=proposal.bank_account,
            currency=found.currency,
            amount_minor=proposal.amount_minor,
            reference=found.reference,
            reason=f"{found.cause.word}, {reason}"[:300],
        )


def break_of(row: asyncpg.Record) -> Break:
    """A stored break as a value."""
    return Break(
        row["break_id"],
        CAUSES[row["cause"]],
        Area(row["area"]),
        row["subject"],
        row["psp"],
        row["day"],
        row["order_id"],
        row["line_key"],
        row["reference"],
        row["currency"],
        row["ours_minor"],
        row["theirs_minor"],
        row["at_stake_minor"],
        row["detail"],
        row["state"],
        row["owner"],
        row["opened_at"],
        row["closed_at"],
        row["told_at"],
        row["version"],
    )


def _there(row: asyncpg.Record | None) -> Break:
    if row is None:
        raise _unknown()
    return break_of(row)


def _unknown() -> NotFound:
    return NotFound("There is no such break.", hint="`clearhouse breaks list` shows all.")


def _check(actor: str, reason: str) -> None:
    if not actor.strip() or not reason.strip():
        fault = Fault("/reason", "required", "is kept for good, with the name")
        raise InvalidRequest([fault], "A name and a reason are needed.")
