"""The frozen values of incoming webhooks, and what may become of one.

::

    WAITING ──understood──▶ HANDLED
       │ └──its subject is not there yet──▶ PARKED ──it came──▶ HANDLED
       │                                       └──too late──▶ GIVEN_UP or IGNORED
       └──cannot be read──▶ GIVEN_UP
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID


class ReceivedState(StrEnum):
    """Where a webhook is; each says who moves it next."""

    WAITING = "waiting"
    """Stored; a worker takes it up."""
    PARKED = "parked"
    """What it is about is not there yet; a worker looks again, ever more rarely."""
    HANDLED = "handled"
    """Understood, and its effect is stored. Final."""
    GIVEN_UP = "given_up"
    """It could not be understood, or what it names as ours never came: a person looks. Final."""
    IGNORED = "ignored"
    """It concerns nothing of ours: the PSP account serves others too. Final."""


PATIENCE: Final = timedelta(days=1)
"""How long a webhook is parked before it is given up."""
_FIRST: Final = timedelta(seconds=0.2)
_LONGEST: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """An authentic webhook to be stored: ``key`` is the same whenever the PSP repeats it."""

    received_id: UUID
    psp: str
    key: str
    kind: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClaimedWebhook:
    """A webhook under lease; ``age`` is how long ago it came, by the database's clock."""

    received_id: UUID
    psp: str
    key: str
    kind: str
    body: bytes = field(repr=False)
    received_at: datetime
    fence: int
    tries: int
    age: timedelta


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a claimed webhook. ``detail`` is one line for people."""

    webhook: ClaimedWebhook
    state: ReceivedState
    detail: str = ""


def parked(webhook: ClaimedWebhook, missing: str, *, ours: bool) -> Taken:
    """What becomes of a webhook whose subject is not there: parked, until it is too late.

    ``ours`` says that it names something of ours, so that its absence is worth a person's look.
    """
    if webhook.age < PATIENCE:
        return Taken(webhook, ReceivedState.PARKED, missing)
    state = ReceivedState.GIVEN_UP if ours else ReceivedState.IGNORED
    return Taken(webhook, state, f"{missing}, for {PATIENCE.days} day")


def parking_time(tries: int) -> timedelta:
    """How long a parked webhook waits before the next look."""
    return min(_FIRST * 2 ** min(tries, 20), _LONGEST)
