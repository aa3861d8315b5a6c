"""What becomes of a delivery and of its endpoint: pure rules, no clock, no randomness.

::

    delivery   WAITING ──2xx──▶ DELIVERED
                  │ └──later─▶ WAITING (next try)
                  └──last try─▶ FAILED ──resend──▶ WAITING
    endpoint   ENABLED ──410, or DISABLE_AFTER of failures──▶ DISABLED ──enable──▶ ENABLED
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

SCHEDULE: Final = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=18),
    timedelta(hours=22),
)
"""The waits between tries: eleven tries in three days, as Standard Webhooks suggests."""

DISABLE_AFTER: Final = timedelta(days=5)
"""An endpoint that took nothing for so long, though it was tried, is switched off with a notice."""

_LONGEST_WISH: Final = timedelta(hours=24)


class DeliveryState(StrEnum):
    """Where a delivery is; each says who moves it next."""

    WAITING = "waiting"
    """A dispatcher sends it when its time comes. → DELIVERED, FAILED"""
    DELIVERED = "delivered"
    """The endpoint answered 2xx. Final."""
    FAILED = "failed"
    """Every try failed, or the endpoint was switched off; a person may send it again. → WAITING"""


class EndpointState(StrEnum):
    """Whether an endpoint is called."""

    ENABLED = "enabled"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one try: an HTTP status, or None with the ``error`` in one line.

    ``retry_after`` is the endpoint's wish, if it sent one.
    """

    status: int | None
    error: str = ""
    retry_after: timedelta | None = None

    @property
    def accepted(self) -> bool:
        """Only 2xx accepts; a redirect is not followed and does not."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """410: the merchant says that nothing should ever be sent there again."""
        return self.status == 410


@dataclass(frozen=True, slots=True)
class Delivered:
    """The state after a try; ``wait`` until the next one where it is WAITING."""

    state: DeliveryState
    wait: timedelta = timedelta(0)


def after(answer: Answer, tries: int, jitter: float) -> Delivered:
    """What follows from the answer to try number ``tries`` (from 1).

    ``jitter`` in 0..1 spreads the waits over 80 to 120 %, so that what failed together is not
    tried together. A wish for a longer wait is granted, up to a day.
    """
    if answer.accepted:
        return Delivered(DeliveryState.DELIVERED)
    if answer.is_gone or tries > len(SCHEDULE):
        return Delivered(DeliveryState.FAILED)
    wait = SCHEDULE[tries - 1] * (0.8 + 0.4 * jitter)
    wish = min(answer.retry_after or wait, _LONGEST_WISH)
    return Delivered(DeliveryState.WAITING, max(wait, wish))


@dataclass(frozen=True, slots=True)
class Standing:
    """How an endpoint stands after some answers; ``reason`` where it is DISABLED."""

    failing_since: datetime | None
    state: EndpointState = EndpointState.ENABLED
    reason: str | None = None


def standing(
    failing_since: datetime | None, answers: Sequence[tuple[datetime, Answer]]
) -> Standing:
    """How an enabled endpoint stands after answers, each with its time (UTC), in their order.

    ``failing_since`` is when it first failed after it last accepted something.
    """
    for at, answer in answers:
        failing_since = None if answer.accepted else failing_since or at
        if answer.is_gone:
            return Standing(failing_since, EndpointState.DISABLED, "it answered 410 Gone")
        if failing_since is not None and at - failing_since >= DISABLE_AFTER:
            reason = f"it has taken nothing since {failing_since:%Y-%m-%d %H:%M} UTC"
            return Standing(failing_since, EndpointState.DISABLED, reason)
    return Standing(failing_since)
