"""The PSPs' own objects as JSON, so that look-ups, lists and searches survive a restart."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from clearhouse.sandbox.truth import Truth

Body = dict[str, Any]
"""A PSP object as the PSP would render it (plain JSON values)."""


class Shelf(NamedTuple):
    """Where objects stand: a PSP, the caller's account there, and the kind of object."""

    psp: str
    account: str
    kind: str


class Found(NamedTuple):
    """An object with its place in the order of creation, which cursors are made of."""

    seq: int
    body: Body


class Objects:
    """Put, get and find objects; write within ``truth.transaction()``."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth

    def put(
        self,
        shelf: Shelf,
        identifier: str,
        body: Body,
        *,
        created_at: int,
        marks: Mapping[str, str] | None = None,
    ) -> None:
        """Write or overwrite an object; ``created_at`` (microseconds) is kept from the first time.

        ``marks`` are the names and values it can be found by; they replace the earlier ones.
        """
        row = self._truth.execute(
            "INSERT INTO objects (psp, account, kind, id, created_at, body)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (psp, account, kind, id)"
            " DO UPDATE SET body = excluded.body RETURNING seq",
            (*shelf, identifier, created_at, msgspec.json.encode(body)),
        ).fetchone()
        seq = row[0]
        if marks is None:
            return
        self._truth.execute("DELETE FROM marks WHERE seq = ?", (seq,))
        for name, value in marks.items():
            self._truth.execute(
                "INSERT OR IGNORE INTO marks VALUES (?, ?, ?, ?, ?, ?)", (*shelf, name, value, seq)
            )

    def get(self, shelf: Shelf, identifier: str) -> Body | None:
        """One object by its id, or None."""
        row = self._truth.execute(
            "SELECT body FROM objects WHERE psp = ? AND account = ? AND kind = ? AND id = ?",
            (*shelf, identifier),
        ).fetchone()
        return None if row is None else msgspec.json.decode(row[0])

    def seq(self, shelf: Shelf, identifier: str) -> int | None:
        """The place of an object in the order of creation, or None."""
        row = self._truth.execute(
            "SELECT seq FROM objects WHERE psp = ? AND account = ? AND kind = ? AND id = ?",
            (*shelf, identifier),
        ).fetchone()
        return None if row is None else row[0]

    def find(
        self,
        shelf: Shelf,
        *,
        marks: Mapping[str, str] | None = None,
        created_from: int | None = None,
        created_to: int | None = None,
        before: int | None = None,
        after: int | None = None,
        limit: int = 100,
        newest_first: bool = True,
    ) -> list[Found]:
        """Objects in the order of creation that carry all ``marks`` and lie within the bounds.

        ``created_from`` and ``created_to`` are inclusive microseconds; ``before`` and
        ``after`` are exclusive places (``Found.seq``) for cursors.
        """
        wanted = dict(marks or {})
        values: dict[str, object] = {
            "psp": shelf.psp,
            "account": shelf.account,
            "kind": shelf.kind,
            "from": created_from,
            "to": created_to,
            "before": before,
            "after": after,
            "limit": limit,
            "marks": msgspec.json.encode(wanted).decode(),
        }
        source = _ALL
        if wanted:
            values["name"], values["value"] = next(iter(wanted.items()))
            source = _MARKED
        direction = "DESC" if newest_first else "ASC"
        rows = self._truth.execute(
            f"{source} {_BOUNDS} ORDER BY o.seq {direction} LIMIT :limit", values
        )
        return [Found(seq, msgspec.json.decode(body)) for seq, body in rows]


_ALL = (
    "SELECT o.seq, o.body FROM objects o"
    " WHERE o.psp = :psp AND o.account = :account AND o.kind = :kind"
)
_MARKED = (
    "SELECT o.seq, o.body FROM marks m JOIN objects o ON o.seq = m.seq"
    " WHERE m.psp = :psp AND m.account = :account AND m.kind = :kind"
    " AND m.name = :name AND m.value = :value"
    " AND NOT EXISTS (SELECT 1 FROM json_each(:marks) j WHERE NOT EXISTS ("
    "   SELECT 1 FROM marks k WHERE k.seq = o.seq AND k.name = j.key AND k.value = j.value))"
)
_BOUNDS = (
    " AND (:from IS NULL OR o.created_at >= :from) AND (:to IS NULL OR o.created_at <= :to)"
    " AND (:before IS NULL OR o.seq < :before) AND (:after IS NULL OR o.seq > :after)"
)
