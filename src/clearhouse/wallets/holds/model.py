"""The frozen values of holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class HoldKind(StrEnum):
    """Who or what stops a seller's payouts."""

    PERSON = "person"
    """Somebody, with a reason."""
    DISPUTE = "dispute"
    """A dispute that is not decided."""
    BANK_DETAILS = "bank_details"
    """A new bank account, for a time."""


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold on a seller's payouts; ``currency`` None: in all currencies.

    ``subject`` names what it is about, such as a dispute's id, and is empty where a person placed
    it. ``until`` None: it ends only when it is released, which needs a name and a reason.
    """

    hold_id: UUID
    seller_account: str
    currency: str | None
    kind: HoldKind
    subject: str
    reason: str
    placed_by: str
    since: datetime
    until: datetime | None = None
    released_at: datetime | None = None
    released_by: str | None = None
    release_reason: str | None = None

    def stops_at(self, moment: datetime) -> bool:
        """Whether it stops payouts at that moment."""
        ended = self.released_at if self.released_at is not None else self.until
        return self.since <= moment and (ended is None or moment < ended)


@dataclass(frozen=True, slots=True)
class NewHold:
    """A hold that somebody asks for over the API; ``render`` makes the answer that is kept."""

    api_key_id: UUID
    idempotency_key: str
    body_hash: bytes
    seller_account: str
    currency: str | None
    reason: str
    until: datetime | None
    placed_by: str
    render: Callable[[Hold], bytes]


@dataclass(frozen=True, slots=True)
class HoldPage:
    """Holds, newest first; ``next_before`` None on the last page."""

    holds: Sequence[Hold]
    next_before: UUID | None


@dataclass(frozen=True, slots=True)
class Release:
    """Who ends a hold, when and why."""

    by: str
    at: datetime
    reason: str
