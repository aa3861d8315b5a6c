"""Commands that work on the database for a moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from clearhouse.bootstrap import Runtime, open_runtime
from clearhouse.cli.embedded import reach_database
from clearhouse.settings import Settings

Result = TypeVar("Result")


def with_runtime(
    settings: Settings, name: str, work: Callable[[Runtime], Awaitable[Result]], *, size: int = 2
) -> Result:
    """Do some work on ``size`` connections to the database, which is started where it has to be.

    ``name`` is what PostgreSQL calls the connections. Raises what ``reach_database`` and the work
    raise.
    """

    async def run(url: str) -> Result:
        async with open_runtime(url, size=size, name=name) as runtime:
            return await work(runtime)

    with reach_database(settings) as url:
        return asyncio.run(run(url))
