"""How long is waited for what, and how often it is asked again: pure, no clock, no randomness."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from clearhouse.payments.model import Call, StatusReason
from clearhouse.psp.contract import Capabilities, DeclineReason
from clearhouse.psp.routing import ELSEWHERE

UNDECIDED: Final = frozenset(
    {
        StatusReason.PROCESSING,
        StatusReason.PENDING_REVIEW,
        StatusReason.REQUIRES_ACTION,
        StatusReason.AUTHORIZED,
        StatusReason.CONTRADICTION,
    }
)
"""The PSP holds the payment and has not decided: it is looked up, never charged again."""

CARD_WINDOW: Final = timedelta(days=30)
"""The time in which the card networks count the declined attempts of a card."""

DEFAULT_LIMITS: Final[Mapping[StatusReason, timedelta]] = {
    StatusReason.PROCESSING: timedelta(days=3),
    StatusReason.PENDING_REVIEW: timedelta(days=5),
    StatusReason.REQUIRES_ACTION: timedelta(hours=24),
    StatusReason.AUTHORIZED: timedelta(days=8),
    StatusReason.UNKNOWN_OUTCOME: timedelta(hours=1),
    StatusReason.PSP_UNAVAILABLE: timedelta(hours=1),
    StatusReason.FAILED_OVER: timedelta(hours=1),
}
"""How long an order may wait for a reason before a person is told; settings override it."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to wait before the next call, and how often a soft decline is tried again.

    Waits for answers double from ``first`` up to ``longest``. A payment that the PSP holds
    undecided is asked about at half the time that it has waited already, between ``first`` and
    ``poll_longest``, so that a review of days costs few calls. After soft decline number n the
    next attempt waits ``decline_first`` times ``decline_factor`` to the power of n - 1. A PSP that
    took nothing ``failover_tries`` times is left for another that could take it; 0: never. One
    that declines for one of ``failover_declines`` is left at once.
    """

    first: timedelta = timedelta(seconds=0.5)
    longest: timedelta = timedelta(minutes=5)
    poll_longest: timedelta = timedelta(hours=1)
    soft_declines: int = 0
    decline_first: timedelta = timedelta(seconds=10)
    decline_factor: float = 6.0
    card_declines: int = 15
    failover_tries: int = 2
    failover_declines: frozenset[DeclineReason] = ELSEWHERE
    limits: Mapping[StatusReason, timedelta] = field(default_factory=lambda: DEFAULT_LIMITS)

    def wait(self, tries: int, jitter: float) -> timedelta:
        """The wait after ``tries`` fruitless calls; ``jitter`` in 0..1 spreads it over 50-100 %."""
        doubled = self.first * 2 ** min(tries, 30)
        return min(doubled, self.longest) * (0.5 + jitter / 2)

    def poll(self, waited: timedelta, jitter: float) -> timedelta:
        """The wait before an undecided payment is asked about again, after ``waited``."""
        return min(max(waited / 2, self.first), self.poll_longest) * (0.5 + jitter / 2)

    def after_decline(self, number: int, jitter: float) -> timedelta:
        """The wait before the attempt after soft decline ``number`` (from 1)."""
        grown = self.decline_first * self.decline_factor ** min(number - 1, 8)
        return grown * (0.5 + jitter / 2)

    def overdue(self, reason: StatusReason | None, waited: timedelta) -> bool:
        """Whether an order has waited longer for its reason than it may: a person must look."""
        limit = self.limits.get(reason) if reason else None
        return limit is not None and waited > limit


def key_expired(attempted_at: datetime, now: datetime, capabilities: Capabilities) -> bool:
    """Whether the PSP may have forgotten a key first sent at ``attempted_at``. Times are UTC.

    A tenth of the key's lifetime is kept as a margin against skewed clocks and slow calls
    (invariants I11 and I12).
    """
    return now - attempted_at > capabilities.idempotency_key_lifetime * 0.9


def look_up_proves(charged_at: datetime, now: datetime, capabilities: Capabilities) -> bool:
    """Whether a look-up that finds nothing proves that nothing was charged. Times are UTC.

    ``charged_at`` is when a call that could charge was last sent: it may still be under way
    at the PSP for a while, even if its sender has died.
    """
    return now - charged_at > capabilities.look_up_proves_after


def next_call(reason: StatusReason | None, *, expired: bool) -> Call:
    """Charge with the same key while the PSP is sure to remember it; only look up after that.

    A payment that the PSP holds undecided is looked up as well: asking it to charge again
    tells nothing new.
    """
    return Call.LOOK_UP if expired or reason in UNDECIDED else Call.CHARGE
