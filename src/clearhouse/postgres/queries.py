"""Named queries: the SQL of a room lives in its ``queries.sql``, not in Python strings.

Why files: SQL reads, formats and reviews as SQL, and each query has a name under which
pg_stat_statements and people find it.
"""

import re
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def load_queries(package: str, file: str = "queries.sql") -> Mapping[str, str]:
    """The queries of a package's SQL file by name; each starts with ``-- name: word``.

    Text above the first name is a comment for readers. Raises ValueError for a name given twice.
    """
    text = resources.files(package).joinpath(file).read_text(encoding="utf-8")
    return MappingProxyType(parse_queries(text))


def parse_queries(text: str) -> dict[str, str]:
    """Split SQL text at its ``-- name:`` lines. Raises ValueError for a name given twice."""
    parts = _NAME.split(text)
    queries: dict[str, str] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        if name in queries:
            raise ValueError(f"query {name} is defined twice")
        queries[name] = f"/* {name} */ {body.strip().rstrip(';')}"
    return queries
