"""The one ASGI application: routing, faults, latency, and the control API.

URL layout, all on one port and without a prefix, as the SDKs want it:

=====================  ==========================================================
Stripe                 ``/v1/...``
Square                 ``/v2/payments...``, ``/v2/locations...``
Braintree              ``/merchants/{merchant_id}/...``, ``/graphql``
the bank               ``/bank/...``
the sandbox itself     ``/_sandbox/...`` (see ``control.py``)
=====================  ==========================================================

What makes the SDKs call it: ``StripeClient(key, base_addresses={"api": base})``,
``Square(token=..., base_url=base)``, and for Braintree an ``Environment`` with host and port.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from clearhouse.sandbox import board, control, desk, settlement_desk
from clearhouse.sandbox.bank import routes as bank
from clearhouse.sandbox.braintree import routes as braintree
from clearhouse.sandbox.core import Core, Request, Response, Route
from clearhouse.sandbox.faults import BEFORE, STATUS, Fault
from clearhouse.sandbox.routing import Router
from clearhouse.sandbox.square import routes as square
from clearhouse.sandbox.stripe import routes as stripe

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_LOG = structlog.get_logger(__name__)
_SLOW_PIECES = 8
_UNKNOWN = (
    b'{"error": {"type": "invalid_request_error", "message": "The sandbox has no such endpoint."},'
    b' "errors": [{"category": "INVALID_REQUEST_ERROR", "code": "NOT_FOUND",'
    b' "detail": "The sandbox has no such endpoint."}]}'
)
"""For a path that no PSP has here: an error in the words of Stripe and Square at once."""


def create_app(core: Core) -> App:
    """The ASGI application over a core; needs ``protocol.CuttableProtocol`` for cut connections."""
    return _Application(core)


class _Application:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._router = Router(_routes(core))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        method, path = scope["method"], scope["path"]
        body = await _read(receive)
        found = self._router.find(method, path)
        if found is None:
            await _answer(send, Response(404, _UNKNOWN, [("content-type", "application/json")]))
            return
        route, params = found
        query = scope["query_string"].decode("latin-1")
        request = Request(method, path, query, headers, body, params)
        request.work = self._worker(route)
        wire = _Wire(scope, receive, send)
        try:
            await self._serve(route, request, wire)
        except Exception:  # noqa: BLE001 - a bug in one handler must not stop the sandbox
            _LOG.exception("sandbox.handler_failed", psp=route.psp, path=path)
            await _answer(send, route.failure(request, 500))

    def _worker(self, route: Route) -> Callable[[], Awaitable[None]]:
        async def work() -> None:
            seconds = self._core.latency(route.psp)
            if seconds > 0:
                await self._core.clock.sleep(seconds)

        return work

    async def _serve(self, route: Route, request: Request, wire: "_Wire") -> None:
        header = request.headers.get("x-sandbox-fault")
        try:
            fault = self._core.faults.choose(
                route.psp, route.operation, header, lambda: route.reference(request)
            )
        except ValueError as error:
            await _answer(wire.send, Response(400, str(error).encode()))
            return
        request.fault = fault
        if fault is None:
            response = await route.handler(request)
            await request.working_time()
            await self._core.courier.before_answer()
            await _answer(wire.send, response)
        elif fault in BEFORE:
            await request.working_time()
            await self._refuse(route, request, fault, wire)
        else:
            response = await route.handler(request)
            await request.working_time()
            await self._core.courier.before_answer()
            await self._spoil(route, request, fault, response, wire)

    async def _refuse(self, route: Route, request: Request, fault: Fault, wire: "_Wire") -> None:
        if fault is Fault.LOST_REQUEST:
            await wire.cut()
        elif fault is Fault.HANG_BEFORE:
            await wire.hang()
        else:
            response = route.failure(request, STATUS[fault])
            if fault is Fault.RATE_LIMITED:
                seconds = str(self._core.settings.retry_after_seconds)
                response.headers.append(("retry-after", seconds))
            await _answer(wire.send, response)

    async def _spoil(
        self, route: Route, request: Request, fault: Fault, response: Response, wire: "_Wire"
    ) -> None:
        if fault is Fault.LOST_ANSWER:
            await wire.cut()
        elif fault is Fault.HANG:
            await wire.hang()
        elif fault is Fault.RESET:
            await wire.reset(response)
        elif fault is Fault.SLOW_BODY:
            pause = self._core.settings.slow_seconds / _SLOW_PIECES
            await wire.dribble(response, pause, self._core.clock.sleep)
        else:
            await _answer(wire.send, route.failure(request, STATUS[fault]))


class _Wire:
    """The connection of one request, with the ways to spoil it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self.send = send

    def _transport(self) -> asyncio.Transport:
        return self._scope["extensions"]["sandbox.transport"]["transport"]

    async def hang(self) -> None:
        """Never answer; returns when the client has given up."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def cut(self) -> None:
        """Close the connection without an answer: the client sees it closed by the server."""
        self._transport().abort()
        await self.hang()

    async def reset(self, response: Response) -> None:
        """Send half of the answer, then RST: the client sees a connection reset."""
        await _start(self.send, response)
        half = response.body[: len(response.body) // 2]
        await self.send({"type": "http.response.body", "body": half, "more_body": True})
        transport = self._transport()
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await self.hang()

    async def dribble(
        self, response: Response, pause: float, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        """Send the answer in small pieces with a pause before each."""
        await _start(self.send, response)
        size = max(1, -(-len(response.body) // _SLOW_PIECES))
        for start in range(0, len(response.body), size):
            await sleep(pause)
            piece = response.body[start : start + size]
            await self.send({"type": "http.response.body", "body": piece, "more_body": True})
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})


def _routes(core: Core) -> list[Route]:
    return [
        *control.routes(core),
        *desk.routes(core),
        *board.routes(core),
        *settlement_desk.routes(core),
        *stripe.routes(core),
        *braintree.routes(core),
        *square.routes(core),
        *bank.routes(core),
    ]


async def _read(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


async def _start(send: Send, response: Response) -> None:
    headers = [(b"content-length", str(len(response.body)).encode())]
    headers += [(n.encode("latin-1"), v.encode("latin-1")) for n, v in response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})


async def _answer(send: Send, response: Response) -> None:
    await _start(send, response)
    await send({"type": "http.response.body", "body": response.body})
