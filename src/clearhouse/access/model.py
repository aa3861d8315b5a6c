"""The frozen values of access: API keys and what they may do."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Scope(StrEnum):
    """What a key may do. Each operation asks for exactly one; a scope never implies another."""

    PAYMENTS_WRITE = "payments:write"
    """Accept payments: ``POST /v1/payments``; capture and void what is authorized."""
    PAYMENTS_READ = "payments:read"
    """Read payment orders and checkouts, singly and in lists."""
    REFUNDS_WRITE = "refunds:write"
    """Give money back: ``POST /v1/payments/{payment_order_id}/refunds``."""
    DISPUTES_READ = "disputes:read"
    """Read what buyers' banks ask back."""
    DISPUTES_WRITE = "disputes:write"
    """Answer disputes: send evidence, or give in."""
    PAYOUTS_WRITE = "payouts:write"
    """Pay sellers: ``POST /v1/payouts``; cancel what is not sent yet."""
    PAYOUTS_APPROVE = "payouts:approve"
    """Let payouts go that somebody else created."""
    PAYOUTS_READ = "payouts:read"
    """Read payouts, and where and when sellers are paid."""
    SELLERS_WRITE = "sellers:write"
    """Say where and when sellers are paid."""
    BREAKS_READ = "breaks:read"
    """Read what reconciliation found to differ."""
    BREAKS_WRITE = "breaks:write"
    """Decide, assign, comment and reopen what differs."""
    FILES_WRITE = "files:write"
    """Hand in settlement reports and bank statements."""
    WALLETS_READ = "wallets:read"
    """Read what sellers are owed."""
    WALLETS_WRITE = "wallets:write"
    """Stop sellers' payouts by holds, and release these."""
    FEES_READ = "fees:read"
    """Read what the platform earns of sales, and what PSPs take of them."""
    WEBHOOKS_READ = "webhooks:read"
    """Read webhook endpoints and what was delivered to them."""
    WEBHOOKS_WRITE = "webhooks:write"
    """Add, change, switch and delete webhook endpoints, rotate their secrets, send again."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as it is stored: never the token itself.

    ``hint`` is the token's last four characters, so that a person can tell keys apart. Times
    are UTC; ``expires_at`` None means never, ``revoked_at`` None means still valid.
    """

    key_id: UUID
    name: str
    hint: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def usable_at(self, moment: datetime) -> bool:
        """Whether the key opens anything at that moment."""
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)
