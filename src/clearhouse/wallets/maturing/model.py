"""The frozen values of maturing: a seller's terms, and sales that are due."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID


class Matures(StrEnum):
    """What a sale waits for until its seller may have the money."""

    AFTER_DELAY = "after_delay"
    """A time after the sale, whatever the PSP does."""
    WHEN_SETTLED = "when_settled"
    """The PSP's report that counts it as the platform's."""


@dataclass(frozen=True, slots=True)
class Terms:
    """When a sale matures; ``delay`` counts from the sale, and belongs to AFTER_DELAY alone.

    Raises ValueError for a delay below zero.
    """

    matures: Matures = Matures.AFTER_DELAY
    delay: timedelta = timedelta(days=7)

    def __post_init__(self) -> None:
        if self.delay < timedelta(0):
            raise ValueError("a delay is not negative")


@dataclass(frozen=True, slots=True)
class OwnTerms:
    """A seller's own terms from a moment on; what is None is the platform's.

    ``currency`` None: in all currencies without terms of their own. Whoever set them, and why, is
    kept with them.
    """

    terms_id: UUID
    seller_account: str
    currency: str | None
    valid_from: datetime
    matures: Matures | None
    delay: timedelta | None
    set_at: datetime
    set_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class DueSale:
    """A sale whose money becomes available now: whose it is, and since when it was due."""

    sale_id: UUID
    reference: str
    seller_account: str
    currency: str
    due_at: datetime
