"""The frozen values of write-offs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from clearhouse.kernel.money import Money

KIND: Final = "write_off"
"""The kind of the movement and of the journal entry, one each for a write-off."""


@dataclass(frozen=True, slots=True)
class WriteOff:
    """A debt that was let go. ``asked_by`` is None where one person could decide alone."""

    write_off_id: UUID
    seller_account: str
    amount: Money
    reason: str
    decided_by: str
    decided_at: datetime
    asked_by: str | None = None

    @property
    def public_id(self) -> str:
        """What people call it."""
        return f"wo_{self.write_off_id.hex}"


@dataclass(frozen=True, slots=True)
class AskedWriteOff:
    """What somebody asked for, and a second person has to decide."""

    seller_account: str
    amount: Money
    reason: str
    asked_by: str
    asked_at: datetime
