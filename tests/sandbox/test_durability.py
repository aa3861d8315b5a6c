"""kill -9 at any moment loses no charge and no stored answer."""

import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.sandbox.world import charge_square, charge_stripe, square_client, stripe_client, truth

from clearhouse.sandbox.truth import Truth

_SERVE = """
import asyncio, sys
from pathlib import Path
from clearhouse.sandbox.server import open_core, serve
asyncio.run(serve(open_core(Path(sys.argv[1])), "127.0.0.1", int(sys.argv[2])))
"""


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Process:
    """A sandbox in a process of its own, over one truth file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.port = _free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-c", _SERVE, str(self.path), str(self.port)]
        self.popen = subprocess.Popen(command)
        for _ in range(200):
            try:
                httpx.get(f"{self.base_url}/_sandbox/health", trust_env=False).raise_for_status()
                return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the sandbox did not start")

    def kill(self) -> None:
        if self.popen is not None:
            self.popen.send_signal(signal.SIGKILL)
            self.popen.wait()
            self.popen = None


@pytest.fixture
def process(tmp_path: Path):
    sandbox = Process(tmp_path / "truth" / "truth.sqlite")
    sandbox.start()
    yield sandbox
    sandbox.kill()


def test_charges_and_answers_survive_a_kill_under_load(process: Process):
    acknowledged: list[tuple[str, str, str]] = []

    def buy(worker: int) -> None:
        stripe_sdk = stripe_client(process.base_url, timeout=3)
        square_sdk = square_client(process.base_url, timeout=3)
        for number in range(1000):
            order = f"{worker}-{number}"
            try:
                intent = charge_stripe(stripe_sdk, f"stripe-{order}", key=f"a-{order}")
                acknowledged.append(("stripe", f"stripe-{order}", intent.id))
                payment = charge_square(square_sdk, f"square-{order}", key=f"b-{order}").payment
                assert payment is not None
                acknowledged.append(("square", f"square-{order}", str(payment.id)))
            except Exception:
                return

    with ThreadPoolExecutor(4) as pool:
        buyers = [pool.submit(buy, worker) for worker in range(4)]
        while len(acknowledged) < 60:
            time.sleep(0.02)
        process.kill()
        for buyer in buyers:
            buyer.result()

    process.start()
    facts = {fact["reference"]: fact for fact in truth(process.base_url, limit="10000")}
    for psp, reference, identifier in acknowledged:
        assert (facts[reference]["psp"], facts[reference]["psp_id"]) == (psp, identifier)
        assert facts[reference]["status"] == "succeeded"

    stripe_sdk, square_sdk = stripe_client(process.base_url), square_client(process.base_url)
    for psp, reference, identifier in acknowledged[-12:]:
        key = reference.replace("stripe-", "a-").replace("square-", "b-")
        if psp == "stripe":
            again = charge_stripe(stripe_sdk, reference, key=key)
            assert again.id == identifier
            assert stripe_sdk.v1.payment_intents.retrieve(identifier).status == "succeeded"
        else:
            payment = charge_square(square_sdk, reference, key=key).payment
            assert payment is not None
            assert payment.id == identifier
    assert len(truth(process.base_url, limit="10000")) == len(facts)


def test_a_lost_answer_is_found_after_a_restart(process: Process):
    order = {"psp": "stripe", "fault": "hang", "match": "hung"}
    httpx.post(f"{process.base_url}/_sandbox/faults", json=order, trust_env=False)
    with pytest.raises(Exception, match=r"[Tt]imed? ?out"):
        charge_stripe(stripe_client(process.base_url, timeout=0.5), "hung", key="hung")
    process.kill()
    process.start()
    sdk = stripe_client(process.base_url)
    intent = charge_stripe(sdk, "hung", key="hung")
    assert intent.last_response is not None
    headers = intent.last_response.headers
    assert headers["idempotent-replayed"] == "true"  # pyright: ignore[reportOptionalSubscript]
    [fact] = truth(process.base_url, reference="hung")
    assert fact["psp_id"] == intent.id


def test_the_truth_can_be_read_beside_a_running_sandbox(process: Process):
    charge_square(square_client(process.base_url), "beside")
    reader = Truth(process.path)
    charges, following = reader.charges("square")
    reader.close()
    assert ([charge.reference for charge in charges], following) == (["beside"], None)
