"""What an idempotency key that was seen before means: replay, mismatch, or still in flight."""

from dataclasses import dataclass

import asyncpg

from clearhouse.kernel.errors import IdempotencyMismatch, KeyInUse


@dataclass(frozen=True, slots=True)
class IntakeAnswer:
    """The bytes to answer with, and whether they are a replay of an earlier answer."""

    body: bytes
    replayed: bool


def judge(body_hash: bytes, row: asyncpg.Record) -> IntakeAnswer | Exception | None:
    """The answer that a key's row decides already; None when the request is to be done.

    ``row`` has ``locked``, ``body_hash``, ``answer`` and ``expired``, as every look before an
    intake returns them. Invariants I4, I5 and I6.
    """
    if not row["locked"]:
        return KeyInUse("The first request with this idempotency key is still in flight.")
    if row["answer"] is not None and not row["expired"]:
        if row["body_hash"] == body_hash:
            return IntakeAnswer(row["answer"], replayed=True)
        return IdempotencyMismatch(
            "This idempotency key was used with another body.",
            hint="Repeat the first body exactly, or use a new key for a new request.",
        )
    return None


def known_answer(body_hash: bytes, row: asyncpg.Record) -> IntakeAnswer | None:
    """As ``judge``, for one request at a time: raises what ``judge`` returns to be raised."""
    decided = judge(body_hash, row)
    if isinstance(decided, Exception):
        raise decided
    return decided
