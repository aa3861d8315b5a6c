"""What must always hold in payments; ``clearhouse verify`` runs these."""

from typing import Final

from clearhouse.postgres.audit import Check, check_of
from clearhouse.postgres.queries import load_queries

_SQL: Final = load_queries("clearhouse.payments", "audit.sql")
_TITLES: Final = {
    "charges": "Every PSP key belongs to one attempt, every charge to one order or page (I1)",
    "orders": "Every order has its key, its attempts, and work exactly until it is final",
    "pages": "Every page decides all orders of its checkout together, over their very sum",
    "events": "One event for every transition, none missing, in order (I9)",
    "outcomes": "Every final order has told its outcome, once",
    "refunds": "Every order's refunded amount is that of its refunds, each made and told once",
    "disputes": "Every order's disputed amount is that of its disputes, each kept and told once",
    "fees": "Every fee by a plan is what the version says that counted when it was accepted",
    "checkouts": "Every checkout is done exactly when all its orders are",
}

CHECKS: Final[tuple[Check, ...]] = tuple(
    check_of(
        f"payments.{name}",
        title,
        examined=_SQL[f"{name}_examined"],
        offenders=_SQL[f"{name}_offenders"],
    )
    for name, title in _TITLES.items()
)
"""The invariants of payments alone; comparing them with other services is done above."""
