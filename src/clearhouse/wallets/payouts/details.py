"""Where sellers are paid: given, changed, and sealed.

A change holds the seller's payouts up for a time and is told at once, since whoever takes over a
seller's account wants just that: the money somewhere else, before anybody notices.
"""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from uuid import UUID

import asyncpg

from clearhouse.access.audit_log import Deed, note_deed
from clearhouse.access.encryption import FieldCipher
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import Fault, InvalidRequest, NotFound
from clearhouse.kernel.ids import Ids
from clearhouse.messaging.events import BankDetailsChanged
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.psp.rails import Destination
from clearhouse.wallets.payouts import accounts, store
from clearhouse.wallets.payouts.model import BankDetails, Correction, payout_id_of
from clearhouse.wallets.payouts.policy import PayoutPolicy
from clearhouse.wallets.payouts.store import QUERIES


class BankDetailsDesk:
    """Takes sellers' bank details in, and shows them without the account itself."""

    def __init__(
        self, pool: Pool, clock: Clock, ids: Ids, cipher: FieldCipher, policy: PayoutPolicy
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._cipher = cipher
        self._policy = policy

    async def put(
        self, seller_account: str, currency: str, destination: Destination, by: str
    ) -> BankDetails:
        """Have a seller paid there from now on; the same again changes nothing.

        ``by`` is who says so, as the audit log has them. Raises InvalidRequest for a currency that
        is not paid to such accounts.
        """
        kind = accounts.kind_of(destination)
        paid = accounts.CURRENCIES.get(kind, currency)
        if currency != paid:
            fault = Fault("/currency", "currency-not-paid", f"such accounts are paid {paid} only")
            raise InvalidRequest([fault])

        async def work(connection: Connection) -> BankDetails:
            await connection.execute(QUERIES["lock_recipient"], seller_account, currency)
            row = await connection.fetchrow(QUERIES["recipient"], seller_account, currency)
            if row is not None and self._open(row) == accounts.pack(destination):
                return _details(row)
            return await self._store(
                connection, seller_account, currency, destination, by, was_known=row is not None
            )

        return await in_transaction(self._pool, self._clock, work)

    async def of(self, seller_account: str) -> Sequence[BankDetails]:
        """A seller's details, by currency. Raises NotFound when there are none."""
        rows = await self._pool.fetch(QUERIES["recipients_of"], seller_account)
        if not rows:
            raise NotFound("There are no bank details of this seller.")
        return [_details(row) for row in rows]

    async def correction(self, payout: str, by: str, reason: str) -> Correction:
        """What the bank of a payout said the seller's details should be; noted in the audit log.

        It can be an account number, so who reads it says why. Raises NotFound.
        """

        async def work(connection: Connection) -> Correction:
            identity = payout_id_of(payout)
            row = await connection.fetchrow(QUERIES["correction"], identity) if identity else None
            if row is None:
                raise NotFound("No bank has said anything about the details of such a payout.")
            kept = dict(row)
            text = self._cipher.open(kept.pop("sealed"), correction_place(row["payout_id"]))
            now = self._clock.now()
            target = f"correction of {payout}, of {row['seller_account']}"[:300]
            deed = Deed(self._ids.at(now), now, by, "payouts.correction", target, reason)
            await note_deed(connection, deed)
            return Correction(**kept, text=text)

        return await in_transaction(self._pool, self._clock, work)

    async def _store(
        self,
        connection: Connection,
        seller_account: str,
        currency: str,
        destination: Destination,
        by: str,
        *,
        was_known: bool,
    ) -> BankDetails:
        now = self._clock.now()
        made = BankDetails(
            details_id=self._ids.at(now),
            seller_account=seller_account,
            currency=currency,
            kind=accounts.kind_of(destination),
            rail=accounts.RAILS[accounts.kind_of(destination)],
            last_four=accounts.last_four(destination),
            created_by=by,
            created_at=now,
            usable_from=now + self._policy.details_wait if was_known else now,
        )
        await connection.execute(
            QUERIES["store_details"],
            made.details_id,
            seller_account,
            currency,
            made.kind,
            made.rail,
            self._cipher.seal(accounts.pack(destination), place_of(made.details_id)),
            made.last_four,
            by,
            now,
            made.usable_from,
        )
        await store.tell(connection, [_changed(made, was_known=was_known, moment=now)])
        return made

    def _open(self, row: asyncpg.Record) -> str:
        return self._cipher.open(row["sealed"], place_of(row["details_id"]))


def place_of(details_id: UUID) -> str:
    """What an account is sealed for, so that it opens in no other row."""
    return f"wallets.bank_details/{details_id}/sealed"


def correction_place(payout_id: UUID) -> str:
    """What a bank's correction is sealed for."""
    return f"wallets.bank_corrections/{payout_id}/sealed"


def _changed(made: BankDetails, *, was_known: bool, moment: datetime) -> BankDetailsChanged:
    return BankDetailsChanged(
        aggregate_id=made.details_id,
        version=1,
        occurred_at=moment,
        seller_account=made.seller_account,
        currency=made.currency,
        rail=made.rail,
        last_four=made.last_four,
        was_known=was_known,
        changed_by=made.created_by,
        usable_from=made.usable_from,
    )


def _details(row: asyncpg.Record) -> BankDetails:
    return BankDetails(**{each.name: row[each.name] for each in fields(BankDetails)})
