"""A whole house of processes that can be killed: who lives in it, and whether its books hold."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import psutil
from tests.chaos.agreement import BookedCharge, BookedDispute, BookedRefund, differences, disputed
from tests.chaos.customers import Customers
from tests.chaos.hands import Hands
from tests.chaos.shop import Shop

from clearhouse.bootstrap import open_psps
from clearhouse.cli.demo.books import Books
from clearhouse.cli.demo.run import make_key
from clearhouse.cli.development import Development
from clearhouse.cli.embedded import database_url
from clearhouse.cli.servers import free_port
from clearhouse.cli.supervisor import Group
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.errors import UnavailableError
from clearhouse.postgres.connection import open_pool
from clearhouse.proof.verify import Verdict, verify
from clearhouse.psp import registry
from clearhouse.settings import load

POSTMASTER = "postmaster"
"""PostgreSQL itself, beneath the child ``database`` that keeps it."""
_LONGEST_WAIT = 240.0
_AWAY = (UnavailableError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
_OPEN_ORDERS = """
    select format('%s at %s: %s (%s), attempt %s, %s calls: %s %s, due at %s',
        o.payment_order_id, o.psp, o.status, o.status_reason, o.attempt, a.calls, a.outcome,
        a.detail, w.next_at) as told
    from payments.payment_events e
    join payments.payment_orders o on o.event_id = e.event_id
    left join payments.attempts a on a.order_id = o.order_id and a.attempt = o.attempt
    left join payments.work w on w.order_id = o.order_id
    where not e.is_payment_done
        and not (o.status = 'FAILED' or o.ledger_updated and o.wallet_updated)
        and not ($1 and coalesce(o.status_reason, '') = 'authorized')
    limit 20"""
_OPEN_REFUNDS = """
    select format('%s of %s at %s: %s (%s), attempt %s, %s calls: %s, due at %s',
        r.kind, r.public_id, r.psp, r.status, r.reason, r.attempt, r.calls, r.detail, w.next_at)
        as told
    from payments.operations r left join payments.operation_work w using (operation_id)
    where r.status in ('CREATED', 'SUBMITTED')
        and not ($1 and coalesce(r.reason, '') in ('processing', 'psp_unavailable'))
    limit 20"""
_TAKEN_NOTE_OF = """
    update payments.dead_letters set resolved_at = now(), resolution = 'the refund was shown'
    where resolved_at is null and consumer = 'disputes' and type = 'refunded_already'"""
_NO_LONGER_UNDER_WAY = """
    update payments.operations set called_at = called_at - interval '11 minutes'
    where status = 'SUBMITTED' and reason = 'unknown_outcome'
        and called_at between now() - interval '10 minutes' and now() - interval '20 seconds'"""
_CHARGES = """
    select psp, payment_order_id, captured_minor, currency from payments.payment_orders"""
_DISPUTES = """
    select psp, psp_reference, amount_minor, currency,
        case when stage = 'won' and money = 'none' then 'returned' else money end
    from payments.disputes"""
_UNREAD_LISTS = """
    select psp || '''s list of disputes' as told from payments.dispute_sweeps where swept_to < $1"""
_REFUNDS = """
    select psp, psp_reference, charge_reference, amount_minor, currency, kind = 'stray_refund'
    from payments.operations
    where kind in ('refund', 'stray_refund') and status = 'SUCCEEDED'"""
FAULTS = {
    "lost-answer": 0.03,
    "lost-request": 0.02,
    "reset": 0.02,
    "error-before": 0.02,
    "error-after": 0.03,
    "error-stored": 0.01,
    "conflict": 0.01,
    "rate-limited": 0.02,
    "slow-body": 0.01,
    "hang": 0.005,
    "hang-before": 0.005,
}
"""Shares of the calls that fail while people buy: a fifth of all."""
MISCHIEF = {"duplicate": 0.1, "reorder": 0.1, "delay": 0.1, "drop": 0.1, "early": 0.1}
"""Shares of the webhooks that err meanwhile."""
_SETTINGS = {
    "sandbox.latency_median_ms": "30",
    "sandbox.latency_p99_ms": "250",
    "executor.retry_base_seconds": "0.2",
    "executor.retry_longest_seconds": "1.5",
    "retry.soft_declines": "1",
    "retry.decline_seconds": "0.5",
    "retry.poll_longest_seconds": "2",
    "executor.lease_seconds": "5",
    **{f"psp.{psp}.timeout_seconds": "3" for psp in registry.names()},
}


class House:
    """The processes of ``clearhouse up`` in one directory, PSPs that fail, and a look at both."""

    def __init__(self, directory: Path, development: Development, group: Group) -> None:
        self.directory = directory
        self.development = development
        self.group = group
        self._hurried = datetime.min.replace(tzinfo=UTC)
        self.notes: list[str] = []
        self.kills: dict[str, int] = {}
        self._killed: set[int] = set()
        self._key = ""

    @classmethod
    @asynccontextmanager
    async def open(cls, directory: Path, seed: int) -> AsyncIterator["House"]:
        development = _development(directory, seed)
        notes: list[str] = []
        house = cls(directory, development, development.group(SystemClock(), notes.append))
        house.notes = notes
        try:
            await development.start(house.group, notes.append)
            house._key = await make_key(development)
            yield house
        finally:
            await development.stop(house.group)

    def customers(self, name: str, seed: int) -> Customers:
        """Customers of the house's API; ``name`` begins the ids of what they buy."""
        return Customers(f"{self.development.api_url}/v1/payments", self._key, name, seed)

    def shop(self, seed: int) -> Shop:
        """The shop that takes back some of what was sold."""
        return Shop(self.development.api_url, self._key, seed)

    def hands(self, seed: int) -> Hands:
        """Hands at the PSPs, for their control page."""
        return Hands(self.development.sandbox_url, seed)

    async def kill(self, name: str) -> None:
        """SIGKILL a process as soon as there is one that was not killed before."""
        while True:
            pid = self._pid(name)
            if pid is not None and pid not in self._killed and alive(pid):
                os.kill(pid, signal.SIGKILL)
                self._killed.add(pid)
                self.kills[name] = self.kills.get(name, 0) + 1
                return
            await asyncio.sleep(0.05)

    async def quiet(self, meanwhile: Callable[[], Awaitable[object]], *, resting: bool) -> None:
        """Wait until every checkout and refund is done, whatever is still starting again; or fail.

        With ``resting``, until all that is not done waits for nothing but time at the PSPs.
        """
        left: list[str] = ["the database was never reached"]
        try:
            async with asyncio.timeout(_LONGEST_WAIT):
                while left:
                    await meanwhile()
                    with contextlib.suppress(*_AWAY):
                        await self._let_searches_prove()
                    with contextlib.suppress(*_AWAY):
                        left = await self._left(resting=resting)
                    await asyncio.sleep(0.3)
        except TimeoutError:
            raise AssertionError("\n".join(["still open:", *left, *self.notes])) from None

    async def hurry(self) -> None:
        """Cut short what the books would wait for hours, since the PSPs' time was moved on."""
        connection = await asyncpg.connect(database_url(self.development.settings))
        self._hurried = await connection.fetchval("select now()")
        try:
            for table in (
                "payments.work",
                "payments.operation_work",
                "payments.dispute_work",
                "payments.dispute_sweeps",
            ):
                await connection.execute(
                    f"update {table} set next_at = now()"
                    " where next_at > now() + interval '1 minute'"
                )
        finally:
            await connection.close()

    async def _let_searches_prove(self) -> None:
        """Calls that cannot be under way any more are as old as those that a search proves."""
        connection = await asyncpg.connect(database_url(self.development.settings))
        try:
            await connection.execute(_NO_LONGER_UNDER_WAY)
        finally:
            await connection.close()

    async def read_letters(self) -> None:
        """A person takes note of the disputes over money that was given back already."""
        connection = await asyncpg.connect(database_url(self.development.settings))
        try:
            await connection.execute(_TAKEN_NOTE_OF)
        finally:
            await connection.close()

    async def _left(self, *, resting: bool) -> list[str]:
        """Some of what is not done, and what was last learnt of it."""
        connection = await asyncpg.connect(database_url(self.development.settings))
        try:
            rows = await connection.fetch(_OPEN_ORDERS, resting)
            rows += await connection.fetch(_OPEN_REFUNDS, resting)
            if not resting:
                rows += await connection.fetch(_UNREAD_LISTS, self._hurried)
        finally:
            await connection.close()
        return [row["told"] for row in rows]

    @asynccontextmanager
    async def books(self) -> AsyncIterator[Books]:
        """A look at the books over a fresh connection."""
        url = database_url(self.development.settings)
        books = await Books.open(SystemClock(), url, self.development.sandbox_url)
        try:
            yield books
        finally:
            await books.close()

    async def verdict(self) -> Verdict:
        """What `clearhouse verify` says, the PSPs' own books included."""
        settings = load(self.development.environment()).settings
        url = database_url(self.development.settings)
        pool = await open_pool(url, size=1, name="verify", scans=True)
        try:
            async with open_psps(settings) as psps:
                return await verify(pool, psps=psps)
        finally:
            await pool.close()

    async def differences(self) -> list[str]:
        """The sandbox's truth against the books, charge by charge, refund and dispute too."""
        connection = await asyncpg.connect(database_url(self.development.settings))
        try:
            orders = await connection.fetch(_CHARGES)
            refunds = await connection.fetch(_REFUNDS)
            disputes = await connection.fetch(_DISPUTES)
        finally:
            await connection.close()
        charges, given, fought = await self._truth()
        return [
            *differences(
                charges,
                given,
                [BookedCharge(*row) for row in orders],
                [BookedRefund(*row) for row in refunds],
            ),
            *disputed(fought, [BookedDispute(*row) for row in disputes]),
        ]

    async def _truth(self) -> tuple[list[Any], list[Any], list[Any]]:
        """All charges, refunds and disputes."""
        address = f"{self.development.sandbox_url}/_sandbox/truth"
        charges: list[Any] = []
        after: int | None = 0
        async with aiohttp.ClientSession() as session:
            while after is not None:
                async with session.get(f"{address}?limit=5000&after={after}") as reply:
                    page = await reply.json()
                charges += page["charges"]
                after = page["next"]
            async with session.get(f"{address}/refunds") as reply:
                refunds = (await reply.json())["refunds"]
            async with session.get(f"{address}/disputes") as reply:
                return charges, refunds, (await reply.json())["disputes"]

    async def stored(self, name: str) -> tuple[list[str], list[str]]:
        """The checkouts and the orders in the books whose ids begin so."""
        connection = await asyncpg.connect(database_url(self.development.settings))
        try:
            checkouts = await connection.fetch(
                "select checkout_id from payments.payment_events"
                " where starts_with(checkout_id, $1)",
                name,
            )
            orders = await connection.fetch(
                "select payment_order_id from payments.payment_orders"
                " where starts_with(checkout_id, $1)",
                name,
            )
        finally:
            await connection.close()
        return [row[0] for row in checkouts], [row[0] for row in orders]

    async def refunds(self, name: str) -> list[str]:
        """The refunds that were asked for of orders whose ids begin so, by their own ids."""
        connection = await asyncpg.connect(database_url(self.development.settings))
        try:
            rows = await connection.fetch(
                "select r.public_id from payments.operations r"
                " join payments.payment_orders o using (order_id)"
                " where starts_with(o.payment_order_id, $1) and r.origin = 'client'"
                " and r.kind = 'refund'",
                name,
            )
        finally:
            await connection.close()
        return [row[0] for row in rows]

    def orphans(self) -> list[str]:
        """PostgreSQL processes of this house that do not belong to its one living server."""
        server, found = self._pid(POSTMASTER), list[str]()
        for process in servers_in(self.directory):
            with contextlib.suppress(psutil.NoSuchProcess):  # it ends while it is looked at
                if server not in {process.pid, process.ppid()}:
                    found.append(f"{process.pid} {' '.join(process.cmdline())}")
        return found

    def _pid(self, name: str) -> int | None:
        if name != POSTMASTER:
            return self.group.pid_of(name)
        try:
            text = (self.directory / "pgdata" / "postmaster.pid").read_text(encoding="ascii")
            return int(text.split("\n", 1)[0])
        except (OSError, ValueError):
            return None


def alive(pid: int) -> bool:
    """Whether a process runs; a dead one that nobody has asked after yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def servers_in(directory: Path) -> list[psutil.Process]:
    """All PostgreSQL processes that work in the data directory of a house."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.name() == "postgres" and process.cwd() == str(directory / "pgdata"):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


class Somewhere(Development):
    """A group whose customers pay in few currencies: Square's books are read place by place."""

    def environment(self) -> dict[str, str]:
        told = super().environment()
        told["CLEARHOUSE_PSP_SQUARE_LOCATIONS"] = ", ".join(
            f"{currency}=L{currency}" for currency in ("USD", "EUR", "GBP", "JPY", "KWD")
        )
        return told


def _development(directory: Path, seed: int) -> Development:
    chosen = {
        "data_directory": str(directory),
        "api.port": str(free_port("127.0.0.1")),
        "sandbox.port": str(free_port("127.0.0.1")),
        "sandbox.seed": str(seed),
        **_SETTINGS,
    }
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("CLEARHOUSE_")
    }
    # Said at its start, so that a sandbox that was killed fails and errs as before.
    shares = [
        word
        for option, rates in (("--fault", FAULTS), ("--mischief", MISCHIEF))
        for name, share in rates.items()
        for word in (option, f"{name}={share}")
    ]
    return Somewhere(load({}, overrides=chosen), inherited, sandbox_arguments=tuple(shares))
