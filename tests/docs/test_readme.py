"""README's first payment, run as it is written: every marked snippet against a running system."""

import json
import os
import re
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests import in_memory

pytestmark = pytest.mark.whole_group

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PATIENCE = 60

# A machine with nothing but Python has no curl; this knows the flags that README uses, and no more.
CURL = f"""#!{sys.executable}
import sys, urllib.error, urllib.request
headers, data, url, words = {{}}, None, "", iter(sys.argv[1:])
for word in words:
    if word == "-H":
        name, value = next(words).split(": ", 1)
        headers[name] = value
    elif word == "-d":
        data = next(words).encode()
    elif word != "-s":
        assert not word.startswith("-"), word
        url = word
try:
    answer = urllib.request.urlopen(urllib.request.Request(url, data, headers))
except urllib.error.HTTPError as error:
    answer = error
print(answer.read().decode())
"""


def snippets(kind: str) -> list[str]:
    """The blocks of README behind ``<!-- test: kind -->``."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"<!-- test: {kind} -->\n```[a-z]*\n(.*?)```", text, re.DOTALL)


def documents(text: str) -> list[Any]:
    """The JSON texts that several commands printed one after the other."""
    decoder, found, place = json.JSONDecoder(), [], 0
    while place < len(text):
        value, place = decoder.raw_decode(text, place)
        found.append(value)
        place += len(text[place:]) - len(text[place:].lstrip())
    return found


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@dataclass(frozen=True)
class World:
    """A running system, and the environment in which a reader's commands reach it."""

    environment: dict[str, str] = field(repr=False)

    def here(self, snippet: str) -> str:
        api = f"127.0.0.1:{self.environment['CLEARHOUSE_API_PORT']}"
        return snippet.replace(".venv/bin/", f"{BIN}/").replace("127.0.0.1:8080", api)

    def shell(self, snippet: str, then: str = "") -> str:
        command = ["bash", "-euc", self.here(snippet) + then]
        done = subprocess.run(
            command,
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="module")
def folder(migrated_data: Path) -> Iterator[Path]:
    with in_memory.new_folder("clearhouse-readme-") as path:
        in_memory.begin_with(migrated_data, path / "data")
        yield path


@pytest.fixture(scope="module")
def world(folder: Path) -> Iterator[World]:
    curl = folder / "bin/curl"
    curl.parent.mkdir()
    curl.write_text(CURL)
    curl.chmod(curl.stat().st_mode | stat.S_IXUSR)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CLEARHOUSE_")}
    environment = inherited | {
        "PATH": f"{curl.parent}:{os.environ['PATH']}",
        "CLEARHOUSE_DATA_DIRECTORY": str(folder / "data"),
        "CLEARHOUSE_API_PORT": free_port(),
        "CLEARHOUSE_SANDBOX_PORT": free_port(),
    }
    with (folder / "up.log").open("w") as log:
        up = subprocess.Popen(
            [str(BIN / "clearhouse"), "up"], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait_until_ready(up, int(environment["CLEARHOUSE_API_PORT"]), folder / "up.log")
        yield World(environment)
    finally:
        up.terminate()
        up.wait(PATIENCE)


def wait_until_ready(up: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    for _ in range(PATIENCE * 10):
        assert up.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"the API did not come up:\n{log.read_text()}")


def test_the_first_payment_with_curl_is_paid_booked_and_proven(world: World) -> None:
    key, pay, look, verify = snippets("shell")
    token = world.shell(key, '\nprintf %s "$CLEARHOUSE_KEY"')
    customer = World(world.environment | {"CLEARHOUSE_KEY": token})

    accepted = customer.shell(pay)
    orders = {order["payment_order_id"]: order for order in json.loads(accepted)["payment_orders"]}
    assert orders["cart-1-books"]["status"] == "NOT_STARTED"
    assert orders["cart-1-tea"]["amount"] == "7.50"

    for _ in range(PATIENCE * 5):
        if documents(customer.shell(look))[0]["is_payment_done"]:
            break
        time.sleep(0.2)
    checkout, wallet = documents(customer.shell(look))
    assert [order["status"] for order in checkout["payment_orders"]] == ["SUCCESS", "SUCCESS"]
    tea = next(o for o in checkout["payment_orders"] if o["payment_order_id"] == "cart-1-tea")
    [balance] = wallet["balances"]
    owed = int(tea["amount"].replace(".", "")) - int(tea["platform_fee"].replace(".", ""))
    assert int(balance["pending"].replace(".", "")) == owed

    assert customer.shell(pay) == accepted
    assert documents(customer.shell(look))[1] == wallet
    assert customer.shell(verify)


def test_the_first_payment_with_python_succeeds(world: World) -> None:
    [code] = snippets("python")
    token = world.shell(snippets("shell")[0], '\nprintf %s "$CLEARHOUSE_KEY"')
    done = subprocess.run(
        [sys.executable, "-c", world.here(code)],
        env=world.environment | {"CLEARHOUSE_KEY": token},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("SUCCESS\n", "")
