"""The way to Square: the official SDK on one set of connections, with our bounds on every call."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import httpx
from pydantic import BaseModel
from square import AsyncSquare
from square.core.request_options import RequestOptions
from square.environment import SquareEnvironment

from clearhouse.kernel.errors import UnavailableError
from clearhouse.psp.calls import Calls
from clearhouse.psp.contract import PspConfig
from clearhouse.psp.credentials import PerCurrency

T = TypeVar("T", bound=BaseModel)

ONCE: Final = RequestOptions(max_retries=0)
"""The SDK's own retries would repeat 409 and 5xx for seconds, outside our backoff."""

ENVIRONMENTS: Final = {
    "sandbox": SquareEnvironment.SANDBOX,
    "production": SquareEnvironment.PRODUCTION,
}


class Connection:
    """One account at Square; ``locations`` says where a currency is charged."""

    def __init__(
        self, token: str, environment: str, locations: PerCurrency, config: PspConfig
    ) -> None:
        self.locations = locations
        self._calls = Calls(config.concurrency, config.timeout_seconds)
        # Our own client: proxies are not read from the environment, redirects not followed.
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(config.timeout_seconds, connect=config.timeout_seconds / 2),
            limits=httpx.Limits(
                max_connections=config.concurrency, max_keepalive_connections=config.concurrency
            ),
            follow_redirects=False,
            trust_env=False,
        )
        self._square = AsyncSquare(
            token=token,
            base_url=config.base_url,
            environment=ENVIRONMENTS[environment],
            httpx_client=self._http,
        )

    async def run(self, call: Callable[[AsyncSquare], Awaitable[T]]) -> dict[str, Any]:
        """One call within the bounds, its reply as plain values.

        Raises what the SDK and httpx raise, and TimeoutError. A reply of HTTP 200 may hold errors.
        """
        return fields_of(await self._calls.run(lambda: call(self._square)))

    async def page(self, call: Callable[[AsyncSquare], Awaitable[Any]]) -> Any:
        """One page of a list within the bounds, as the SDK's pager."""
        return await self._calls.run(lambda: call(self._square))

    async def all_locations(self) -> list[str | None]:
        """The locations that are charged; None stands for the main one."""
        if not self.locations.pattern:
            return [*sorted(set(self.locations.by_currency.values()))] or [None]
        reply = await self.run(lambda square: square.locations.list(request_options=ONCE))
        return [location["id"] for location in reply.get("locations") or ()]

    async def main_location(self) -> str:
        """The id of the location that Square takes where none is named."""
        reply = await self.run(lambda square: square.locations.get("main", request_options=ONCE))
        return str(reply["location"]["id"])

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def fields_of(model: BaseModel) -> dict[str, Any]:
    """A reply as plain values; pydantic's own dump, the SDK's ``dict()`` takes 50 times as long."""
    return model.model_dump(by_alias=True, exclude_none=True)


def unread(error: Exception) -> UnavailableError:
    """Why Square's records could not be read, without what the SDK says of the request."""
    return UnavailableError(f"Square's records could not be read ({type(error).__name__}).")


def rfc3339(moment: datetime) -> str:
    """A time as Square takes it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
