"""What the sandbox remembers when it is started again, also after kill -9."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from braintree.exceptions.http.connection_error import ConnectionError as Cut
from tests.sandbox.braintree_world import ORDER_ID, codes, gateway_to, world

from clearhouse.sandbox.faults import Fault, FaultOrder

_SERVE = """
import asyncio, sys
from pathlib import Path
from clearhouse.sandbox.faults import Fault, FaultOrder
from clearhouse.sandbox.server import open_core, serve
core = open_core(Path(sys.argv[1]))
if len(sys.argv) > 3:
    core.faults.order(FaultOrder(Fault(sys.argv[3]), psp="braintree"))
print("ready", flush=True)
asyncio.run(serve(core, "127.0.0.1", int(sys.argv[2])))
"""

SALE = {
    "amount": "10.00",
    "order_id": "order-1",
    "payment_method_nonce": "fake-valid-nonce",
    "api_request_key": "k",
}


def test_keys_transactions_and_order_ids_outlive_a_restart(tmp_path: Path):
    path = tmp_path / "truth.db"
    with world(path) as shop:
        made = shop.sale(api_request_key="k").transaction
        assert codes(shop.sale("x", api_request_key="bad")) == ["81503"]
    with world(path) as shop:
        assert shop.found("order-1") == [made.id]
        assert shop.gateway.transaction.find(made.id).status == "submitted_for_settlement"
        assert shop.sale(api_request_key="k").transaction.id == made.id
        assert codes(shop.sale("11.00", api_request_key="k")) == ["915232"]
        assert codes(shop.sale("x", api_request_key="bad")) == ["915234"]
        assert shop.sale().transaction.gateway_rejection_reason == "duplicate"
        shop.gateway.transaction.void(made.id)
    with world(path) as shop:
        assert shop.sale(api_request_key="k").transaction.status == "voided"
        assert [each.status for each in shop.truth()] == ["succeeded", "declined"]


def test_a_fault_leaves_nothing_half_done_across_a_restart(tmp_path: Path):
    path = tmp_path / "truth.db"
    with world(path) as shop:
        shop.core.faults.order(FaultOrder(Fault.LOST_ANSWER, psp="braintree"))
        with pytest.raises(Cut):
            shop.sale(api_request_key="k")
        [charge] = shop.truth()
    with world(path) as shop:
        assert shop.sale(api_request_key="k").transaction.id == charge.psp_id
        assert shop.truth() == [charge]


@contextmanager
def _process(path: Path, port: int, *fault: str):
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(path), str(port), *fault], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        _wait_for(port)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the sandbox did not start")


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def test_after_kill_9_the_key_finds_the_charge(tmp_path: Path):
    path, port = tmp_path / "truth.db", _free_port()
    gateway = gateway_to(port)
    with _process(path, port, "lost-answer") as process:
        with pytest.raises(Cut):
            gateway.transaction.sale(dict(SALE))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with _process(path, port):
        [found] = gateway.transaction.search(ORDER_ID == "order-1")
        again = gateway.transaction.sale(dict(SALE))
        assert again.transaction.id == found.id
        assert len(list(gateway.transaction.search(ORDER_ID == "order-1"))) == 1
