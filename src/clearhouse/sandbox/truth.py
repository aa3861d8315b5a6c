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
"""


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
            for table in ("charges", "objects", "marks", "answers"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names are ours

    def close(self) -> None:
        """Close the file; the object is of no use afterwards."""
        self._db.close()
