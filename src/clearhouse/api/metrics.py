"""The API's own metrics; the names are documented in docs/reference/metrics.md.

Labels are routes (``/v1/payments/{payment_order_id}``), never paths, so that their number is
fixed. Children are kept in a dictionary, since looking labels up costs as much as counting.
"""

from typing import Final
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

UNROUTED: Final = "unrouted"
"""The route of requests that found none."""
_METHODS: Final = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_BUCKETS: Final = (0.002, 0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class ApiMetrics:
    """Counts and times every request; made by ``metrics_in``, once for each registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "clearhouse_http_requests_total",
            "HTTP requests answered.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "clearhouse_http_request_duration_seconds",
            "From a request's first byte read to its answer's last byte handed over.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=registry,
        )
        self.in_flight = Gauge(
            "clearhouse_http_requests_in_flight",
            "HTTP requests being worked on.",
            registry=registry,
        )
        self._problems = Counter(
            "clearhouse_http_problems_total",
            "Problem answers by type.",
            ("type",),
            registry=registry,
        )
        self._webhooks = Counter(
            "clearhouse_webhooks_received_total",
            "Webhooks of PSPs: new, repeated, or refused for want of a good signature.",
            ("psp", "result"),
            registry=registry,
        )
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note one answered request."""
        if method not in _METHODS:
            method = "other"
        children = self._children.get((method, route, status))
        if children is None:
            children = (
                self._requests.labels(method, route, str(status)),
                self._seconds.labels(method, route),
            )
            self._children[method, route, status] = children
        children[0].inc()
        children[1].observe(seconds)

    def webhook(self, psp: str, result: str) -> None:
        """Note one webhook of a PSP that is known to send them."""
        self._webhooks.labels(psp, result).inc()

    def problem(self, slug: str) -> None:
        """Note one problem answer."""
        self._problems.labels(slug).inc()


_made: Final[WeakKeyDictionary[CollectorRegistry, ApiMetrics]] = WeakKeyDictionary()


def metrics_in(registry: CollectorRegistry) -> ApiMetrics:
    """The API's metrics of a registry; several applications of one process share them."""
    if registry not in _made:
        _made[registry] = ApiMetrics(registry)
    return _made[registry]
