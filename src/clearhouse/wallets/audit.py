"""What must always hold in the wallets; ``clearhouse verify`` runs these."""

from typing import Final

from clearhouse.postgres.audit import Check, check_of
from clearhouse.postgres.queries import load_queries

_SQL: Final = load_queries("clearhouse.wallets", "audit.sql")
_TITLES: Final = {
    "balances": "Every wallet is the sum of its movements",
    "running": "Every movement's balances follow from the one before, without a gap",
    "noted": "Every sale that was credited waits to mature, with its seller and amount",
    "reserves": "What is kept back of each sale moved once, and once back",
    "matured": "What matured is not pending any more, and nothing was added or lost by it",
    "write_offs": "Every debt that was written off was credited once, to the cent",
    "payouts": "Every payout took its amount once, and gave it back if it came back",
    "batches": "Every batch of payouts has the members it was made of, to the cent",
    "sending": "Every payout that is not final is on its way to somebody who moves it on",
}

CHECKS: Final[tuple[Check, ...]] = tuple(
    check_of(
        f"wallets.{name}",
        title,
        examined=_SQL[f"{name}_examined"],
        offenders=_SQL[f"{name}_offenders"],
    )
    for name, title in _TITLES.items()
)
"""The wallets' own invariants; comparing them with the ledger is done above them."""
