"""The wallets' frozen values: what a seller is owed, and what changes it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from clearhouse.kernel.money import Money


@dataclass(frozen=True, slots=True)
class WalletBalance:
    """What one seller is owed in one currency, in three parts.

    ``available_minor`` may be below zero: that is what the seller owes, after refunds of what was
    paid out already. Minor units of ``currency``; the properties without ``_minor`` are the same
    as Money.
    """

    seller_account: str
    currency: str
    pending_minor: int
    available_minor: int
    reserved_minor: int

    @property
    def pending(self) -> Money:
        """Earned, not settled by the PSP yet."""
        return Money(self.pending_minor, self.currency)

    @property
    def available(self) -> Money:
        """May be paid out."""
        return Money(self.available_minor, self.currency)

    @property
    def reserved(self) -> Money:
        """Kept back for a time."""
        return Money(self.reserved_minor, self.currency)

    @property
    def total(self) -> Money:
        """All that the seller is owed; equals the ledger's accounts of that seller."""
        return self.pending + self.available + self.reserved


@dataclass(frozen=True, slots=True)
class WalletStanding:
    """A wallet as people ask for it: no part below zero, and what is owed apart.

    ``in_transit_minor`` has left the wallet by payouts that are not paid yet. ``debt_minor`` is
    what the seller owes; then nothing is available. ``is_held``: no payout is made now.
    ``next_matures_at`` None while sales wait (``is_waiting``): with a settlement.
    """

    seller_account: str
    currency: str
    pending_minor: int
    available_minor: int
    reserved_minor: int
    in_transit_minor: int
    debt_minor: int
    is_held: bool
    is_waiting: bool
    next_matures_at: datetime | None


@dataclass(frozen=True, slots=True)
class Movement:
    """A change of one wallet, made at most once per (``source_id``, ``kind``).

    Changes are in minor units of ``currency`` and may be zero or negative. ``event_at`` is when
    it happened, ``reference`` the public name of the source.

    A movement with a ``sale_id`` gets its pending and available changes under the wallet's lock:
    it takes ``take_minor`` out of what that sale still has pending, then out of available; or it
    ``undoes`` the movement of that kind and of the same source, to the cent.
    """

    kind: str
    source_id: UUID
    reference: str
    seller_account: str
    currency: str
    event_at: datetime
    pending_minor: int = 0
    available_minor: int = 0
    reserved_minor: int = 0
    sale_id: UUID | None = None
    take_minor: int | None = None
    undoes: str | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """The answer for one movement: its stored id, and whether it was made now or before.

    ``movement`` has the changes that were made.
    """

    movement: Movement
    movement_id: UUID
    is_new: bool


@dataclass(frozen=True, slots=True)
class StoredMovement:
    """A movement as stored, with the wallet's balances after it."""

    movement_id: UUID
    movement: Movement
    after: WalletBalance
    recorded_at: datetime
