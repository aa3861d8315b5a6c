"""``clearhouse keys``: create, list and revoke the API keys that callers of the API need."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, TypeVar
from uuid import UUID

from cyclopts import Parameter
from rich.table import Table

from clearhouse.access.model import ApiKey, Scope
from clearhouse.access.service import ApiKeys
from clearhouse.cli.console import err, out, print_data
from clearhouse.cli.embedded import reach_database
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.cli.pepper import pepper_of
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.postgres.connection import open_pool
from clearhouse.settings import Settings

Result = TypeVar("Result")


def create_key(
    name: str,
    *,
    scope: Annotated[
        tuple[str, ...] | None,
        Parameter(help=f"What it may do: {', '.join(Scope)}; repeat it. All, when not given."),
    ] = None,
    expires_in_days: Annotated[
        int | None, Parameter(help="When it stops to work; never, when not given.")
    ] = None,
    json: Annotated[bool, Parameter(help="One JSON object, for scripts.")] = False,
    common: Common = NO_OPTIONS,
) -> None:
    """Make an API key and show it, this once: only a hash of it is stored.

    The key alone goes to stdout, so that a script can keep it.

    **Examples**

    ```shell
    clearhouse keys create shop
    KEY=$(clearhouse keys create reports --scope payments:read --expires-in-days 90)
    ```

    Parameters
    ----------
    name
        What people call it, such as the system that will use it.
    """

    scopes = _scopes_from(scope or tuple(Scope))

    async def work(access: ApiKeys) -> tuple[ApiKey, str]:
        expires = None
        if expires_in_days is not None:
            expires = SystemClock().now() + timedelta(days=expires_in_days)
        return await access.create(name, scopes, expires)

    key, token = _with_keys(common.load().settings, work)
    if json:
        print_data({**_row(key), "key": token})
        return
    err.print(f"[good]Created[/good] the key [name]{name}[/name] for {_listed(key)}.")
    err.print("Keep it now: it is shown once and cannot be found out again.", style="quiet")
    out.print(token, soft_wrap=True, markup=False)


def list_keys(
    *,
    json: Annotated[bool, Parameter(help="One JSON list, for scripts.")] = False,
    common: Common = NO_OPTIONS,
) -> None:
    """List all API keys, the oldest first, without the keys themselves."""

    async def work(access: ApiKeys) -> list[ApiKey]:
        return await access.list()

    found = _with_keys(common.load().settings, work)
    if json:
        print_data([_row(key) for key in found])
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="quiet")
    for column in ("id", "name", "ends in", "may", "created", "state"):
        table.add_column(column, no_wrap=column != "may")
    for key in found:
        created = f"{key.created_at:%Y-%m-%d %H:%M}"
        table.add_row(str(key.key_id), key.name, key.hint, _listed(key), created, _state(key))
    if found:
        out.print(table)
    else:
        err.print("There is no API key yet; `clearhouse keys create NAME` makes one.")


def revoke_key(key_id: UUID, *, common: Common = NO_OPTIONS) -> None:
    """Close an API key for good; running servers refuse it within seconds.

    Repeating it changes nothing.

    Parameters
    ----------
    key_id
        The key's id, as `clearhouse keys list` shows it.
    """

    async def work(access: ApiKeys) -> ApiKey:
        return await access.revoke(key_id)

    key = _with_keys(common.load().settings, work)
    err.print(f"[good]Revoked[/good] the key [name]{key.name}[/name].")


def _with_keys(settings: Settings, work: Callable[[ApiKeys], Awaitable[Result]]) -> Result:
    async def run(url: str) -> Result:
        clock, randomness = SystemClock(), SystemRandomness()
        pepper = pepper_of(settings, randomness)
        pool = await open_pool(url, size=1, name="keys")
        try:
            return await work(ApiKeys(pool, clock, Ids(clock, randomness), randomness, pepper))
        finally:
            await pool.close()

    with reach_database(settings) as url:
        return asyncio.run(run(url))


def _scopes_from(words: tuple[str, ...]) -> tuple[Scope, ...]:
    strange = [word for word in words if word not in tuple(Scope)]
    if strange:
        raise ConfigurationError(
            f"There is no scope {strange[0]}.", hint=f"There are {', '.join(Scope)}."
        )
    return tuple(Scope(word) for word in words)


def _listed(key: ApiKey) -> str:
    return ", ".join(sorted(key.scopes))


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "[bad]revoked[/bad]"
    if not key.usable_at(SystemClock().now()):
        return "[warn]expired[/warn]"
    return "[good]valid[/good]"


def _row(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.key_id,
        "name": key.name,
        "hint": key.hint,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }
