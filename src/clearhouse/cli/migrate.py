"""``clearhouse migrate``: bring the schemas of all services up to date."""

import asyncio

from clearhouse.bootstrap import migrate_all
from clearhouse.cli.console import out
from clearhouse.cli.embedded import reach_database
from clearhouse.cli.options import NO_OPTIONS, Common


def migrate(*, common: Common = NO_OPTIONS) -> None:
    """Bring the database up to date.

    Safe to run at any time and as often as wanted: what was applied is not applied again, and
    two that run at once wait for each other.

    **Examples**

    ```shell
    clearhouse migrate
    CLEARHOUSE_DATABASE_URL=postgresql://owner@db/payments clearhouse migrate
    ```
    """
    settings = common.load().settings
    with reach_database(settings, create=True) as url:
        applied = asyncio.run(migrate_all(url))
    for migration in applied:
        out.print(f"[good]applied[/good]  {migration.service} {migration.name}")
    out.print(f"{len(applied)} applied; the database is up to date.")
