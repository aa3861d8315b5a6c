"""The only SQL of access: rows in, frozen values out."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from clearhouse.access.model import ApiKey, Scope
from clearhouse.kernel.errors import UnavailableError
from clearhouse.postgres.connection import LOST, Pool
from clearhouse.postgres.queries import load_queries

_QUERIES: Final = load_queries("clearhouse.access")
_KNOWN: Final = {scope.value: scope for scope in Scope}


async def add_key(pool: Pool, key: ApiKey, digest: bytes) -> None:
    """Store a new key under the digest of its token."""
    await pool.execute(
        _QUERIES["add_key"],
        key.key_id,
        digest,
        key.name,
        key.hint,
        sorted(key.scopes),
        key.created_at,
        key.expires_at,
    )


async def revoke_key(pool: Pool, key_id: UUID, moment: datetime) -> tuple[ApiKey, bytes] | None:
    """Revoke a key; returns it with its digest, or None when there is none of that id."""
    row = await pool.fetchrow(_QUERIES["revoke_key"], key_id, moment)
    return (_key(row), row["digest"]) if row else None


async def list_keys(pool: Pool) -> list[ApiKey]:
    """All keys, the oldest first, revoked and expired ones too."""
    return [_key(row) for row in await pool.fetch(_QUERIES["list_keys"])]


async def find_key(pool: Pool, digest: bytes) -> tuple[ApiKey, bytes] | None:
    """The key stored under a digest, with the stored digest.

    Raises UnavailableError when the database does not answer: whoever cannot look a key up
    must not call it invalid.
    """
    try:
        row = await pool.fetchrow(_QUERIES["find_key"], digest)
    except LOST as error:
        raise UnavailableError(
            f"The API key could not be looked up ({type(error).__name__}).", hint="Try again."
        ) from error
    return (_key(row), row["digest"]) if row else None


def _key(row: asyncpg.Record) -> ApiKey:
    # A scope that a newer release wrote opens nothing here, and does no harm.
    scopes = frozenset(_KNOWN[name] for name in row["scopes"] if name in _KNOWN)
    return ApiKey(
        row["key_id"],
        row["name"],
        row["hint"],
        scopes,
        row["created_at"],
        row["expires_at"],
        row["revoked_at"],
    )
