"""The ledger's database side: posting a batch, and reading what was posted."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import compress
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from clearhouse.kernel.errors import Archived, NotFound
from clearhouse.kernel.money import Money
from clearhouse.ledger.accounts import KnownAccount, KnownAccounts
from clearhouse.ledger.funds import FamilyBalance, Flow, Funds, funds_of
from clearhouse.ledger.model import (
    AccountBalance,
    AccountType,
    JournalEntry,
    Outcome,
    Posted,
    Posting,
    TrialLine,
)
from clearhouse.messaging.events import JournalEntryPosted, encode_lines, type_of
from clearhouse.postgres.arrays import numbers, texts, uuids
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
    accounts: KnownAccounts | None = None,
    events: Sequence[JournalEntryPosted] = (),
) -> list[Posted]:
    """Book a batch in the caller's transaction, as one statement; answers in the entries' order.

    Each entry is booked whole or not at all, and one that is refused or a duplicate never harms
    its neighbours. ``entry_ids`` are new ids, one for each entry. ``posted_at`` is moved forward
    where needed: never before an event's time, never back on an account. ``events``, one for
    each entry, are published for those that are booked. ``accounts`` remembers what it learns,
    for as long as the database is the same. Safe to run again.
    """
    if not entries:
        return []
    accounts = accounts or KnownAccounts()
    known = await accounts.of(connection, entries)
    fits = [_fits(entry, known) for entry in entries]
    if not all(fits):
        return await _post_fitting(
            connection, entries, entry_ids, posted_at, accounts, events, fits
        )
    lines = [
        (n, number, known[line.debit.code].account_id, known[line.credit.code].account_id, line)
        for n, entry in enumerate(entries, 1)
        for number, line in enumerate(entry.lines, 1)
    ]
    codes = {debit: line.debit.code for _, _, debit, _, line in lines}
    codes |= {credit: line.credit.code for _, _, _, credit, line in lines}
    ids = sorted(codes)
    place = {account_id: n for n, account_id in enumerate(ids, 1)}
    try:
        rows = await connection.fetch(
            _QUERIES["post"],
            max(posted_at, *[entry.event_at for entry in entries]),
            numbers(ids),
            uuids(entry_ids),
            texts([entry.kind for entry in entries]),
            uuids([entry.source_id for entry in entries]),
            texts([entry.reference for entry in entries]),
            [entry.event_at for entry in entries],
            texts([entry.description for entry in entries]),
            numbers([line[0] for line in lines]),
            numbers([line[1] for line in lines]),
            numbers([place[line[2]] for line in lines]),
            numbers([place[line[3]] for line in lines]),
            numbers([line[4].amount_minor for line in lines]),
            type_of(JournalEntryPosted),
            posted_at,
            encode_lines(events),
            sha256("\n".join([codes[account_id] for account_id in ids]).encode()).digest(),
        )
    except asyncpg.InvalidParameterValueError:
        accounts.forget()  # a database that was restored to an earlier moment
        raise
    answers = [
        Posted(entry, Outcome.POSTED, entry_id)
        for entry, entry_id in zip(entries, entry_ids, strict=True)
    ]
    for row in rows:
        n: int = row["entry"] - 1
        answers[n] = Posted(entries[n], Outcome(row["outcome"]), row["stored_id"])
    return answers


def _fits(entry: JournalEntry, known: Mapping[str, KnownAccount]) -> bool:
    return all(
        known[line.debit.code].fits(line.debit) and known[line.credit.code].fits(line.credit)
        for line in entry.lines
    )


async def _post_fitting(
    connection: Connection,
    entries: Sequence[JournalEntry],
    entry_ids: Sequence[UUID],
    posted_at: datetime,
    accounts: KnownAccounts,
    events: Sequence[JournalEntryPosted],
    fits: Sequence[bool],
) -> list[Posted]:
    """Post what means the accounts that are in the books, and answer for the others."""
    booked = iter(
        await post(
            connection,
            list(compress(entries, fits)),
            list(compress(entry_ids, fits)),
            posted_at,
            accounts,
            list(compress(events, fits)),
        )
    )
    return [
        next(booked) if fit else Posted(entry, Outcome.MISMATCHED, None)
        for entry, fit in zip(entries, fits, strict=True)
    ]


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


async def funds(connection: Connection) -> list[Funds]:
    """All money of each currency, in one snapshot; reads the whole journal."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        flows = await connection.fetch(_QUERIES["funds_flows"])
        balances = await connection.fetch(_QUERIES["funds_balances"])
    return funds_of(
        [Flow(row["currency"], row["kind"], row["family"], row["minor"]) for row in flows],
        [
            FamilyBalance(
                row["currency"],
                row["family"],
                AccountType(row["type"]),
                row["holder"],
                row["minor"],
                row["negative_minor"],
            )
            for row in balances
        ],
    )
