"""Answers stored under idempotency keys, and the keys that are in flight right now.

Why in flight lives in memory and the answers in the truth: an answer commits in the same
transaction as its effect, so after a crash a key has either both or neither, and nothing
is left "in flight" by a process that no longer exists.
"""

from dataclasses import dataclass, field

import msgspec

from clearhouse.sandbox.truth import Truth


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose key it is: keys of one PSP account do not meet those of another."""

    psp: str
    account: str
    key: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored answer and the fingerprint of the request it was given to.

    ``created_at`` is in microseconds, for PSPs that forget keys.
    """

    fingerprint: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    created_at: int


@dataclass(slots=True)
class Answers:
    """The store; ``keep`` within ``truth.transaction()``, together with the effect.

    ``in_flight`` maps a key that is being worked on to the fingerprint of its request.
    """

    truth: Truth
    in_flight: dict[Scope, str] = field(default_factory=dict[Scope, str])

    def recall(self, scope: Scope) -> Answer | None:
        """The stored answer of a key, or None."""
        row = self.truth.execute(
            "SELECT fingerprint, status, headers, body, created_at FROM answers"
            " WHERE psp = ? AND account = ? AND key = ?",
            (scope.psp, scope.account, scope.key),
        ).fetchone()
        if row is None:
            return None
        headers = msgspec.json.decode(row[2], type=list[tuple[str, str]])
        return Answer(row[0], row[1], headers, row[3], row[4])

    def keep(self, scope: Scope, answer: Answer) -> None:
        """Store an answer; an earlier one of a forgotten key is overwritten."""
        self.truth.execute(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                scope.psp,
                scope.account,
                scope.key,
                answer.fingerprint,
                answer.status,
                msgspec.json.encode(answer.headers).decode(),
                answer.body,
                answer.created_at,
            ),
        )
