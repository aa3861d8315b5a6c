"""The ledger's database side: posting a batch, and reading what was posted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from clearhouse.kernel.errors import Archived, NotFound
from clearhouse.kernel.money import Money
from clearhouse.ledger.model import (
    AccountBalance,
    AccountType,
    JournalEntry,
    Outcome,
    Posted,
    Posting,
    TrialLine,
)
from clearhouse.postgres.connection import Connection, Pool
from clearhouse.postgres.queries import load_queries

Reader: TypeAlias = "Pool | Connection"
"""What can be read from: any connection, or a pool that lends one."""

_QUERIES: Final = load_queries("clearhouse.ledger")


async def post(
    connection: Connection,
    entries: Sequence[JournalEntry],
    entry_ids: Sequence[UUID],
    posted_at: datetime,
) -> list[Posted]:
    """Book a batch in the caller's transaction, as one statement; answers in the entries' order.

    Each entry is booked whole or not at all, and one that is refused or a duplicate never harms
    its neighbours. ``entry_ids`` are new ids, one for each entry. ``posted_at`` is moved forward
    where needed: never before an event's time, never back on an account. Safe to run again.
    """
    if not entries:
        return []
    used = {line.debit.code: line.debit for entry in entries for line in entry.lines}
    used |= {line.credit.code: line.credit for entry in entries for line in entry.lines}
    accounts = [used[code] for code in sorted(used)]
    place = {account.code: n for n, account in enumerate(accounts, 1)}
    lines = [
        (n, number, line)
        for n, entry in enumerate(entries, 1)
        for number, line in enumerate(entry.lines, 1)
    ]
    rows = await connection.fetch(
        _QUERIES["post"],
        max(posted_at, *(entry.event_at for entry in entries)),
        [account.code for account in accounts],
        [account.type.value for account in accounts],
        [account.owner for account in accounts],
        [account.currency for account in accounts],
        [account.floor_minor for account in accounts],
        entry_ids,
        [entry.kind for entry in entries],
        [entry.source_id for entry in entries],
        [entry.reference for entry in entries],
        [entry.event_at for entry in entries],
        [entry.description for entry in entries],
        [entry for entry, _, _ in lines],
        [number for _, number, _ in lines],
        [place[line.debit.code] for _, _, line in lines],
        [place[line.credit.code] for _, _, line in lines],
        [line.debit.currency for _, _, line in lines],
        [line.amount_minor for _, _, line in lines],
    )
    answers = [
        Posted(entry, Outcome.POSTED, entry_id)
        for entry, entry_id in zip(entries, entry_ids, strict=True)
    ]
    for row in rows:
        n: int = row["entry"] - 1
        answers[n] = Posted(entries[n], Outcome(row["outcome"]), row["stored_id"])
    return answers


async def balances(reader: Reader, codes: Sequence[str] | None = None) -> list[AccountBalance]:
    """The kept balances of the accounts named, or of all; an account never used is left out."""
    return [
        AccountBalance(
            row["code"],
            AccountType(row["type"]),
            row["owner"],
            Money(row["balance_minor"], row["currency"]),
            row["posting_count"],
        )
        for row in await reader.fetch(_QUERIES["balances"], codes)
    ]


async def trial_balance(reader: Reader) -> list[TrialLine]:
    """Debit and credit balances by currency and account type; per currency both sums agree."""
    return [
        TrialLine(
            row["currency"], AccountType(row["type"]), row["debit_minor"], row["credit_minor"]
        )
        for row in await reader.fetch(_QUERIES["trial_balance"])
    ]


async def entries_of(reader: Reader, source_id: UUID) -> list[Posting]:
    """All postings booked for one source, by entry and line, the debit first; empty when none."""
    return [
        Posting(
            row["entry_id"],
            row["kind"],
            row["line"],
            row["side"],
            row["account"],
            Money(row["amount_minor"], row["currency"]),
            Money(row["balance_after"], row["currency"]),
            row["event_at"],
            row["posted_at"],
        )
        for row in await reader.fetch(_QUERIES["entries_of"], source_id)
    ]


async def balance_as_of(reader: Reader, code: str, moment: datetime) -> Money:
    """The balance as the ledger knew it at a moment (by ``posted_at``); one index look-up.

    Raises NotFound for an account that was never used, and Archived for a moment in the midst
    of postings that were archived.
    """
    return await _balance(reader, "balance_as_posted", code, moment)


async def balance_as_happened(reader: Reader, code: str, moment: datetime) -> Money:
    """The balance of all that had happened by a moment (by ``event_at``), whenever we learnt it.

    Reads the postings learnt since that moment. Raises NotFound for an account never used, and
    Archived when archived postings happened later.
    """
    return await _balance(reader, "balance_as_happened", code, moment)


async def _balance(reader: Reader, query: str, code: str, moment: datetime) -> Money:
    row = await reader.fetchrow(_QUERIES[query], code, moment)
    if row is None:
        raise NotFound(f"The ledger has no account {code}.")
    if row["is_archived"]:
        raise Archived(
            f"The postings of {code} around {moment:%Y-%m-%d %H:%M} are archived.",
            hint="Ask for a later moment, or read the archived journal lines.",
        )
    return Money(row["balance_minor"], row["currency"])
