"""The frozen values of maturing: a seller's terms, sales that are due, and what is kept of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

WHOLE: Final = 10_000
"""All of an amount, in basis points."""


class Matures(StrEnum):
    """What a sale waits for until its seller may have the money."""

    AFTER_DELAY = "after_delay"
    """A time after the sale, whatever the PSP does."""
    WHEN_SETTLED = "when_settled"
    """The PSP's report that counts it as the platform's."""


@dataclass(frozen=True, slots=True)
class Terms:
    """When a sale matures, what is kept back of it then, and what always stays in the wallet.

    ``delay`` counts from the sale, and belongs to AFTER_DELAY alone. ``reserve_basis_points`` of
    what matures are kept back for ``reserve_days``. ``keep`` is by currency, in minor units; a
    currency that is not named keeps nothing. Raises ValueError for terms that cannot be.
    """

    matures: Matures = Matures.AFTER_DELAY
    delay: timedelta = timedelta(days=7)
    reserve_basis_points: int = 0
    reserve_days: int = 0
    keep: Mapping[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        if self.delay < timedelta(0) or self.reserve_days < 0:
            raise ValueError("a delay and the days of a reserve are not negative")
        if not 0 <= self.reserve_basis_points <= WHOLE:
            raise ValueError(f"a reserve is 0 to {WHOLE} basis points")
        if any(minor < 0 for minor in self.keep.values()):
            raise ValueError("what always stays is not negative")


@dataclass(frozen=True, slots=True)
class OwnTerms:
    """A seller's own terms from a moment on; what is None is the platform's.

    ``currency`` None: in all currencies without terms of their own; ``keep_minor`` needs one.
    Whoever set them, and why, is kept with them.
    """

    terms_id: UUID
    seller_account: str
    currency: str | None
    valid_from: datetime
    set_at: datetime
    set_by: str
    reason: str
    matures: Matures | None = None
    delay: timedelta | None = None
    reserve_basis_points: int | None = None
    reserve_days: int | None = None
    keep_minor: int | None = None


@dataclass(frozen=True, slots=True)
class DueSale:
    """A sale whose money becomes available now: whose it is, and since when it was due.

    The reserve is that of the terms it was made under.
    """

    sale_id: UUID
    reference: str
    seller_account: str
    currency: str
    due_at: datetime
    reserve_basis_points: int = 0
    reserve_days: int = 0


@dataclass(frozen=True, slots=True)
class LockedSale:
    """A sale and where it is: ``due_at`` None while it waits for its settlement."""

    reference: str
    seller_account: str
    currency: str
    sold_at: datetime
    due_at: datetime | None
    matured_at: datetime | None
    reserve_basis_points: int
    reserve_days: int


@dataclass(frozen=True, slots=True)
class Reserve:
    """What is kept back of a sale until ``release_at``."""

    sale_id: UUID
    reference: str
    seller_account: str
    currency: str
    amount_minor: int
    kept_at: datetime
    release_at: datetime
