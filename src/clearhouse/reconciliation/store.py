"""All that reconciliation reads and writes in its schema, and in the views that payments gives."""

from typing import Final

from clearhouse.postgres.queries import load_queries

QUERIES: Final = load_queries("clearhouse.reconciliation")
"""The room's SQL by name."""
