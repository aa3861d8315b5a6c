"""The way to Stripe: the official SDK on one set of connections, with our bounds on every call."""

import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import aiohttp
import stripe

from clearhouse.psp.calls import Calls
from clearhouse.psp.contract import PspConfig

T = TypeVar("T")
_FILES: Final = "https://files.stripe.com"

# With telemetry the SDK writes a file into the user's home; at DEBUG it logs whole payloads.
stripe.enable_telemetry = False
logging.getLogger("stripe").setLevel(logging.WARNING)


class Connection:
    """One account at Stripe. One object belongs to one event loop."""

    def __init__(self, secret_key: str, config: PspConfig) -> None:
        self._secret_key = secret_key
        self._config = config
        self._calls = Calls(config.concurrency, config.timeout_seconds)
        self._http: stripe.AIOHTTPClient | None = None
        self._stripe: stripe.StripeClient | None = None

    async def run(self, call: Callable[[stripe.StripeClient], Awaitable[T]]) -> T:
        """One call within the bounds; raises what the SDK raises, and TimeoutError."""
        return await self._calls.run(lambda: call(self.client()))

    def client(self) -> stripe.StripeClient:
        """Made at the first call, since its connections belong to the running event loop."""
        if self._stripe is None:
            limit = self._config.timeout_seconds
            self._http = _Http(
                timeout=aiohttp.ClientTimeout(total=limit, connect=limit / 2),
                connector=aiohttp.TCPConnector(
                    limit=self._config.concurrency,
                    ssl=ssl.create_default_context(cafile=stripe.ca_bundle_path),
                ),
            )
            base = self._config.base_url
            self._stripe = stripe.StripeClient(
                self._secret_key,
                base_addresses={"api": base.rstrip("/")} if base else {},
                max_network_retries=0,
                http_client=self._http,
            )
        return self._stripe

    def file(self, identifier: str) -> tuple[str, dict[str, str], float]:
        """Where a file of Stripe's is, the headers to get it with, and the time limit.

        The address is made here and not taken from an answer, since the key goes there.
        """
        base = (self._config.base_url or _FILES).rstrip("/")
        headers = {"Authorization": f"Bearer {self._secret_key}"}
        return f"{base}/v1/files/{identifier}/contents", headers, self._config.timeout_seconds

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close_async()
            self._http = self._stripe = None


class _Http(stripe.AIOHTTPClient):
    """The SDK's client, which follows no redirect: another host would speak for Stripe."""

    def _get_request_args_kwargs(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any
    ) -> tuple[Any, dict[str, Any]]:
        sdk: Any = super()
        args, options = sdk._get_request_args_kwargs(  # noqa: SLF001 - the one place to say it
            method, url, headers, post_data
        )
        return args, {**options, "allow_redirects": False}
