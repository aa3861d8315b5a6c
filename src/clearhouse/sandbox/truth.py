"""The truth: what "really happened" at the PSPs, in one SQLite file that survives kill -9.

Why SQLite with WAL and ``synchronous=NORMAL``: a commit is a write to the operating
system without an fsync (tens of microseconds), which a killed process cannot lose; only
a power cut could. All that one request changes commits as one transaction, so the
charge, the stored answer and the object that look-ups find are never at odds.
"""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS charges (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    psp TEXT NOT NULL, account TEXT NOT NULL, psp_id TEXT NOT NULL,
    reference TEXT, idempotency_key TEXT,
    amount_minor INTEGER NOT NULL, currency TEXT NOT NULL,
    payment_method TEXT, status TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    UNIQUE (psp, psp_id)
);
CREATE INDEX IF NOT EXISTS charges_by_reference ON charges (psp, reference);
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    psp TEXT NOT NULL, account TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
    created_at INTEGER NOT NULL, body BLOB NOT NULL,
    UNIQUE (psp, account, kind, id)
);
CREATE INDEX IF NOT EXISTS objects_in_order ON objects (psp, account, kind, seq);
CREATE TABLE IF NOT EXISTS marks (
    psp TEXT NOT NULL, account TEXT NOT NULL, kind TEXT NOT NULL,
    name TEXT NOT NULL, value TEXT NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (psp, account, kind, name, value, seq)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS marks_of_object ON marks (seq);
CREATE TABLE IF NOT EXISTS answers (
    psp TEXT NOT NULL, account TEXT NOT NULL, key TEXT NOT NULL,
    fingerprint TEXT NOT NULL, status INTEGER NOT NULL, headers TEXT NOT NULL,
    body BLOB NOT NULL, created_at INTEGER NOT NULL,
    PRIMARY KEY (psp, account, key)
);
CREATE TABLE IF NOT EXISTS refunds (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    psp TEXT NOT NULL, account TEXT NOT NULL, psp_id TEXT NOT NULL, charge_id TEXT NOT NULL,
    reference TEXT, amount_minor INTEGER NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    UNIQUE (psp, psp_id)
);
CREATE INDEX IF NOT EXISTS refunds_by_charge ON refunds (charge_id);
CREATE TABLE IF NOT EXISTS disputes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    psp TEXT NOT NULL, account TEXT NOT NULL, psp_id TEXT NOT NULL, charge_id TEXT NOT NULL,
    amount_minor INTEGER NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    UNIQUE (psp, psp_id)
);
CREATE INDEX IF NOT EXISTS disputes_by_charge ON disputes (charge_id);
CREATE TABLE IF NOT EXISTS movements (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    psp TEXT NOT NULL, account TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL,
    source TEXT NOT NULL, charge TEXT NOT NULL, reference TEXT NOT NULL, currency TEXT NOT NULL,
    gross_minor INTEGER NOT NULL, fee_minor INTEGER NOT NULL, at INTEGER NOT NULL,
    place TEXT NOT NULL, tail TEXT NOT NULL, due INTEGER NOT NULL, payout TEXT NOT NULL,
    UNIQUE (psp, id)
);
CREATE INDEX IF NOT EXISTS movements_in_time ON movements (psp, account, at);
CREATE INDEX IF NOT EXISTS movements_of_payout ON movements (psp, account, payout);
CREATE TABLE IF NOT EXISTS paydays (
    psp TEXT NOT NULL, account TEXT NOT NULL, place TEXT NOT NULL, currency TEXT NOT NULL,
    day INTEGER NOT NULL, PRIMARY KEY (psp, account, place, currency, day)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS agenda (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    due_at INTEGER NOT NULL, kind TEXT NOT NULL, payload BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS agenda_in_order ON agenda (due_at, id);
CREATE TABLE IF NOT EXISTS webhook_endpoints (
    psp TEXT NOT NULL, url TEXT NOT NULL, secret TEXT NOT NULL, PRIMARY KEY (psp, url)
);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    psp TEXT NOT NULL, event_id TEXT NOT NULL, kind TEXT NOT NULL,
    url TEXT NOT NULL, secret TEXT NOT NULL, body BLOB NOT NULL,
    due_at INTEGER NOT NULL, early INTEGER NOT NULL,
    state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, last_status INTEGER
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, early, due_at);
UPDATE deliveries SET state = 'waiting' WHERE state = 'sending';
"""
_FACTS: Final = (
    *("charges", "objects", "marks", "answers", "refunds", "disputes"),
    *("agenda", "deliveries", "movements", "paydays"),
)


class Charge(msgspec.Struct, frozen=True):
    """One charge at a PSP. Times are microseconds since 1970 in UTC.

    ``amount_minor`` is in ISO 4217 minor units even where the PSP counts otherwise.
    ``status``: ``succeeded`` (money taken), ``authorized``, ``pending``,
    ``requires_action``, ``declined``, ``canceled``.
    """

    psp: str
    account: str
    psp_id: str
    reference: str | None
    idempotency_key: str | None
    amount_minor: int
    currency: str
    payment_method: str | None
    status: str
    created_at: int
    updated_at: int


class Refund(msgspec.Struct, frozen=True):
    """One refund at a PSP, in minor units and microseconds like a charge.

    ``status``: ``succeeded`` (the buyer has it), ``pending``, ``failed``, ``canceled``.
    ``charge_id`` is the charge's ``psp_id``, ``reference`` ours, where the PSP keeps one.
    """

    psp: str
    account: str
    psp_id: str
    charge_id: str
    reference: str | None
    amount_minor: int
    currency: str
    status: str
    created_at: int
    updated_at: int


class Dispute(msgspec.Struct, frozen=True):
    """One dispute at a PSP. ``status``: ``inquiry``, ``open``, ``won``, ``lost``, ``closed``."""

    psp: str
    account: str
    psp_id: str
    charge_id: str
    amount_minor: int
    currency: str
    status: str
    created_at: int
    updated_at: int


class Truth:
    """The SQLite store; one object per process, used from one thread at a time.

    ``path`` None keeps it in memory. The tables of objects and stored answers belong to
    ``objects.Objects`` and ``idempotency.Answers``, which share this connection.
    """

    def __init__(self, path: Path | None = None) -> None:
        name = ":memory:" if path is None else str(path)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(
            name, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA wal_autocheckpoint = 16000")
        self._db.executescript(_SCHEMA)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All writes within commit together or not at all; never await inside."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def execute(self, sql: str, values: object = ()) -> sqlite3.Cursor:
        """One statement on the shared connection, for the stores of this package."""
        return self._db.execute(sql, values)  # pyright: ignore[reportArgumentType] - tuple or dict

    def record(self, charge: Charge) -> None:
        """Write a charge, or what changed of it (status, amount; key and method unless None)."""
        self._db.execute(
            "INSERT INTO charges (psp, account, psp_id, reference, idempotency_key, amount_minor,"
            " currency, payment_method, status, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (psp, psp_id) DO UPDATE SET status = excluded.status,"
            " amount_minor = excluded.amount_minor,"
            " payment_method = coalesce(excluded.payment_method, payment_method),"
            " idempotency_key = coalesce(excluded.idempotency_key, idempotency_key),"
            " updated_at = excluded.updated_at",
            msgspec.structs.astuple(charge),
        )

    def charges(
        self,
        psp: str | None = None,
        *,
        reference: str | None = None,
        status: str | None = None,
        after: int = 0,
        limit: int = 1000,
    ) -> tuple[list[Charge], int | None]:
        """A page of charges, oldest first, and the ``after`` of the next page (None at the end)."""
        rows = self._db.execute(
            "SELECT seq, psp, account, psp_id, reference, idempotency_key, amount_minor, currency,"
            " payment_method, status, created_at, updated_at FROM charges WHERE seq > :after"
            " AND (:psp IS NULL OR psp = :psp) AND (:status IS NULL OR status = :status)"
            " AND (:reference IS NULL OR reference = :reference) ORDER BY seq LIMIT :limit",
            {"psp": psp, "reference": reference, "status": status, "after": after, "limit": limit},
        ).fetchall()
        following = rows[-1][0] if len(rows) == limit else None
        return [Charge(*row[1:]) for row in rows], following

    def newest_charges(self, limit: int) -> list[Charge]:
        """The newest charges, newest first."""
        rows = self._db.execute(
            "SELECT psp, account, psp_id, reference, idempotency_key, amount_minor, currency,"
            " payment_method, status, created_at, updated_at FROM charges ORDER BY seq DESC"
            " LIMIT ?",
            (limit,),
        )
        return [Charge(*row) for row in rows]

    def record_refund(self, refund: Refund) -> None:
        """Write a refund, or what changed of it."""
        self._upsert("refunds", refund)

    def record_dispute(self, dispute: Dispute) -> None:
        """Write a dispute, or what changed of it."""
        self._upsert("disputes", dispute)

    def refunds(self, psp: str | None = None, charge_id: str | None = None) -> list[Refund]:
        """All refunds that fit, oldest first."""
        return [Refund(*row) for row in self._all("refunds", Refund, psp, charge_id)]

    def disputes(self, psp: str | None = None, charge_id: str | None = None) -> list[Dispute]:
        """All disputes that fit, oldest first."""
        return [Dispute(*row) for row in self._all("disputes", Dispute, psp, charge_id)]

    def state(self, name: str) -> str | None:
        """A value that the sandbox keeps about itself."""
        row = self._db.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def set_state(self, name: str, value: str) -> None:
        """Keep a value."""
        self._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    def _upsert(self, table: str, row: Refund | Dispute) -> None:
        names = row.__struct_fields__
        self._db.execute(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - names are ours
            " ON CONFLICT (psp, psp_id) DO UPDATE SET amount_minor = excluded.amount_minor,"
            " status = excluded.status, updated_at = excluded.updated_at",
            msgspec.structs.astuple(row),
        )

    def _all(
        self, table: str, kind: type[Refund | Dispute], psp: str | None, charge_id: str | None
    ) -> sqlite3.Cursor:
        return self._db.execute(
            f"SELECT {', '.join(kind.__struct_fields__)} FROM {table}"  # noqa: S608 - names are ours
            " WHERE (:psp IS NULL OR psp = :psp)"
            + ("" if charge_id is None else " AND charge_id = :charge")
            + " ORDER BY seq",
            {"psp": psp, "charge": charge_id},
        )

    def summary(self) -> list[dict[str, Any]]:
        """Count and sum of charges per PSP, currency and status, in minor units."""
        names = ("psp", "currency", "status", "count", "amount_minor")
        rows = self._db.execute(
            "SELECT psp, currency, status, count(*), sum(amount_minor) FROM charges"
            " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    def clear(self) -> None:
        """Forget everything, as if no PSP had ever been called."""
        with self.transaction():
            for table in _FACTS:
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names are ours

    def close(self) -> None:
        """Close the file; the object is of no use afterwards."""
        self._db.close()
