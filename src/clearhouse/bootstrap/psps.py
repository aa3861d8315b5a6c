"""The adapters of the enabled PSPs."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

from clearhouse.psp import registry
from clearhouse.psp.contract import Psp
from clearhouse.settings import Settings
from clearhouse.workers.executor import ChargingPsp


class LazyAdapters:
    """Adapters that are made when they are first asked for: an SDK takes half a second to load."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[str, Psp] = {}
        self._making = asyncio.Lock()

    async def get(self, name: str) -> Psp | None:
        """The adapter of an enabled PSP, or None."""
        if name not in self._settings.psps:
            return None
        async with self._making:
            if name not in self._made:
                config = self._settings.psps[name]
                self._made[name] = await asyncio.to_thread(registry.create, name, config)
            return self._made[name]


@asynccontextmanager
async def open_psps(settings: Settings) -> AsyncGenerator[dict[str, ChargingPsp]]:
    """The adapters of all enabled PSPs, by name; closed at the end."""
    async with AsyncExitStack() as stack:
        opened: dict[str, ChargingPsp] = {}
        for name, config in settings.psps.items():
            adapter = registry.create(name, config)
            stack.push_async_callback(adapter.close)
            opened[name] = cast("ChargingPsp", adapter)
        yield opened
