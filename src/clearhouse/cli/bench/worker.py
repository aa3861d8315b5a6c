"""A working process for the bench: a PSP that answers within the process, or none at all.

What is measured is then the engine: intake, claims, settlements, journal and wallets.
"""

import asyncio

import uvloop

from clearhouse.bootstrap import Role, open_runtime, run_loops
from clearhouse.cli import logs
from clearhouse.cli.lifeline import Lifeline
from clearhouse.cli.memory import settle_in
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.cli.servers import on_stop
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp.contract import Capabilities, ChargeRequest, PspOutcome, Succeeded
from clearhouse.psp.registry import available
from clearhouse.settings import Settings, secrets_of
from clearhouse.workers.executor import ChargingPsp

PSP = "stripe"
_POOL = 12


class InstantPsp:
    """Charges everything at once, under the limits of a real PSP."""

    def __init__(self, capabilities: Capabilities) -> None:
        self.name = PSP
        self.capabilities = capabilities

    async def charge(self, request: ChargeRequest) -> PspOutcome:
        """The same charge for the same key."""
        return Succeeded(f"ch_{request.idempotency_key}", request.amount)

    async def look_up(self, request: ChargeRequest) -> PspOutcome:
        """What ``charge`` said."""
        return await self.charge(request)

    async def close(self) -> None:
        """Nothing to give back."""


def work(roles: str, /, *, common: Common = NO_OPTIONS) -> None:
    """Run some roles for the bench, until stopped."""
    loaded = common.load()
    logs.configure(loaded.settings.log, secrets_of(loaded))
    if loaded.settings.database.url is None:
        raise ConfigurationError("The bench's worker needs CLEARHOUSE_DATABASE_URL.")
    settle_in()
    uvloop.run(_work(loaded.settings, [Role(role) for role in roles.split(",")]))


async def _work(settings: Settings, roles: list[Role]) -> None:
    stopping = asyncio.Event()
    on_stop(stopping)
    lifeline = Lifeline.inherited()
    psps: dict[str, ChargingPsp] = {}
    if Role.EXECUTOR in roles:
        psps[PSP] = InstantPsp(available()[PSP].capabilities)
    async with open_runtime(settings.database.url or "", size=_POOL, name="bench") as runtime:
        asyncio.get_running_loop().call_soon(lifeline.ready)
        await run_loops(runtime, settings, roles, psps, stopping)
