"""Writing debts off: what a seller owes and nobody will pay becomes the platform's loss.

The seller's wallet gets it as a movement, and the ledger books it from ``losses``; so that money
that is lost is seen, and no longer counted as something that is owed to the platform.
"""

from collections.abc import Mapping
from typing import Final

from clearhouse.access.audit_log import Deed, check_reason, note_deed
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import Conflict, Fault, InvalidRequest, NotFound, SecondPersonNeeded
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.money import Money
from clearhouse.messaging.events import DebtWrittenOff
from clearhouse.messaging.outbox import publish
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.postgres.queries import load_queries
from clearhouse.wallets.model import Movement
from clearhouse.wallets.payouts.store import available
from clearhouse.wallets.service import SCHEMA, WalletService
from clearhouse.wallets.write_offs.model import KIND, AskedWriteOff, WriteOff

_QUERIES: Final = load_queries("clearhouse.wallets.write_offs")


class WriteOffDesk:
    """Writes debts off, each deed in the audit log.

    ``limits`` are by currency: more than that, and all in a currency that is not named, needs a
    second person.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        ids: Ids,
        wallets: WalletService,
        limits: Mapping[str, int],
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._wallets = wallets
        self._limits = limits

    async def write_off(
        self,
        seller_account: str,
        currency: str,
        *,
        by: str,
        reason: str,
        amount_minor: int | None = None,
    ) -> WriteOff | AskedWriteOff:
        """Let go what a seller owes, all or some of it; above the limit it is only asked for.

        What was asked for is done when a second person decides the same; without an amount, that
        decides what was asked for. Owed is what is left of a debt when all that is pending or in
        reserve has come to the seller. Raises NotFound without such a wallet, Conflict without a
        debt, InvalidRequest for more than is owed or a reason that says nothing, and
        SecondPersonNeeded when whoever asked decides.
        """
        check_reason(reason)

        async def work(connection: Connection) -> WriteOff | AskedWriteOff:
            owed = await self._owed(connection, seller_account, currency)
            asked = await self._asked(connection, seller_account, currency)
            minor = amount_minor
            if minor is None:
                others = asked is not None and asked.asked_by != by
                minor = asked.amount.minor if asked is not None and others else owed
            if not 0 < minor <= owed:
                raise _too_much(minor, Money(owed, currency))
            amount = Money(minor, currency)
            if minor <= self._limits.get(currency, 0):
                return await self._do(connection, seller_account, amount, by, reason, None)
            if asked is None or asked.amount != amount:
                return await self._ask(connection, seller_account, amount, by, reason)
            if asked.asked_by == by:
                raise SecondPersonNeeded(
                    f"{by} asked for this, so somebody else must let it pass.",
                    hint="Let another person decide the same with their own name.",
                )
            return await self._do(connection, seller_account, amount, by, reason, asked.asked_by)

        return await in_transaction(self._pool, self._clock, work)

    async def of(self, seller_account: str) -> list[WriteOff]:
        """All that was ever written off of a seller's debts, the oldest first."""
        return [
            WriteOff(
                row["write_off_id"],
                row["seller_account"],
                Money(row["amount_minor"], row["currency"]),
                row["reason"],
                row["decided_by"],
                row["decided_at"],
                row["asked_by"],
            )
            for row in await self._pool.fetch(_QUERIES["of_seller"], seller_account)
        ]

    async def _owed(self, connection: Connection, seller_account: str, currency: str) -> int:
        """What the seller owes; the wallet is locked from here on."""
        if not await available(connection, [(seller_account, currency)]):
            raise NotFound(f"There is no wallet of the seller {seller_account!r} in {currency}.")
        total = await connection.fetchval(_QUERIES["balance"], seller_account, currency)
        if total >= 0:
            raise Conflict(
                f"{seller_account} owes nothing in {currency}.",
                hint="What is pending or in reserve pays a debt first.",
            )
        return -int(total)

    async def _asked(
        self, connection: Connection, seller_account: str, currency: str
    ) -> AskedWriteOff | None:
        row = await connection.fetchrow(_QUERIES["asked"], seller_account, currency)
        if row is None:
            return None
        amount = Money(row["amount_minor"], currency)
        return AskedWriteOff(
            seller_account, amount, row["reason"], row["asked_by"], row["asked_at"]
        )

    async def _ask(
        self, connection: Connection, seller_account: str, amount: Money, by: str, reason: str
    ) -> AskedWriteOff:
        now = self._clock.now()
        asked = AskedWriteOff(seller_account, amount, reason, by, now)
        await connection.execute(
            _QUERIES["ask"], seller_account, amount.currency, amount.minor, reason, by, now
        )
        await self._note(connection, "wallets.write_off_asked", seller_account, amount, by, reason)
        return asked

    async def _do(
        self,
        connection: Connection,
        seller_account: str,
        amount: Money,
        by: str,
        reason: str,
        asked_by: str | None,
    ) -> WriteOff:
        now = self._clock.now()
        done = WriteOff(self._ids.at(now), seller_account, amount, reason, by, now, asked_by)
        await connection.execute(
            _QUERIES["write_off"],
            done.write_off_id,
            seller_account,
            amount.currency,
            amount.minor,
            reason,
            by,
            now,
            asked_by,
        )
        await self._wallets.move(connection, [_movement(done)])
        await publish(connection, SCHEMA, [_event(done)])
        await self._note(connection, "wallets.write_off", seller_account, amount, by, reason)
        return done

    async def _note(
        self,
        connection: Connection,
        action: str,
        seller_account: str,
        amount: Money,
        by: str,
        reason: str,
    ) -> None:
        now = self._clock.now()
        target = f"debt of {seller_account} in {amount.currency}: {amount}"[:300]
        await note_deed(connection, Deed(self._ids.at(now), now, by, action, target, reason))


def _movement(done: WriteOff) -> Movement:
    return Movement(
        kind=KIND,
        source_id=done.write_off_id,
        reference=done.public_id,
        seller_account=done.seller_account,
        currency=done.amount.currency,
        event_at=done.decided_at,
        available_minor=done.amount.minor,
    )


def _event(done: WriteOff) -> DebtWrittenOff:
    return DebtWrittenOff(
        aggregate_id=done.write_off_id,
        version=1,
        occurred_at=done.decided_at,
        write_off_id=done.public_id,
        seller_account=done.seller_account,
        amount_minor=done.amount.minor,
        currency=done.amount.currency,
        decided_by=done.decided_by,
    )


def _too_much(minor: int, owed: Money) -> InvalidRequest:
    detail = f"must be more than zero and at most the {owed} that are owed"
    if minor <= 0:
        detail = "must be more than zero"
    return InvalidRequest([Fault("/amount", "invalid-value", detail)], f"The amount {detail}.")
