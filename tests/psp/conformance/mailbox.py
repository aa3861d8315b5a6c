"""Where the sandbox sends a PSP's webhooks, kept as they came."""

import asyncio
from collections.abc import Callable
from typing import Any, Self

from clearhouse.psp.notices import Notice, RawWebhook

_PATIENCE = 15.0
_TAKEN = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def telling(what: str) -> Callable[[Any], Any]:
    """Marks a test for the PSPs whose webhooks tell of this (``Profile.tells``)."""

    def mark(test: Any) -> Any:
        test.tells = what
        return test

    return mark


class Mailbox:
    """An HTTP server that takes everything, answers 200, and remembers."""

    def __init__(self) -> None:
        self.url = ""
        self.taken: list[RawWebhook] = []
        self._came = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/webhooks?from=sandbox"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def some(
        self, number: int, fits: Callable[[RawWebhook], bool] = lambda _: True
    ) -> list[RawWebhook]:
        """That many webhooks that fit, or more, awaited."""
        async with asyncio.timeout(_PATIENCE), self._came:
            while len(found := [one for one in self.taken if fits(one)]) < number:
                await self._came.wait()
        return found

    async def notice(self, adapter: Any, fits: Callable[[Any], bool]) -> Any:
        """The first notice of any webhook that fits, awaited."""

        def fitting(webhook: RawWebhook) -> list[Notice]:
            return [one for one in adapter.read(webhook.body).notices if fits(one)]

        [first, *_] = await self.some(1, lambda webhook: bool(fitting(webhook)))
        return fitting(first)[0]

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = [line.split(": ", 1) for line in head.split("\r\n")[1:] if line]
        headers = {name.lower(): value for name, value in lines}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        async with self._came:
            self.taken.append(RawWebhook(headers, body, self.url))
            self._came.notify_all()
        writer.write(_TAKEN)
        await writer.drain()
        writer.close()
