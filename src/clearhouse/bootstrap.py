"""The only place where objects are wired together."""

from typing import Final

from clearhouse.postgres.migrations import Migration, find_migrations, migrate

SERVICES: Final = (
    ("messaging", "clearhouse.messaging"),
    ("access", "clearhouse.access"),
    ("payments", "clearhouse.payments"),
    ("ledger", "clearhouse.ledger"),
    ("wallets", "clearhouse.wallets"),
)
"""Every service with the package that holds its migrations, in the order they must run."""


async def migrate_all(dsn: str) -> list[Migration]:
    """Bring the schemas of all services up to date; returns what was applied."""
    missing: list[Migration] = []
    for service, package in SERVICES:
        missing += find_migrations(service, package)
    return await migrate(dsn, missing)
