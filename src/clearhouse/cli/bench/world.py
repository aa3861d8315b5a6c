"""What the bench runs on: one embedded PostgreSQL with fsync on, and the processes measured."""

import asyncio
import os
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import asyncpg

from clearhouse.access.model import Scope
from clearhouse.access.service import ApiKeys
from clearhouse.bootstrap import migrate_all, open_runtime
from clearhouse.cli.bench import yardsticks
from clearhouse.cli.bench.load import Target
from clearhouse.cli.development import Development
from clearhouse.cli.pepper import pepper_of
from clearhouse.cli.servers import free_port
from clearhouse.cli.supervisor import Program
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.postgres.connection import Pool, open_pool
from clearhouse.postgres.embedded import EmbeddedPostgres
from clearhouse.settings import load

_HOST: Final = "127.0.0.1"
_SELLERS: Final = 1000
CARDS: Final = (
    ("stripe", "pm_card_visa"),
    ("braintree", "fake-valid-visa-nonce"),
    ("square", "cnon:card-nonce-ok"),
)
"""A card that each PSP's sandbox charges."""
_CONCURRENCY: Final = "512"
_APIS: Final = tuple(Program(f"api {number}", ("serve", "--share-port")) for number in range(1, 3))
"""As many as the machine of the yardstick has cores."""
WIRE: Final = (
    Program("sandbox", ("sandbox",)),
    Program("executor", ("work", "--only", "executor")),
    Program("books", ("work", "--only", "ledger,wallets,payments")),
)
"""The working processes with the official SDKs, and the sandbox that answers them."""
ENGINE: Final = (
    Program("bench executor", ("bench-worker", "executor")),
    Program("bench books", ("bench-worker", "ledger,wallets,payments")),
)
"""The working processes with a PSP that answers within the process."""
_TEMPLATE: Final = "bench_template"
"""What fresh databases are copied from."""


@dataclass(frozen=True, slots=True)
class House:
    """One database with an API before it, and perhaps workers behind it."""

    target: Target
    pool: Pool
    bodies: Callable[[], bytes]


class World:
    """The server and everything that runs on it; use as ``async with open_world(...)``."""

    def __init__(self, server: EmbeddedPostgres, directory: Path, clock: Clock) -> None:
        self.server = server
        self.clock = clock
        self._directory = directory
        self._has_template = False

    async def create_database(self, name: str) -> str:
        """A fresh, migrated database; returns its URL."""
        admin = await asyncpg.connect(self.server.dsn())
        try:
            if not self._has_template:
                await admin.execute(f"create database {_TEMPLATE}")
                await migrate_all(self.server.dsn(_TEMPLATE))
                self._has_template = True
            await admin.execute(f'create database "{name}" template {_TEMPLATE} strategy file_copy')
        finally:
            await admin.close()
        return self.server.dsn(name)

    @asynccontextmanager
    async def open_house(
        self,
        name: str,
        *programs: Program,
        say: Callable[[str], None],
        url: str | None = None,
        cards: Sequence[tuple[str, str]] = (CARDS[0],),
    ) -> AsyncGenerator[House]:
        """A database of its own, with an API and some programs; stopped at the end.

        ``url`` is a database that is there already; ``cards`` are paid with in turn.
        """
        url = url or await self.create_database(name)
        development = self._development(url, name)
        group = development.group(self.clock, say)
        try:
            await group.start(*programs, *_APIS)
            token = await self._key(development, url)
            pool = await open_pool(url, size=2, name="bench watch", scans=True)
            port = development.settings.api.port
            try:
                target = Target(_HOST, port, "/v1/payments", token)
                yield House(target, pool, baskets(name, cards))
            finally:
                pool.terminate()
        finally:
            await group.stop()

    def _development(self, url: str, name: str) -> Development:
        pepper = SystemRandomness().token(32).hex()
        sealing = f"bench={b64encode(SystemRandomness().token(32)).decode()}"
        chosen = {
            "api.key_pepper": pepper,
            "encryption.keys": sealing,
            "data_directory": str(self._directory / name),
            "database.url": url,
            "api.port": str(free_port(_HOST)),
            "sandbox.port": str(free_port(_HOST)),
        }
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CLEARHOUSE_")}
        inherited |= {
            "CLEARHOUSE_API_KEY_PEPPER": pepper,
            "CLEARHOUSE_ENCRYPTION_KEYS": sealing,
            "CLEARHOUSE_DATABASE_URL": url,
            "CLEARHOUSE_PSP_STRIPE_CONCURRENCY": _CONCURRENCY,
        }
        (self._directory / name).mkdir(parents=True, exist_ok=True)
        return Development(load({}, overrides=chosen), inherited)

    async def _key(self, development: Development, url: str) -> str:
        async with open_runtime(url, size=1, name="bench key") as runtime:
            pepper = pepper_of(development.settings, runtime.randomness)
            access = ApiKeys(runtime.pool, runtime.clock, runtime.ids, runtime.randomness, pepper)
            _, token = await access.create("bench", tuple(Scope))
        return token


@asynccontextmanager
async def open_world(directory: Path, clock: Clock, *, scale: int | None) -> AsyncGenerator[World]:
    """Start the server in a directory and make pgbench's database, if it has a scale; stopped at
    the end.
    """
    server = EmbeddedPostgres(directory / "server")
    await asyncio.to_thread(server.start)
    try:
        if scale is not None:
            await yardsticks.prepare(server, scale)
        yield World(server, directory, clock)
    finally:
        await asyncio.to_thread(server.stop)


def baskets(name: str, cards: Sequence[tuple[str, str]]) -> Callable[[], bytes]:
    """Requests with two orders each, for a thousand sellers, no id used twice."""
    numbers = count(1)

    def body() -> bytes:
        n = next(numbers)
        psp, token = cards[n % len(cards)]
        return (
            f'{{"checkout_id":"{name}-{n}","buyer_info":{{"email":"buyer{n}@example.com"}},'
            f'"credit_card_info":{{"psp":"{psp}","token":"{token}"}},'
            f'"payment_orders":[{{"payment_order_id":"{name}-{n}-a",'
            f'"seller_account":"seller-{n % _SELLERS}","amount":"12.34","currency":"USD"}},'
            f'{{"payment_order_id":"{name}-{n}-b","seller_account":'
            f'"seller-{(n * 7) % _SELLERS}","amount":"56.78","currency":"USD"}}]}}'
        ).encode()

    return body
