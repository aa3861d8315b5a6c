"""Batches: payouts that may be sent become members of one, for ever; a worker leases it and calls.

Between the lease and what is learnt lies the call, in no database transaction. Who holds an
older fence number than the work row has lost its lease and cannot write.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from clearhouse.access.encryption import FieldCipher
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.psp.rails import Batch, Instruction, Rail
from clearhouse.wallets.payouts import accounts, store
from clearhouse.wallets.payouts.calendar import business_day_from
from clearhouse.wallets.payouts.desk import cancel
from clearhouse.wallets.payouts.details import place_of
from clearhouse.wallets.payouts.facts import submitted_event
from clearhouse.wallets.payouts.model import Payout
from clearhouse.wallets.payouts.policy import PayoutPolicy
from clearhouse.wallets.payouts.sending import Call, concerned, next_call
from clearhouse.wallets.payouts.store import QUERIES, payout_of
from clearhouse.wallets.service import WalletService

_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.payouts")


@dataclass(frozen=True, slots=True)
class ClaimedBatch:
    """A batch that a worker holds: whom to ask what, and by which fence it may write."""

    batch_id: UUID
    fence: int
    call: Call
    batch: Batch = field(repr=False)


class Batching:
    """Makes batches and leases them to workers; commits before it returns."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        ids: Ids,
        wallets: WalletService,
        cipher: FieldCipher,
        policy: PayoutPolicy,
        *,
        lease: timedelta,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._wallets = wallets
        self._cipher = cipher
        self._policy = policy
        self._lease = lease

    async def form(self, rail: Rail) -> int:
        """Put payouts that may be sent by a rail into batches of one currency each.

        Returns how many payouts were moved on. What the rail can never send is cancelled, so that
        its seller has the money again and a person sees why.
        """

        async def work(connection: Connection) -> int:
            now = self._clock.now()
            rows = await connection.fetch(QUERIES["sendable"], rail.name, now, rail.max_batch)
            locked = await store.locked(connection, [row["payout_id"] for row in rows])
            refused: list[tuple[Payout, str]] = []
            sendable: list[tuple[Payout, UUID]] = []
            for row in rows:
                payout = locked[row["payout_id"]]
                text = self._policy.statement_text
                why = rail.refusal(
                    self._instruction(payout, row["details_id"], row["sealed"], text)
                )
                if why is None:
                    sendable.append((payout, row["details_id"]))
                else:
                    refused.append((payout, f"not sent by {rail.name}: {why}"))
            if refused:
                await cancel(connection, self._wallets, refused, by=rail.name, moment=now)
            if sendable:
                await self._store(connection, rail.name, sendable, now)
            return len(refused) + len(sendable)

        return await in_transaction(self._pool, self._clock, work)

    async def claim(self, rail: str, limit: int) -> list[ClaimedBatch]:
        """Lease at most so many batches that are due, each with the call that is due."""

        async def work(connection: Connection) -> list[ClaimedBatch]:
            rows = await connection.fetch(QUERIES["claim_batches"], rail, limit, self._lease)
            if not rows:
                return []
            members = await self._members(connection, [row["batch_id"] for row in rows])
            claimed: list[ClaimedBatch] = []
            for row in rows:
                mine = members[row["batch_id"]]
                last = Call(row["last_call"]) if row["last_call"] else None
                call = next_call([payout for payout, _ in mine], last)
                about = {one.payout_id for one in concerned([one for one, _ in mine], call)}
                instructions = tuple(each for one, each in mine if one.payout_id in about)
                batch = Batch(
                    row["batch_id"].hex, row["created_at"], row["execution_date"], instructions
                )
                claimed.append(ClaimedBatch(row["batch_id"], row["fence"], call, batch))
            await connection.execute(
                QUERIES["note_calls"],
                [one.batch_id for one in claimed],
                [one.call.value for one in claimed],
            )
            return claimed

        return await in_transaction(self._pool, self._clock, work)

    async def _members(
        self, connection: Connection, batch_ids: Sequence[UUID]
    ) -> dict[UUID, list[tuple[Payout, Instruction]]]:
        """The payouts of batches with their instructions, in the order that never changes."""
        found: dict[UUID, list[tuple[Payout, Instruction]]] = {one: [] for one in batch_ids}
        for row in await connection.fetch(QUERIES["members"], batch_ids):
            fields = dict(row)
            sealed, text = fields.pop("sealed"), fields.pop("statement_text")
            payout = payout_of(fields)
            instruction = self._instruction(payout, row["details_id"], sealed, text)
            found[row["batch_id"]].append((payout, instruction))
        return found

    def _instruction(
        self, payout: Payout, details_id: UUID, sealed: str, statement_text: str
    ) -> Instruction:
        return Instruction(
            payout_id=payout.public_id,
            key=payout.payout_id.hex,
            amount=payout.amount,
            destination=accounts.unpack(self._cipher.open(sealed, place_of(details_id))),
            statement_text=statement_text,
            seller_account=payout.seller_account,
        )

    async def _store(
        self,
        connection: Connection,
        rail: str,
        members: Sequence[tuple[Payout, UUID]],
        now: datetime,
    ) -> None:
        batch_id = self._ids.at(now)
        currency = members[0][0].amount.currency
        await connection.execute(
            QUERIES["store_batch"],
            batch_id,
            rail,
            currency,
            len(members),
            sum(payout.amount.minor for payout, _ in members),
            self._policy.statement_text,
            execution_date(now, currency),
            now,
        )
        await connection.execute(
            QUERIES["join_batch"],
            [payout.payout_id for payout, _ in members],
            [details_id for _, details_id in members],
            batch_id,
            rail,
            now,
        )
        events = [
            submitted_event(payout, payout.version + 1, now, rail, batch_id)
            for payout, _ in members
        ]
        await store.tell(connection, events)
        _log.info("payouts_batched", rail=rail, batch=batch_id.hex, payouts=len(members))


def execution_date(moment: datetime, currency: str) -> date:
    """The day on which a bank shall pay: today, or the next day on which it settles."""
    return business_day_from(moment.astimezone(UTC).date(), currency)
