"""What must always hold in the ledger; ``clearhouse verify`` runs these."""

from typing import Final

from clearhouse.postgres.audit import Check, check_of
from clearhouse.postgres.queries import load_queries

_SQL: Final = load_queries("clearhouse.ledger", "audit.sql")
_TITLES: Final = {
    "entries": "Postings sum to zero per journal entry and currency",
    "lines": "Every journal entry has all its lines, and every line its entry and accounts",
    "balances": "Every balance is the sum of its account's postings",
    "running": "Every posting's balance follows from the one before, without a gap",
    "archived": "What was archived sums to zero in every currency",
    "trial": "Debits equal credits in every currency",
}

CHECKS: Final[tuple[Check, ...]] = tuple(
    check_of(
        f"ledger.{name}",
        title,
        examined=_SQL[f"{name}_examined"],
        offenders=_SQL[f"{name}_offenders"],
    )
    for name, title in _TITLES.items()
)
"""The ledger's own invariants (I2); comparing it with other services is done above it."""
