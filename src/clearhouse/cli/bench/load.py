"""A load generator that costs little: raw HTTP/1.1 over kept connections.

Why not a client library: on two cores the generator takes from what it measures, and a
comfortable client costs more per request than the server under test.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import UnavailableError

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"


@dataclass(frozen=True, slots=True)
class Load:
    """What came back: answers per second, and their latencies in seconds, sorted."""

    per_second: float
    latencies: Sequence[float]

    def percentile(self, share: float) -> float:
        """The latency in milliseconds that ``share`` (0..1) of the answers stay below."""
        if not self.latencies:
            return 0.0
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)] * 1000


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post, and the API key to post with."""

    host: str
    port: int
    path: str
    token: str

    def request(self, body: bytes) -> bytes:
        """The whole request as bytes."""
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {self.host}\r\n"
            f"Authorization: Bearer {self.token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def post_for(
    target: Target, clock: Clock, bodies: Callable[[], bytes], *, connections: int, seconds: float
) -> Load:
    """Post bodies on some connections for some seconds; each waits for its answer.

    Raises UnavailableError at the first answer that is not 202.
    """
    latencies: list[float] = []
    began = clock.monotonic()
    end = began + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection(target.host, target.port)
        try:
            while (sent := clock.monotonic()) < end:
                writer.write(target.request(bodies()))
                await _answer(reader)
                latencies.append(clock.monotonic() - sent)
        finally:
            writer.close()

    refused: ExceptionGroup[UnavailableError] | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(client())
    except* UnavailableError as group_of_same:
        refused = group_of_same
    if refused is not None:
        # One clear sentence instead of a tree with the same in every branch.
        raise UnavailableError(str(refused.exceptions[0]))
    return Load(len(latencies) / (clock.monotonic() - began), sorted(latencies))


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(_HEAD_END)
    lower = head.lower()
    start = lower.index(_LENGTH) + len(_LENGTH)
    length = int(lower[start : lower.index(b"\r\n", start)])
    body = await reader.readexactly(length)
    if b" 202 " not in head[:16]:
        first = head.split(b"\r\n", 1)[0].decode(errors="replace")
        raise UnavailableError(f"The API answered {first}: {body[:200].decode(errors='replace')}")
