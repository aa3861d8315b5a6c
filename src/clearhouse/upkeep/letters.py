"""Dead letters: what no consumer could handle and what a person must look at, in all services.

A letter is replayed by the handler that failed, in one transaction with its resolution and the
audit log. A dry run does the very same and then rolls back, so what it shows is what would happen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

import asyncpg
import msgspec

from clearhouse.access.audit_log import Deed, deeds_on, note_deed
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import Conflict, NotFound
from clearhouse.kernel.ids import Ids
from clearhouse.ledger.model import JournalEntry
from clearhouse.ledger.rules import entry_for
from clearhouse.messaging.consumer import Subscription
from clearhouse.messaging.events import AnyEvent, decode
from clearhouse.payments.operations import store as operations
from clearhouse.payments.store import ask_again
from clearhouse.postgres.connection import LOST, Connection, Pool, in_transaction
from clearhouse.postgres.queries import load_queries
from clearhouse.wallets.payouts import store as payouts
from clearhouse.wallets.payouts.model import public_id

_QUERIES: Final = load_queries("clearhouse.upkeep", "letters.sql")
_LEDGER: Final = "ledger"
_PAYMENTS: Final = "payments"
_WALLETS: Final = "wallets"
_OUTCOME: Final = "outcome"
"""The type of letters that hold a PSP's or bank's outcome and no event."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter; ``name`` is what people call it by, such as ``ledger:12``."""

    service: str
    number: int
    consumer: str
    type: str
    aggregate_id: UUID
    version: int
    payload: str
    error: str
    created_at: datetime
    resolved_at: datetime | None
    resolution: str | None

    @property
    def name(self) -> str:
        """Its service and number."""
        return f"{self.service}:{self.number}"


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay does: the journal entry it posts, if any, in words, and whether it works."""

    letter: Letter
    entry: JournalEntry | None
    effect: str
    failure: str | None


class DeadLetters:
    """Lists, shows, replays and discards; ``readers`` are the subscriptions of all services."""

    def __init__(self, pool: Pool, clock: Clock, ids: Ids, readers: Sequence[Subscription]) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._readers: Mapping[tuple[str, str], Subscription] = {
            (one.schema, one.name): one for one in readers
        }

    async def list(self, *, resolved: bool, limit: int) -> Sequence[Letter]:
        """The letters of all services that wait, or all there are, the oldest first."""
        found: list[Letter] = []
        for service in await self._services():
            sql = _QUERIES["letters"].replace("{schema}", service)
            found += [_letter(service, row) for row in await self._pool.fetch(sql, resolved, limit)]
        return sorted(found, key=lambda one: one.created_at)[:limit]

    async def show(self, name: str) -> tuple[Letter, Sequence[Deed]]:
        """One letter and what was done to it. Raises NotFound."""

        async def work(connection: Connection) -> Letter:
            return await self._lock(connection, name)

        letter = await in_transaction(self._pool, self._clock, work)
        return letter, await deeds_on(self._pool, f"dead letter {letter.name}")

    async def replay(self, name: str, *, actor: str, reason: str, dry: bool) -> Replay:
        """Handle a letter again; in a dry run all is rolled back.

        Raises NotFound, and Conflict for a letter that is resolved or cannot be replayed.
        """

        async def work(connection: Connection) -> Replay:
            letter = await self._open(connection, name)
            replay = await self._handle(connection, letter)
            if dry or replay.failure:
                raise _Rolled(replay)
            await self._resolve(connection, letter, actor, "replay", reason)
            return replay

        try:
            return await in_transaction(self._pool, self._clock, work)
        except _Rolled as rolled:
            return rolled.replay

    async def discard(self, name: str, *, actor: str, reason: str) -> Letter:
        """Lay a letter aside for good: a person has dealt with it. Raises NotFound, Conflict."""

        async def work(connection: Connection) -> Letter:
            letter = await self._open(connection, name)
            await self._resolve(connection, letter, actor, "discard", reason)
            return letter

        return await in_transaction(self._pool, self._clock, work)

    async def _services(self) -> Sequence[str]:
        rows = await self._pool.fetch(_QUERIES["services_with_letters"])
        return [row["schema"] for row in rows]

    async def _lock(self, connection: Connection, name: str) -> Letter:
        service, _, number = name.partition(":")
        known = await self._services()
        # Sixteen digits at most: the database's numbers end soon after.
        if service in known and number.isascii() and number.isdecimal() and len(number) <= 16:
            sql = _QUERIES["lock_letter"].replace("{schema}", service)
            row = await connection.fetchrow(sql, int(number))
            if row is not None:
                return _letter(service, row)
        raise NotFound(
            f"There is no dead letter {name[:60]}.",
            hint="`clearhouse dead-letters list` shows their names, such as ledger:1.",
        )

    async def _open(self, connection: Connection, name: str) -> Letter:
        letter = await self._lock(connection, name)
        if letter.resolved_at is not None:
            raise Conflict(
                f"Dead letter {letter.name} was resolved already: {letter.resolution}.",
                hint="`clearhouse dead-letters show` tells by whom.",
            )
        return letter

    async def _handle(self, connection: Connection, letter: Letter) -> Replay:
        if letter.service == _PAYMENTS and letter.type == _OUTCOME:
            return await _ask(connection, letter)
        if letter.service == _WALLETS and letter.type == _OUTCOME:
            return await _ask_rail(connection, letter)
        reader = self._readers.get((letter.service, letter.consumer))
        if reader is None:
            raise Conflict(
                f"Nobody reads as {letter.consumer} any more, so {letter.name} cannot be replayed.",
                hint="Discard it once it is dealt with by hand.",
            )
        done = Replay(letter, None, f"handled by {letter.consumer}", None)
        try:
            event = decode(letter.payload)
            done = replace(done, entry=_entry(letter, event))
            async with connection.transaction():
                await reader.handler(connection, [event])
        except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, *LOST):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was before, it may be again
            return replace(done, failure=f"{type(error).__name__}: {error}"[:2000])
        return done

    async def _resolve(
        self, connection: Connection, letter: Letter, actor: str, action: str, reason: str
    ) -> None:
        now = self._clock.now()
        sql = _QUERIES["resolve"].replace("{schema}", letter.service)
        await connection.execute(sql, letter.number, now, f"{action} by {actor}: {reason}")
        target = f"dead letter {letter.name}"
        deed = Deed(self._ids.new(), now, actor, f"dead-letters {action}", target, reason)
        await note_deed(connection, deed)


class _Rolled(Exception):
    """Ends the transaction of a dry run, or of a replay that failed, without a trace."""

    def __init__(self, replay: Replay) -> None:
        super().__init__()
        self.replay = replay


async def _ask(connection: Connection, letter: Letter) -> Replay:
    """A letter about an outcome at a PSP, which is asked anew: that may settle it."""
    if await ask_again(connection, letter.aggregate_id):
        return Replay(letter, None, "the PSP is asked about the order at once", None)
    if await operations.ask_again(connection, letter.aggregate_id):
        return Replay(letter, None, "the PSP is asked about the operation at once", None)
    raise Conflict(
        f"What {letter.name} is about is final, so its PSP is not asked any more.",
        hint="Compare it with the PSP by `clearhouse prove`, then discard the letter.",
    )


async def _ask_rail(connection: Connection, letter: Letter) -> Replay:
    """A letter about a payout: its rail is asked anew, which may settle it."""
    if not await payouts.ask_again(connection, letter.aggregate_id):
        raise Conflict(
            f"The payout of {letter.name} is with no bank or PSP that could be asked.",
            hint=f"See where it is by `clearhouse payouts show {public_id(letter.aggregate_id)}`,"
            " then discard the letter.",
        )
    return Replay(letter, None, "the bank or PSP is asked about the payout at once", None)


def _entry(letter: Letter, event: AnyEvent) -> JournalEntry | None:
    return entry_for(event) if letter.service == _LEDGER else None


def _letter(service: str, row: asyncpg.Record) -> Letter:
    return Letter(service, *row)


def fields_of(letter: Letter) -> Mapping[str, Any]:
    """The payload by name where it is an event; empty where it is an outcome in words."""
    try:
        found = msgspec.json.decode(letter.payload)
    except msgspec.DecodeError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
