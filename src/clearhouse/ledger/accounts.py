"""The ids of accounts that are in the books for good, so that posting need not ask for them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from clearhouse.ledger.model import Account, AccountType, JournalEntry
from clearhouse.postgres.arrays import texts
from clearhouse.postgres.connection import Connection
from clearhouse.postgres.queries import load_queries

_QUERIES: Final = load_queries("clearhouse.ledger")
_MOST: Final = 500_000


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """What never changes of an account in the books."""

    account_id: int
    type: AccountType
    currency: str

    def fits(self, account: Account) -> bool:
        """Whether it is the account that somebody means."""
        return self.type is account.type and self.currency == account.currency


class KnownAccounts:
    """Remembers accounts by code, of one database.

    An account keeps its id, type and currency for ever, so what was read once is true as long
    as its transaction is; one that this very transaction may still take back is not kept.
    """

    def __init__(self) -> None:
        self._known: dict[str, KnownAccount] = {}

    async def of(
        self, connection: Connection, entries: Iterable[JournalEntry]
    ) -> Mapping[str, KnownAccount]:
        """All accounts that some entries name, by code; those that do not exist yet are made."""
        known = self._known
        missing: dict[str, Account] = {}
        for entry in entries:
            for line in entry.lines:
                if line.debit.code not in known:
                    missing[line.debit.code] = line.debit
                if line.credit.code not in known:
                    missing[line.credit.code] = line.credit
        if not missing:
            return known
        return known | await self._open(connection, [missing[code] for code in sorted(missing)])

    def forget(self) -> None:
        """Begin anew: the database is not the one it was."""
        self._known.clear()

    async def _open(
        self, connection: Connection, accounts: list[Account]
    ) -> dict[str, KnownAccount]:
        rows = await connection.fetch(
            _QUERIES["open_accounts"],
            texts([account.code for account in accounts]),
            texts([account.type.value for account in accounts]),
            texts([account.owner for account in accounts]),
            texts([account.currency for account in accounts]),
            [account.floor_minor for account in accounts],
        )
        opened: dict[str, KnownAccount] = {}
        for row in rows:
            account = KnownAccount(row["account_id"], AccountType(row["type"]), row["currency"])
            opened[row["code"]] = account
            if row["is_settled"]:
                self._known[row["code"]] = account
        if len(self._known) > _MOST:
            self.forget()
        return opened
