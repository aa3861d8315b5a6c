"""The PSPs' webhooks: signed as their SDKs check them, repeated, and brought with mischief."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl

import braintree
import httpx
import pytest
import stripe
from square.utils.webhooks_helper import verify_signature
from tests.sandbox.world import HandClock

from clearhouse.kernel.clock import SystemClock
from clearhouse.sandbox.braintree import signing as braintree_signing
from clearhouse.sandbox.courier import Courier, Endpoint, Headers, Mischief, Post
from clearhouse.sandbox.server import Running, open_core, running, send_webhooks
from clearhouse.sandbox.square import signing as square_signing
from clearhouse.sandbox.stripe import signing as stripe_signing

URL = "https://pay.shop.com/v1/webhooks/psp"
BODY = b'{"id": "evt_1", "object": "event", "type": "charge.succeeded", "data": {"object": {}}}'


class Listener:
    """A shop's server: remembers bodies, answers as told."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.status = 200
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                listener.got.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(listener.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def box() -> Iterator[Running]:
    with running() as sandbox:
        yield sandbox


def call(box: Running, method: str, path: str, **json: Any) -> Any:
    reply = httpx.request(
        method, f"{box.base_url}/_sandbox{path}", json=json or None, trust_env=False
    )
    assert reply.status_code == 200, reply.text
    return reply.json()


def emit(box: Running, event: str, psp: str = "stripe") -> None:
    with box.core.truth.transaction():
        box.core.courier.emit(psp, event, "charge.succeeded", event.encode())


def wait_until(box: Running, wanted: Any) -> None:
    for _ in range(400):
        if wanted():
            return
        httpx.get(f"{box.base_url}/_sandbox/health", trust_env=False)
    raise AssertionError(call(box, "GET", "/deliveries"))


def test_stripe_s_own_helper_takes_the_signature() -> None:
    body, headers = stripe_signing.sign("whsec_1", URL, BODY, SystemClock().now(), 0)
    client = stripe.StripeClient("sk_test_1")
    event = client.construct_event(body, dict(headers)["stripe-signature"], "whsec_1")
    assert event.id == "evt_1"


def test_square_s_own_helper_takes_the_signature() -> None:
    body, headers = square_signing.sign("key", URL, BODY, datetime.now(UTC), 2)
    named = dict(headers)
    assert named["square-retry-number"] == "2"
    assert verify_signature(
        request_body=body.decode(),
        signature_header=named["x-square-hmacsha256-signature"],
        signature_key="key",
        notification_url=URL,
    )


def test_braintree_s_own_helper_takes_the_signature() -> None:
    gateway = braintree.BraintreeGateway(
        braintree.Configuration(braintree.Environment.Sandbox, "shop", "public", "private")
    )
    xml = b"<notification><timestamp type='datetime'>2026-11-25T12:00:00Z</timestamp>"
    xml += b"<kind>check</kind><subject><check type='boolean'>true</check></subject></notification>"
    body, _ = braintree_signing.sign("public|private", URL, xml, datetime.now(UTC), 0)
    form = dict(parse_qsl(body.decode()))
    parsed = gateway.webhook_notification.parse(form["bt_signature"], form["bt_payload"])
    assert parsed.kind == "check"


def test_a_webhook_is_brought_once(box: Running, listener: Listener) -> None:
    call(box, "POST", "/webhooks", psp="stripe", url=listener.url, secret="whsec_1")
    emit(box, "evt_1")
    emit(box, "sq_1", psp="square")
    # The listener has it a moment before the sandbox has the listener's answer.
    wait_until(
        box, lambda: call(box, "GET", "/deliveries")["deliveries"][0]["state"] == "delivered"
    )
    assert listener.got == [b"evt_1"]
    [row] = call(box, "GET", "/deliveries")["deliveries"]
    assert (row["state"], row["tries"], row["last_status"]) == ("delivered", 1, 200)


def test_a_refused_webhook_is_repeated_when_its_time_has_come(
    box: Running, listener: Listener
) -> None:
    call(box, "POST", "/webhooks", psp="square", url=listener.url, secret="s")
    listener.status = 500
    emit(box, "sq_1", psp="square")
    for number in range(1, 13):
        wait_until(box, lambda number=number: len(listener.got) >= number)
        wait_until(
            box, lambda: call(box, "GET", "/deliveries")["deliveries"][0]["state"] != "sending"
        )
        call(box, "POST", "/clock", hours=8)
    [row] = call(box, "GET", "/deliveries")["deliveries"]
    assert (row["state"], row["tries"], len(listener.got)) == ("given_up", 12, 12)
    listener.status = 200
    call(box, "POST", f"/deliveries/{row['id']}")
    wait_until(box, lambda: len(listener.got) == 13)


def test_mischief_duplicates_drops_and_delays(box: Running, listener: Listener) -> None:
    call(box, "POST", "/webhooks", psp="stripe", url=listener.url, secret="whsec_1")
    call(box, "POST", "/mischief", stripe={"duplicate": 1.0})
    emit(box, "twice")
    call(box, "POST", "/clock", advance_seconds=2)
    wait_until(box, lambda: listener.got.count(b"twice") == 2)
    call(box, "POST", "/mischief", stripe={"drop": 1.0})
    emit(box, "never")
    call(box, "POST", "/mischief", stripe={"delay": 1.0, "delay_seconds": 3600})
    emit(box, "late")
    assert call(box, "GET", "/deliveries")["waiting"] == 1
    call(box, "POST", "/clock", hours=1)
    wait_until(box, lambda: b"late" in listener.got)
    assert b"never" not in listener.got
    states = {
        row["event_id"]: row["state"] for row in call(box, "GET", "/deliveries")["deliveries"]
    }
    assert states["never"] == "dropped"
    assert call(box, "POST", "/deliveries") == {"sent_again": 1}
    wait_until(box, lambda: b"never" in listener.got)


async def test_an_early_webhook_is_there_before_the_answer(listener: Listener) -> None:
    core = open_core()
    core.courier.register(Endpoint("stripe", listener.url, "whsec_1"))
    with core.truth.transaction():
        core.courier.emit("stripe", "evt_1", "charge.succeeded", b"early", before_answer=True)
        core.courier.emit("stripe", "evt_2", "charge.updated", b"later")
    await core.courier.before_answer()
    assert listener.got == [b"early"]
    await core.courier.before_answer()
    await core.courier.close()
    assert [row["state"] for row in core.courier.log()] == ["waiting", "delivered"]


async def test_an_early_webhook_without_a_call_comes_all_the_same(listener: Listener) -> None:
    clock = HandClock()
    core = open_core(clock=clock)
    core.courier.register(Endpoint("stripe", listener.url, "whsec_1"))
    core.courier.mischief = {"*": Mischief(early=1.0)}
    with core.truth.transaction():
        core.courier.emit("stripe", "evt_1", "charge.succeeded", b"of the agenda")
    clock.advance(timedelta(seconds=2))
    bringing = asyncio.create_task(core.courier.run())
    while core.courier.log()[0]["state"] != "delivered":
        await asyncio.sleep(0.01)
    bringing.cancel()
    await asyncio.gather(bringing, return_exceptions=True)
    assert listener.got == [b"of the agenda"]


async def test_a_signature_is_of_the_real_time_however_far_the_clock_was_moved(
    listener: Listener,
) -> None:
    core, moments = open_core(clock=HandClock()), list[datetime]()

    def sign(_s: str, _u: str, body: bytes, now: datetime, _r: int) -> tuple[bytes, Headers]:
        moments.append(now)
        return body, []

    courier = Courier(core.truth, core.clock, core.draws, {"stripe": Post((), 5.0, sign)})
    courier.register(Endpoint("stripe", listener.url, "whsec_1"))
    core.clock.advance(timedelta(days=5))
    with core.truth.transaction():
        courier.emit("stripe", "evt_1", "charge.succeeded", b"{}", before_answer=True)
    await courier.before_answer()
    await courier.close()
    assert moments == [HandClock().now()]


def test_all_psps_send_to_one_clearhouse_and_to_the_newest_only() -> None:
    core = open_core()
    for address in ("http://127.0.0.1:8080", "https://pay.shop.com/"):
        send_webhooks(core, address)
    assert {one.url for one in core.courier.endpoints()} == {
        f"https://pay.shop.com/v1/webhooks/{psp}" for psp in ("stripe", "braintree", "square")
    }


@pytest.mark.parametrize(
    ("path", "json"),
    [
        ("/clock", {"days": -1}),
        ("/clock", {"weeks": 1}),
        ("/webhooks", {"psp": "paypal", "url": "http://x", "secret": "s"}),
        ("/webhooks", {"psp": "stripe"}),
        ("/mischief", {"stripe": {"duplicate": 2}}),
        ("/actions", {"psp": "stripe", "action": "none", "id": "x"}),
        ("/deliveries/77", {"a": 1}),
    ],
)
def test_nonsense_is_refused_with_a_sentence(box: Running, path: str, json: Any) -> None:
    reply = httpx.post(f"{box.base_url}/_sandbox{path}", json=json, trust_env=False)
    assert reply.status_code == 400
    assert reply.json()["error"]
