"""What can go wrong between a PSP and us, and when it does: on demand or by seeded rate.

Two ways to ask for a fault: the header ``X-Sandbox-Fault`` on one request, or, since SDKs
hide their headers, an order in the queue here (served by the control API). What neither
asks for is drawn by rate from a seeded randomness, so a round can be repeated.
"""

import math
from collections.abc import Callable, Mapping
from enum import StrEnum
from statistics import NormalDist
from typing import Annotated, Final

import msgspec

from clearhouse.kernel.randomness import Randomness

NotNegative = Annotated[float, msgspec.Meta(ge=0)]


class Fault(StrEnum):
    """One way in which a call goes wrong; the comment says whether the charge happened."""

    LOST_REQUEST = "lost-request"
    """The connection is cut before anything happens: not charged."""
    LOST_ANSWER = "lost-answer"
    """It happens, then the connection is cut without an answer: charged."""
    RESET = "reset"
    """It happens, half of the answer is sent, then the connection is reset (RST): charged."""
    ERROR_BEFORE = "error-before"
    """A 503 from the PSP's edge, nothing reached the endpoint: not charged."""
    ERROR_AFTER = "error-after"
    """It happens, its answer is replaced by a 503 from the edge: charged. A repeat with the
    same key gets the true answer."""
    ERROR_STORED = "error-stored"
    """It happens, then the endpoint fails with a 500 that the PSP stores under the key, so
    each repeat gets the 500 again (Stripe documents this): charged, found by look-up only.
    A PSP that stores no such thing treats it as ``error-after``."""
    CONFLICT = "conflict"
    """A 409 in the PSP's own words: not charged."""
    RATE_LIMITED = "rate-limited"
    """A 429 with ``Retry-After``: not charged."""
    SLOW_BODY = "slow-body"
    """It happens and the answer arrives, its body in small pieces over ``slow_seconds``."""
    HANG = "hang"
    """It happens and no answer ever comes; the client must give up: charged."""
    HANG_BEFORE = "hang-before"
    """Nothing happens and no answer ever comes: not charged."""


BEFORE: Final = frozenset(
    {
        Fault.LOST_REQUEST,
        Fault.ERROR_BEFORE,
        Fault.CONFLICT,
        Fault.RATE_LIMITED,
        Fault.HANG_BEFORE,
    }
)
"""The faults that keep the request from its endpoint: nothing was charged."""

STATUS: Final[Mapping[Fault, int]] = {
    Fault.ERROR_BEFORE: 503,
    Fault.ERROR_AFTER: 503,
    Fault.ERROR_STORED: 500,
    Fault.CONFLICT: 409,
    Fault.RATE_LIMITED: 429,
}
"""The HTTP status that a fault answers with; the others answer with none, or with the true one."""


CHANGES: Final = frozenset(
    {
        *("charge", "confirm", "capture", "cancel", "refund", "page", "dispute"),
        *("transfer", "payout"),
    }
)
"""The operations that change something at a PSP: those that rates apply to."""


class FaultOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Faults asked for: the next ``times`` requests that fit get ``fault``.

    ``psp`` and ``operation`` of None fit all. ``match`` is our reference (or, for requests
    without one, the PSP's object id); None fits all.
    """

    fault: Fault
    psp: str | None = None
    operation: str | None = "charge"
    times: Annotated[int, msgspec.Meta(ge=1)] = 1
    match: str | None = None


class Latency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the PSP works: log-normal, told by its median and its 99th percentile in ms."""

    median_ms: NotNegative = 0.0
    p99_ms: NotNegative = 0.0

    def seconds(self, randomness: Randomness) -> float:
        """One draw in seconds; 0 when the median is 0."""
        if self.median_ms <= 0:
            return 0.0
        spread = max(self.p99_ms, self.median_ms) / self.median_ms
        sigma = math.log(spread) / NormalDist().inv_cdf(0.99)
        draw = NormalDist().inv_cdf(randomness.uniform(1e-9, 1 - 1e-9))
        return self.median_ms * math.exp(sigma * draw) / 1000


Rates = dict[str, dict[Fault, float]]
"""PSP name, or ``*`` for all, to fault to its share of the calls that change something."""


class Faults:
    """Decides the fault of each request: header first, then the queue, then the rates."""

    def __init__(self, randomness: Randomness, rates: Rates | None = None) -> None:
        self._randomness = randomness
        self._queue: list[FaultOrder] = []
        self.rates: Rates = rates or {}

    def order(self, order: FaultOrder) -> None:
        """Queue faults; they are used up in the order in which they were asked for."""
        self._queue.append(order)

    def waiting(self) -> list[FaultOrder]:
        """The orders that are not used up yet."""
        return list(self._queue)

    def clear(self) -> None:
        """Forget all orders; the rates stay."""
        self._queue.clear()

    def choose(
        self, psp: str, operation: str, header: str | None, reference: Callable[[], str | None]
    ) -> Fault | None:
        """The fault of one request, or None. ``reference`` is asked only when an order needs it.

        Raises ValueError when the header names no fault.
        """
        if header is not None:
            return Fault(header)
        if self._queue:
            ordered = self._take(psp, operation, reference)
            if ordered is not None:
                return ordered
        if not self.rates or operation not in CHANGES:
            return None
        return self._draw(self.rates.get(psp) or self.rates.get("*") or {})

    def _take(self, psp: str, operation: str, reference: Callable[[], str | None]) -> Fault | None:
        for index, order in enumerate(self._queue):
            if order.psp not in {None, psp} or order.operation not in {None, operation}:
                continue
            if order.match is not None and order.match != reference():
                continue
            if order.times > 1:
                self._queue[index] = msgspec.structs.replace(order, times=order.times - 1)
            else:
                del self._queue[index]
            return order.fault
        return None

    def _draw(self, rates: Mapping[Fault, float]) -> Fault | None:
        left = self._randomness.uniform(0.0, 1.0)
        for fault, rate in rates.items():
            if left < rate:
                return fault
            left -= rate
        return None
