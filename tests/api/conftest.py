"""The API in front of a memory, and in front of PostgreSQL on a real port."""

import asyncio
import shutil
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from prometheus_client import CollectorRegistry
from tests.api.memory import (
    CLOCK,
    IDS,
    PSPS,
    MemoryPages,
    MemoryPayments,
    MemoryWebhooks,
    Readiness,
    SystemRandomness,
    memory_dependencies,
)
from tests.payments.rooms import NO_RULES
from tests.webhooks.merchant import delivery_log, endpoint_service

from clearhouse.access.encryption import FieldCipher
from clearhouse.access.model import Scope
from clearhouse.access.service import ApiKeys
from clearhouse.api.app import create_app
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.payments.disputes.answers import AnswerIntake
from clearhouse.payments.disputes.service import DisputeService
from clearhouse.payments.intake import IntakeService
from clearhouse.payments.operations.intake import OperationIntake
from clearhouse.payments.operations.service import OperationService
from clearhouse.payments.operations.terms import FeePolicy
from clearhouse.payments.service import PaymentService
from clearhouse.postgres.connection import Pool, open_pool
from clearhouse.reconciliation.booking import Booking
from clearhouse.reconciliation.collecting import Collector
from clearhouse.reconciliation.diary import Diary
from clearhouse.reconciliation.likeness import Likenesses
from clearhouse.reconciliation.loading import Loader
from clearhouse.reconciliation.queue import BreakQueue
from clearhouse.reconciliation.statements import Statements
from clearhouse.reconciliation.uploads import Uploads
from clearhouse.reconciliation.vault import Vault
from clearhouse.wallets.holds.service import HoldDesk
from clearhouse.wallets.payouts.desk import PayoutDesk
from clearhouse.wallets.payouts.details import BankDetailsDesk
from clearhouse.wallets.payouts.policy import PayoutPolicy
from clearhouse.wallets.payouts.timetable import Timetable
from clearhouse.wallets.service import WalletService

PAYOUTS = PayoutPolicy(minimum={"EUR": 100}, approval_above={"EUR": 10_000})
CIPHER = FieldCipher({"test": b"k" * 32}, SystemRandomness())


@dataclass(frozen=True)
class Shared:
    """One API over a memory for many tests, since making one takes longer than most of them."""

    payments: MemoryPayments = field(default_factory=MemoryPayments)
    ready: Readiness = field(default_factory=Readiness)

    @cached_property
    def app(self) -> Any:
        return create_app(memory_dependencies(self.payments, self.ready))

    def forget(self) -> None:
        """Nothing was accepted, and nothing fails."""
        self.payments.__init__()
        self.ready.__init__()


@pytest.fixture(scope="session")
def shared() -> Shared:
    return Shared()


@pytest.fixture
def payments(shared: Shared) -> MemoryPayments:
    shared.forget()
    return shared.payments


@pytest.fixture
def ready(shared: Shared) -> Readiness:
    return shared.ready


def client_of(app: Any) -> httpx.AsyncClient:
    """A client of an API in this process, allowed everything."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://api.test",
        headers={"Authorization": "Bearer all"},
        verify=False,
    )


@pytest.fixture
async def client(
    shared: Shared, payments: MemoryPayments, ready: Readiness
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API over a memory in which nothing is."""
    async with client_of(shared.app) as opened:
        yield opened


