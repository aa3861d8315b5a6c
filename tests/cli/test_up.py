"""`clearhouse up` and `clearhouse demo` as users run them: they work, and leave nothing running."""

import json
import re
import signal
import stat
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import in_memory
from tests.cli.command import Started, run, until_gone

pytestmark = pytest.mark.whole_group


@pytest.fixture
def directory() -> Iterator[Path]:
    with in_memory.new_folder("clearhouse-cli-") as path:
        yield path


@pytest.fixture
def up(directory: Path) -> Iterator[Started]:
    """A development group that is up."""
    started = Started(
        directory / "up.txt",
        *("up", "--data", str(directory / "data"), "--port", "0", "--sandbox-port", "0"),
    )
    started.wait_for("clearhouse is up.")
    started.wait_for("See what became of it")
    yield started
    if started.process.poll() is None:
        started.process.kill()
        started.process.wait()
    assert until_gone(directory) == []


def call(url: str, key: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(
        url,
        data=json.dumps(body).encode() if body else None,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def first_payment(psp: str, token: str) -> dict[str, Any]:
    order = {"seller_account": "tea", "amount": "7.50", "currency": "EUR"}
    return {
        "checkout_id": f"cart-{psp}",
        "buyer_info": {"email": "ada@example.com"},
        "credit_card_info": {"psp": psp, "token": token},
        "payment_orders": [{"payment_order_id": f"cart-{psp}-1", **order}],
    }


def test_a_first_payment_through_each_psp_is_paid_proven_and_kept(
    up: Started, directory: Path
) -> None:
    data = ("--data", str(directory / "data"))
    api = re.findall(r"API +(http://\S+)", up.said())[0]
    key = run("keys", "create", "me", *data).stdout.strip()
    tokens = {
        "stripe": "pm_card_visa",
        "braintree": "fake-valid-nonce",
        "square": "cnon:card-nonce-ok",
    }
    for psp, token in tokens.items():
        call(f"{api}/v1/payments", key, first_payment(psp, token))
    deadline = time.monotonic() + 30
    done: dict[str, Any] = {}
    while len(done) < len(tokens) and time.monotonic() < deadline:
        for psp in tokens:
            checkout = call(f"{api}/v1/checkouts/cart-{psp}", key)
            if checkout["is_payment_done"]:
                done[psp] = checkout["payment_orders"][0]["status"]
    assert done == dict.fromkeys(tokens, "SUCCESS")
    # The commands beside it find its database and its PSPs by themselves.
    for psp in tokens:
        proven = run("prove", f"cart-{psp}-1", *data)
        assert proven.returncode == 0, proven.stderr
        assert "Charged exactly once" in proven.stdout
    pepper = directory / "data" / "api-key-pepper"
    assert stat.S_IMODE(pepper.stat().st_mode) == 0o600

    assert up.send(signal.SIGINT) == 0
    assert until_gone(directory) == []
    assert "Stopped; the data is kept." in up.said()
    # With nothing running, a command starts the database for its own time alone.
    verified = run("verify", *data)
    assert verified.returncode == 0, verified.stderr
    assert until_gone(directory) == []


def test_killing_the_group_itself_leaves_nothing_running(up: Started, directory: Path) -> None:
    assert up.send(signal.SIGKILL) == -signal.SIGKILL
    assert until_gone(directory) == []


def test_the_demo_sells_proves_and_tidies_up(directory: Path) -> None:
    settings = {"TMPDIR": str(directory), "CLEARHOUSE_API_PORT": "not for the demo"}
    told = run("demo", "--seconds", "2", "--rate", "10", settings=settings, patience=170)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "selling: " in told.stdout
    assert told.stdout.count("✓") == 8
    assert "✗" not in told.stdout
    assert "faults were planted: each was found once" in told.stdout
    assert "clearhouse verify: all" in told.stdout
    assert told.stderr == ""
    assert list(directory.iterdir()) == []
    assert until_gone(directory) == []


def test_ctrl_c_in_the_midst_of_the_demo_leaves_nothing(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = directory / "tmp"
    place.mkdir()
    place.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(place))
    demo = Started(directory / "demo.txt", "demo", "--seconds", "60")
    demo.wait_for("selling: ")
    assert demo.send(signal.SIGINT) == 130
    assert demo.said().splitlines()[-2:] == ["Stopping everything...", "Interrupted."]
    assert list(place.iterdir()) == []
    assert until_gone(directory) == []
