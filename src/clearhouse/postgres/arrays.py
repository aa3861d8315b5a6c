"""Columns of a batch as text that PostgreSQL reads as an array: ``$1::text::bigint[]``.

Why not lists: the driver looks at each element of a list several times before it writes it,
which costs more than everything else that Python does for a row. One string costs it nothing,
and PostgreSQL reads an array's text about as fast as its binary form.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID


def numbers(values: Iterable[int]) -> str:
    """Integers, for ``int[]``, ``bigint[]`` and the like."""
    return "{" + ",".join(map(str, values)) + "}"


def uuids(values: Iterable[UUID]) -> str:
    """UUIDs, for ``uuid[]``."""
    return "{" + ",".join([value.hex for value in values]) + "}"


def texts(values: Sequence[str]) -> str:
    """Texts, for ``text[]``; whatever they hold."""
    if not values:
        return "{}"
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        joined = '","'.join([value.replace("\\", "\\\\").replace('"', '\\"') for value in values])
    return '{"' + joined + '"}'
