"""How many dead letters wait for a person, in each service."""

from collections.abc import Mapping

from clearhouse.messaging.outbox import queries_of
from clearhouse.postgres.connection import Pool


async def waiting_letters(pool: Pool) -> Mapping[str, int]:
    """The dead letters that nobody has resolved, by service; each service is named."""
    rows = await pool.fetch(queries_of("")["services_with_letters"])
    return {row["schema"]: await pool.fetchval(queries_of(row["schema"])["buried"]) for row in rows}
