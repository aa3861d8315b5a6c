"""What the PSPs do later by themselves: settle, decide, expire, each when its time has come.

Entries lie in the truth, so a killed sandbox goes on where it was. When the clock is moved over
several of them, each is run at its own time and in the order of time.
One that fails stays, out of the way of the others, until the sandbox is started again.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from clearhouse.sandbox.time import MovableClock
from clearhouse.sandbox.truth import Truth

_LOG = structlog.get_logger(__name__)
Payload = dict[str, Any]
Work = Callable[[Payload], None]
"""Runs within one ``truth.transaction()``; may note more for later and emit webhooks."""


class Agenda:
    """Notes what is to be done, and does what is due. Kinds begin with the PSP's name."""

    def __init__(self, truth: Truth, clock: MovableClock) -> None:
        self._truth = truth
        self._clock = clock
        self._works: dict[str, Work] = {}
        self._failed: list[int] = []

    def on(self, kind: str, work: Work) -> None:
        """Say what is done for a kind; called once, when routes are made."""
        self._works[kind] = work

    def later(self, kind: str, seconds: float, payload: Payload) -> None:
        """Note something to be done; within ``truth.transaction()``."""
        self.at(kind, _micros(self._clock) + int(seconds * 1_000_000), payload)

    def at(self, kind: str, due: int, payload: Payload) -> None:
        """Note something to be done at a moment (microseconds since 1970)."""
        self._truth.execute(
            "INSERT INTO agenda (due_at, kind, payload) VALUES (?, ?, ?)",
            (due, kind, msgspec.json.encode(payload)),
        )

    def drop(self, kind: str, name: str, value: str) -> list[Payload]:
        """Take what is noted of a kind with this value in its payload off again; returns it."""
        rows = self._truth.execute(
            "DELETE FROM agenda WHERE kind = ? AND json_extract(CAST(payload AS TEXT), ?) = ?"
            " RETURNING payload",
            (kind, f"$.{name}", value),
        )
        return [msgspec.json.decode(row[0]) for row in rows.fetchall()]

    def take_due(self, kind: str, until: int, like: Payload) -> list[Payload]:
        """Take off all that is due of a kind and agrees with these values; returns it."""
        rows = self._truth.execute(
            "DELETE FROM agenda WHERE kind = ? AND due_at <= ? AND NOT EXISTS (SELECT 1"
            " FROM json_each(?) l WHERE json_extract(CAST(payload AS TEXT), '$.' || l.key)"
            " IS NOT l.value) RETURNING payload",
            (kind, until, msgspec.json.encode(like).decode()),
        )
        return [msgspec.json.decode(row[0]) for row in rows.fetchall()]

    def run_due(self) -> int:
        """Do all that is due by now, also what becomes due on the way; returns how much it was."""
        until, count = _micros(self._clock), 0
        while (row := self._next(until)) is not None:
            number, due, kind, payload = row
            try:
                with self._clock.standing_at(due), self._truth.transaction():
                    self._truth.execute("DELETE FROM agenda WHERE id = ?", (number,))
                    self._works[kind](msgspec.json.decode(payload))
            except Exception:  # noqa: BLE001 - a bug in one room must not stop the others' time
                _LOG.exception("sandbox.agenda_failed", kind=kind)
                self._failed.append(number)
                continue
            count += 1
        return count

    def _next(self, until: int) -> tuple[int, int, str, bytes] | None:
        return self._truth.execute(
            "SELECT id, due_at, kind, payload FROM agenda WHERE due_at <= ?"
            " AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY due_at, id LIMIT 1",
            (until, msgspec.json.encode(self._failed).decode()),
        ).fetchone()

    def waiting(self) -> list[dict[str, Any]]:
        """What is noted, the soonest first, for people."""
        rows = self._truth.execute("SELECT due_at, kind, payload FROM agenda ORDER BY due_at, id")
        return [
            {"due_at": due, "kind": kind, "payload": msgspec.json.decode(payload)}
            for due, kind, payload in rows
        ]


def _micros(clock: MovableClock) -> int:
    return int(clock.now().timestamp() * 1_000_000)