@pytest.fixture
async def counted() -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API that has counted nothing yet."""
    async with client_of(create_app(memory_dependencies(MemoryPayments(), Readiness()))) as opened:
        yield opened


@dataclass(frozen=True)
class Server:
    """A running API: where it is, and a token for each set of scopes."""

    url: str
    tokens: dict[str, str]

    def headers(self, token: str = "all") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[token]}"}

    def client(self, token: str | None = "all") -> httpx.AsyncClient:
        """A client that many requests may use at once, with a key or without."""
        return httpx.AsyncClient(
            base_url=self.url,
            headers={} if token is None else self.headers(token),
            limits=httpx.Limits(max_connections=100),
            timeout=60,
            verify=False,
        )


class ApiThread(threading.Thread):
    """uvicorn with the real services on a free port, on a thread and a loop of its own."""

    def __init__(self, database: str) -> None:
        super().__init__(daemon=True)
        self._database = database
        self._folder = Path(tempfile.mkdtemp(prefix="clearhouse-api-"))
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.tokens: dict[str, str] = {}
        self.started = threading.Event()
        self._server: uvicorn.Server | None = None

    def run(self) -> None:
        asyncio.run(self._serve())

    def server(self) -> Server:
        return Server(self.url, self.tokens)

    def stop(self) -> None:
        assert self._server is not None
        self._server.should_exit = True
        self.join(20)
        self._socket.close()
        shutil.rmtree(self._folder)

    async def _serve(self) -> None:
        pool = await open_pool(self._database, size=6, name="api test")
        intake = IntakeService(
            pool, CLOCK, IDS, idempotency_lifetime=timedelta(days=1), router=NO_RULES
        )
        keys = ApiKeys(pool, CLOCK, IDS, SystemRandomness(), b"pepper")
        sets = {"all": list(Scope), "other": list(Scope)} | {s.value: [s] for s in Scope}
        for name, scopes in sets.items():
            self.tokens[name] = (await keys.create(name, scopes))[1]

        async def ready() -> None:
            await pool.execute("select 1")

        deps = ApiDependencies(
            payments=PaymentService(pool, intake),
            disputes=DisputeService(
                pool, AnswerIntake(pool, CLOCK, IDS, lifetime=timedelta(hours=24))
            ),
            operations=OperationService(
                pool,
                OperationIntake(
                    pool,
                    CLOCK,
                    IDS,
                    idempotency_lifetime=timedelta(days=1),
                    fee_policy=FeePolicy.KEEP,
                ),
            ),
            wallets=WalletService(pool, IDS, CLOCK),
            breaks=BreakQueue(
                pool, CLOCK, IDS, Booking(CLOCK, IDS), Likenesses(pool, CLOCK), {"USD": 1_000}
            ),
            files=uploads_in(pool, self._folder),
            max_file_bytes=MOST_FILE_BYTES,
            holds=HoldDesk(pool, CLOCK, IDS),
            payouts=PayoutDesk(pool, CLOCK, IDS, WalletService(pool, IDS, CLOCK), PAYOUTS),
            bank_details=BankDetailsDesk(pool, CLOCK, IDS, CIPHER, PAYOUTS),
            schedules=Timetable(pool, CLOCK),
            webhooks=MemoryWebhooks(),
            endpoints=endpoint_service(pool),
            deliveries=delivery_log(pool),
            pages=MemoryPages(),
            keys=keys,
            psps=PSPS,
            clock=CLOCK,
            ids=IDS,
            ready=ready,
            registry=CollectorRegistry(),
        )
        config = uvicorn.Config(create_app(deps), log_level="error", access_log=False)
        self._server = uvicorn.Server(config)
        serving = asyncio.create_task(self._server.serve([self._socket]))
        while not self._server.started:
            await asyncio.sleep(0.01)
        self.started.set()
        await serving
        await intake.close()
        pool.terminate()


MOST_FILE_BYTES = 100_000


def uploads_in(pool: Pool, folder: Path) -> Uploads:
    """Who takes files, with a vault in a folder."""
    vault = Vault(folder / "vault")
    loader = Loader(pool, CLOCK, IDS, vault, {})
    collector = Collector(loader, Statements(pool, CLOCK, IDS, vault), None)
    return Uploads(pool, IDS, collector, Diary(pool, CLOCK), folder / "incoming")


@pytest.fixture
def server(database: str) -> Iterator[Server]:
    """The API over real HTTP and a fresh PostgreSQL database."""
    thread = ApiThread(database)
    thread.start()
    assert thread.started.wait(30)
    yield thread.server()
    thread.stop()
