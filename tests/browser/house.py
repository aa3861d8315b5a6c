"""clearhouse in a thread, with a sandbox beside it: the real API on a port, and all workers."""

import asyncio
import itertools
import socket
import threading
from base64 import b64encode
from contextlib import ExitStack
from typing import Any, Self

import asyncpg
import httpx
import uvicorn

from clearhouse.access.model import Scope
from clearhouse.access.service import ApiKeys
from clearhouse.bootstrap import Role, api_app, open_psps, open_runtime, run_workers
from clearhouse.cli.development import Development
from clearhouse.payments.pages.model import page_of_token
from clearhouse.postgres.connection import open_pool
from clearhouse.proof.verify import verify
from clearhouse.sandbox.server import open_core, running, send_webhooks
from clearhouse.settings import load

SHOP = "https://shop.example"
"""The shop that sends its buyers; the browser of the tests plays it."""
_PEPPER = b"a pepper for the tests of the browser"
_DEAD = {"declined", "canceled"}
_names = itertools.count(1)


class House:
    """A running clearhouse; ``url`` is where buyers reach it, ``sandbox_url`` where the PSPs are.

    The PSPs send their webhooks to it.
    """

    def __init__(self, database: str) -> None:
        self._database = database
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.sandbox_url = ""
        self._stack = ExitStack()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._client = httpx.Client(trust_env=False, timeout=30)

    def __enter__(self) -> Self:
        core = open_core()
        send_webhooks(core, self.url)
        sandbox = self._stack.enter_context(running(core))
        self.sandbox_url = sandbox.base_url
        told = {
            "CLEARHOUSE_DATABASE_URL": self._database,
            "CLEARHOUSE_API_PUBLIC_URL": self.url,
            "CLEARHOUSE_API_KEY_PEPPER": _PEPPER.decode(),
            "CLEARHOUSE_ENCRYPTION_KEYS": f"test={b64encode(b'k' * 32).decode()}",
            "CLEARHOUSE_SANDBOX_PORT": str(sandbox.port),
        }
        environment = Development(load(told), told).environment()
        # One place to look through when the books are compared, in place of one per currency.
        environment["CLEARHOUSE_PSP_SQUARE_LOCATIONS"] = "USD=LUSD"
        self._settings = load(environment).settings
        self._thread.start()
        assert self._started.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(30)
        self._stack.close()
        self._client.close()
        self._socket.close()

    def buy(self, psp: str, *amounts: str, seller: str = "seller", **more: Any) -> dict[str, Any]:
        """A checkout of one order per amount, to be paid on a page of the PSP."""
        name = f"cart-{next(_names)}"
        body = {
            "checkout_id": name,
            "buyer_info": {},
            "psp": psp,
            "cancel_url": f"{SHOP}/cart",
            "payment_orders": [
                {
                    "payment_order_id": f"{name}-{n}",
                    "seller_account": f"{seller}-{n}",
                    "amount": amount,
                    "currency": "USD",
                }
                for n, amount in enumerate(amounts)
            ],
        }
        answer = self._ask("POST", "/v1/payments", json=body | more)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def checkout(self, bought: dict[str, Any]) -> dict[str, Any]:
        """What became of a checkout."""
        return self._ask("GET", f"/v1/checkouts/{bought['checkout_id']}").json()

    async def orders(self, bought: dict[str, Any], status: str) -> list[dict[str, Any]]:
        """The orders of a checkout once all have a status; where they succeed, once booked."""
        async with asyncio.timeout(60):
            while True:
                found = self.checkout(bought)
                orders: list[dict[str, Any]] = found["payment_orders"]
                alike = {order["status"] for order in orders} == {status}
                if alike and (status != "SUCCESS" or found["is_payment_done"]):
                    return orders
                await asyncio.sleep(0.03)

    def charges(self, bought: dict[str, Any]) -> list[dict[str, Any]]:
        """What a PSP really did for a page, tries that came to nothing included."""
        page_id = page_of_token(bought["payment_page_url"].rpartition("/")[2])
        truth = self._client.get(
            f"{self.sandbox_url}/_sandbox/truth", params={"reference": str(page_id)}
        )
        return truth.json()["charges"]

    async def paid_once(self, bought: dict[str, Any], minor: int) -> None:
        """All orders succeeded by one charge of ``minor``, nothing else is held, the books hold."""
        orders = await self.orders(bought, "SUCCESS")
        alive = [each for each in self.charges(bought) if each["status"] not in _DEAD]
        assert [(each["status"], each["amount_minor"]) for each in alive] == [("succeeded", minor)]
        assert {order["psp_reference"] for order in orders} == {alive[0]["psp_id"]}
        await self.books_hold()

    async def never_paid(self, bought: dict[str, Any]) -> None:
        """All orders have expired, no money is taken or held, and the books hold."""
        orders = await self.orders(bought, "FAILED")
        assert {order["status_reason"] for order in orders} == {"expired"}
        assert [each for each in self.charges(bought) if each["status"] not in _DEAD] == []
        await self.books_hold()

    async def books_hold(self, *, with_psps: bool = False) -> None:
        """What `clearhouse verify` says; ``with_psps`` compares with the PSPs' own books, too."""
        pool = await open_pool(self._database, size=1, name="verify", scans=True)
        try:
            if with_psps:
                async with open_psps(self._settings) as psps:
                    verdict = await verify(pool, psps=psps)
            else:
                verdict = await verify(pool)
        finally:
            await pool.close()
        assert verdict.holds, [one for one in verdict.results if one.violations]

    def psp_fails(self, psp: str, fault: str) -> None:
        """Have the next charge at a PSP go wrong."""
        order = {"psp": psp, "fault": fault}
        assert self._client.post(f"{self.sandbox_url}/_sandbox/faults", json=order).is_success

    def psp_is_told(self, psp: str, method: str, path: str) -> None:
        """Call a PSP as somebody does who works in its dashboard."""
        credentials = self._settings.psps[psp].credentials
        key = credentials.get("secret_key") or credentials["access_token"]
        answer = self._client.request(
            method, f"{self.sandbox_url}{path}", headers={"Authorization": f"Bearer {key}"}
        )
        assert answer.is_success, answer.text

    async def time_is_over(self, bought: dict[str, Any]) -> None:
        """As if a page's lifetime had passed."""
        page_id = page_of_token(bought["payment_page_url"].rpartition("/")[2])
        connection = await asyncpg.connect(self._database)
        try:
            async with connection.transaction():
                for sql in (
                    "update payments.pages set expires_at = now() where page_id = $1",
                    "update payments.page_work set next_at = now() where page_id = $1",
                ):
                    await connection.execute(sql, page_id)
        finally:
            await connection.close()

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}"}
        return self._client.request(method, f"{self.url}{path}", headers=headers, **more)

    async def _run(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        async with open_runtime(self._database, size=8, name="browser tests") as runtime:
            keys = ApiKeys(runtime.pool, runtime.clock, runtime.ids, runtime.randomness, _PEPPER)
            self._token = (await keys.create("browser", list(Scope)))[1]
            config = uvicorn.Config(
                api_app(runtime, self._settings, _PEPPER),  # pyright: ignore[reportArgumentType]
                log_level="error",
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=1,
            )
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve([self._socket]))
            working = asyncio.create_task(
                run_workers(runtime, self._settings, tuple(Role), self._stopping)
            )
            while not server.started:
                await asyncio.sleep(0.01)
            self._started.set()
            await self._stopping.wait()
            server.should_exit = True
            await asyncio.gather(serving, working)
