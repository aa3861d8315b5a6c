"""How Braintree is reached: the SDK's transport minus its surprises, and other servers by URL."""

# The SDK has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportMissingParameterType=false, reportAttributeAccessIssue=false

import threading
from typing import Any, Final
from urllib.parse import urlsplit

import braintree
import requests
from braintree.util.http import Http

from clearhouse.kernel.errors import ConfigurationError

_ENVIRONMENTS: Final = {
    "sandbox": braintree.Environment.Sandbox,
    "production": braintree.Environment.Production,
}


class Wire(Http):  # pyright: ignore[reportUntypedBaseClass] - the SDK has no types
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
