"""All that reconciliation reads and writes in its schema, and in the views that others give it."""

from typing import Final

from clearhouse.postgres.queries import load_queries

SCHEMA: Final = "reconciliation"
_FILES: Final = (
    *("queries.sql", "breaks.sql", "banking.sql", "diary.sql", "queue.sql", "report.sql"),
    "likeness.sql",
)
QUERIES: Final = {
    name: text
    for file in _FILES
    for name, text in load_queries("clearhouse.reconciliation", file).items()
}
"""The room's SQL by name."""
