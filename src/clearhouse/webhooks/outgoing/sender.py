"""Sends one message: signed as Standard Webhooks has it, to no address but a public one."""

import asyncio
import socket
import ssl
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from standardwebhooks.webhooks import Webhook
from yarl import URL

from clearhouse.kernel.clock import Clock
from clearhouse.webhooks.outgoing.destinations import DestinationRefused, destination_of, refusal
from clearhouse.webhooks.outgoing.lifecycle import Answer
from clearhouse.webhooks.outgoing.model import Claimed, Sent

_MOST_READ: Final = 4096
_LONGEST_WAIT: Final = timedelta(days=1)


class Sender:
    """Sends claimed deliveries; one object belongs to one event loop.

    ``private`` allows http and private addresses, for development. Proxies of the environment are
    not used: they would resolve names again, behind our back.
    """

    def __init__(
        self, clock: Clock, *, timeout_seconds: float, concurrency: int, private: bool
    ) -> None:
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._concurrency = concurrency
        self._private = private
        self._session: aiohttp.ClientSession | None = None

    async def send(self, claimed: Claimed) -> Sent:
        """Send once and say what came of it; never raises for what the endpoint does."""
        now, started = self._clock.now(), self._clock.monotonic()
        answer = await self._try(claimed, now)
        took = self._clock.monotonic() - started
        return Sent(claimed, now, answer, round(took * 1000))

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _try(self, claimed: Claimed, now: datetime) -> Answer:
        if not claimed.secrets:
            return Answer(None, "its secret does not open: an encryption key is missing")
        try:
            wanted = destination_of(claimed.url, development=self._private)
            url = URL(claimed.url, encoded=True)
            if (url.host or "").rstrip(".") != wanted.host or url.port != wanted.port:
                return Answer(None, "the URL can be read in two ways")
            async with self._http().post(
                url,
                data=claimed.payload.encode(),
                headers=signed_headers(claimed, now),
                allow_redirects=False,
            ) as response:
                await response.content.read(_MOST_READ)
                return Answer(response.status, _said(response), _retry_after(response))
        except DestinationRefused as error:
            return Answer(None, error.message)
        except _InnerAddress as error:
            return Answer(None, f"the name leads to {error}")
        except TimeoutError:
            return Answer(None, "no answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(None, _reason(error))

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._concurrency,
                resolver=JudgingResolver(private=self._private),
                use_dns_cache=False,
                ssl=ssl.create_default_context(),
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session


class JudgingResolver(AbstractResolver):
    """Resolves a name once and judges every address; what it returns is what is connected to."""

    def __init__(self, *, private: bool) -> None:
        self._private = private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """All addresses of a name. Raises when one of them is not public (or none is found)."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        results: list[ResolveResult] = []
        for number, _, proto, _, address in found:
            why = None if self._private else refusal(ip_address(address[0]))
            if why is not None:
                raise _InnerAddress(why)
            results.append(
                ResolveResult(
                    hostname=host,
                    host=str(address[0]),
                    port=port,
                    family=number,
                    proto=proto,
                    flags=socket.AI_NUMERICHOST,
                )
            )
        return results

    async def close(self) -> None:
        """Nothing to give back."""


class _InnerAddress(Exception):
    """A name that leads into a network that is nobody's business."""


def signed_headers(claimed: Claimed, now: datetime) -> dict[str, str]:
    """The headers of one try, signed with every valid secret (https://www.standardwebhooks.com)."""
    message_id = claimed.key.message_id
    signatures = [Webhook(one).sign(message_id, now, claimed.payload) for one in claimed.secrets]
    return {
        "content-type": "application/json",
        "user-agent": "clearhouse-webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _said(response: aiohttp.ClientResponse) -> str:
    if 200 <= response.status < 300:
        return ""
    if 300 <= response.status < 400:
        return "a redirect, which is not followed"
    return f"HTTP {response.status}"


def _retry_after(response: aiohttp.ClientResponse) -> timedelta | None:
    text = response.headers.get("retry-after", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        return None
    return min(timedelta(seconds=int(text)), _LONGEST_WAIT)


def _reason(error: Exception) -> str:
    """One line for people; nothing of an address that a name led to."""
    cause: Any = getattr(error, "os_error", None)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "the certificate is not valid for this name"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the name is not found"
    if isinstance(cause, ConnectionRefusedError):
        return "the connection is refused"
    return f"the connection failed ({type(error).__name__})"
