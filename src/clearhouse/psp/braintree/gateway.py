"""The only file that touches Braintree's SDK; what leaves it is typed, frozen and ours.

Blocking: it is called on the adapter's threads.
"""

# The SDK has no types; everything that enters from it is converted where it enters.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportMissingParameterType=false, reportAttributeAccessIssue=false

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import braintree
import requests
from braintree.exceptions.not_found_error import NotFoundError
from braintree.util.http import Http

from clearhouse.kernel.errors import ConfigurationError

_ENVIRONMENTS: Final = {
    "sandbox": braintree.Environment.Sandbox,
    "production": braintree.Environment.Production,
}


@dataclass(frozen=True, slots=True)
class Transaction:
    """What we read of a Braintree transaction; ``amount`` is in major units, as sent."""

    id: str
    status: str
    amount: str
    currency: str
    response_code: str = ""
    response_type: str = ""
    rejection: str = ""
    created_at: datetime | None = None
    order_id: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that Braintree did not execute: the codes of its validation errors."""

    codes: tuple[str, ...]


class Gateway:
    """Sales and searches of one merchant. Any thread may call it."""

    def __init__(
        self, credentials: Mapping[str, str], base_url: str | None, timeout_seconds: float
    ) -> None:
        # The SDK hands it to requests, which takes the time to connect and the time to read.
        limits: Any = (timeout_seconds / 2, timeout_seconds)
        configuration = braintree.Configuration(
            environment_of(credentials["environment"], base_url),
            credentials["merchant_id"],
            credentials["public_key"],
            credentials["private_key"],
            timeout=limits,
            wrap_http_exceptions=True,
            http_strategy=_Wire,
        )
        self._wire: Any = configuration.http_strategy()
        self._gateway = braintree.BraintreeGateway(configuration)

    def sale(self, params: dict[str, Any]) -> Transaction | Refusal:
        """Charge. Raises the SDK's exceptions."""
        result: Any = self._gateway.transaction.sale(params)
        made: Any = result.transaction
        if made is not None:
            return _read(made)
        return Refusal(tuple(str(error.code) for error in result.errors.deep_errors))

    def sales_of(self, order_id: str, since: datetime) -> list[Transaction]:
        """All sales with this order id, made since then (aware). Raises the SDK's exceptions."""
        search: Any = braintree.TransactionSearch
        found: Any = self._gateway.transaction.search(
            [search.order_id == order_id, search.created_at >= _naive(since)]
        )
        sales = [_read(each) for each in found if each.type == "sale"]
        return [sale for sale in sales if sale.order_id == order_id]

    def sales_between(self, since: datetime, until: datetime) -> Iterator[Transaction]:
        """All sales made in a window (aware); each page is fetched when its first is taken."""
        search: Any = braintree.TransactionSearch
        window: Any = search.created_at.between(_naive(since), _naive(until))
        found: Any = self._gateway.transaction.search([window, search.type == "sale"])
        return (_read(each) for each in found if each.type == "sale")

    def sale_by_id(self, identifier: str) -> Transaction | None:
        """One transaction, None when there is none. Raises the SDK's exceptions."""
        try:
            return _read(self._gateway.transaction.find(identifier))
        except NotFoundError:
            return None

    def close(self) -> None:
        """Close the connections of all threads."""
        self._wire.close_all()


class _Wire(Http):  # pyright: ignore[reportUntypedBaseClass] - the SDK has no types
    """The SDK's transport, minus three surprises.

    It neither reads proxies from the environment (the SDK ignores NO_PROXY, so a proxy would
    get loopback calls), nor follows redirects, nor skips the check of a certificate where an
    environment names none. And it remembers its sessions, one per thread, to close them all.
    """

    def __init__(self, config: Any, environment: Any = None) -> None:
        super().__init__(config, environment)
        self._lock = threading.Lock()
        self._sessions: set[requests.Session] = set()

    def http_do(self, http_verb: str, path: str, headers: Any, request_body: Any) -> list[Any]:
        session = self._get_session()
        with self._lock:
            self._sessions.add(session)
        prepared = requests.Request(http_verb, path, headers=headers, data=request_body).prepare()
        response = session.send(
            prepared,
            verify=self.environment.ssl_certificate or True,
            timeout=self.config.timeout,
            allow_redirects=False,
            proxies={},
        )
        return [response.status_code, response.text]

    def close_all(self) -> None:
        with self._lock:
            for session in self._sessions:
                session.close()
            self._sessions.clear()


class _Elsewhere(braintree.Environment):  # pyright: ignore[reportUntypedBaseClass]
    """Another server than Braintree's own, told by its URL; used for the sandbox alone."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        super().__init__("elsewhere", parts.netloc, "", base_url, False, None)
        self._scheme = f"{parts.scheme}://"
        self._place = (parts.netloc + parts.path).rstrip("/")

    @property
    def base_url(self) -> str:
        return self._scheme + self._place

    @property
    def protocol(self) -> str:
        return self._scheme

    @property
    def server_and_port(self) -> str:
        return self._place

    @property
    def graphql_server_and_port(self) -> str:
        return self._place


def environment_of(name: str, base_url: str | None) -> braintree.Environment:
    """Braintree's own environments pin its certificates, so they are never rebuilt by URL."""
    if base_url is not None:
        return _Elsewhere(base_url)
    if name not in _ENVIRONMENTS:
        raise ConfigurationError(
            "The PSP braintree does not know this environment.",
            hint="Write sandbox or production.",
        )
    return _ENVIRONMENTS[name]


def _naive(moment: datetime) -> datetime:
    """The SDK prints times as they are and calls them UTC, so that is what it must get."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _read(made: Any) -> Transaction:
    created: datetime | None = getattr(made, "created_at", None)
    return Transaction(
        id=str(made.id),
        status=str(made.status),
        amount=str(made.amount),
        currency=str(getattr(made, "currency_iso_code", None) or ""),
        response_code=str(getattr(made, "processor_response_code", None) or ""),
        response_type=str(getattr(made, "processor_response_type", None) or ""),
        rejection=str(getattr(made, "gateway_rejection_reason", None) or ""),
        # The SDK's parser converts to UTC and drops the zone.
        created_at=created.replace(tzinfo=UTC) if created else None,
        order_id=str(getattr(made, "order_id", None) or ""),
    )
