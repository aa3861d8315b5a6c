"""From a stored order and a fact to what is to be stored: rows in, decisions out, no I/O."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg

from clearhouse.kernel.money import Money
from clearhouse.payments.fees.model import FeeDecision
from clearhouse.payments.learnt import Learnt, Source
from clearhouse.payments.lifecycle import (
    BEGINNING,
    ENDING,
    Age,
    Effect,
    OrderState,
    Transition,
    apply,
)
from clearhouse.payments.model import FINAL, CaptureMode, OrderStatus, StatusReason
from clearhouse.payments.patience import RetryPolicy

_TOLD: Final = {
    Effect.SUCCEED: 1,
    Effect.SUCCEED_REVERSED: 2,
    Effect.REVERSE: 1,
    Effect.FAIL: 1,
    Effect.AUTHORIZE: 1,
    Effect.ACT: 1,
}
"""How many events an effect publishes, and so how many versions it adds."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A row of ``lock_orders``, a fact, and what follows. ``overdue``: a person must be told."""

    row: asyncpg.Record
    fact: Learnt
    transition: Transition
    age: Age
    overdue: bool

    @property
    def effect(self) -> Effect:
        """The transition's."""
        return self.transition.effect

    @property
    def ends(self) -> bool:
        """Whether the order becomes final by it."""
        return self.effect in ENDING

    @property
    def is_final(self) -> bool:
        """Whether the order is final, now or before."""
        return self.transition.status in FINAL

    @property
    def changes(self) -> bool:
        """Whether anything of the order itself is to be stored."""
        if self.effect in {Effect.NOTHING, Effect.STRAY}:
            return False
        return not (self.effect is Effect.RAISE and self.row["status"] != OrderStatus.EXECUTING)

    @property
    def version(self) -> int:
        """The order's version afterwards: one for each event."""
        version: int = self.row["version"]
        return version + _TOLD.get(self.effect, 0)

    @property
    def attempt(self) -> int:
        """The attempt that is under way afterwards."""
        attempt: int = self.row["attempt"]
        return attempt + (self.effect in BEGINNING)

    @property
    def told_by(self) -> str:
        """The PSP that the fact comes from."""
        return self.fact.psp or self.row["psp"]

    @property
    def psp(self) -> str:
        """The PSP that the order is at afterwards: whoever charged it, or the next to be asked."""
        if self.effect is Effect.FAIL_OVER:
            return self.row["route"][0]
        return self.told_by if self.transition.charged else self.row["psp"]

    @property
    def psp_reference(self) -> str | None:
        """The charge the order stands for afterwards; a new attempt has none yet."""
        if self.effect in BEGINNING:
            return None
        known: str | None = self.row["psp_reference"]
        return self.transition.psp_reference or known

    @property
    def captured_minor(self) -> int:
        """What is captured afterwards, in minor units."""
        if self.effect in {Effect.SUCCEED, Effect.SUCCEED_REVERSED}:
            assert self.transition.charged is not None
            return self.transition.charged.minor
        captured: int = self.row["captured_minor"]
        return captured


def decide(
    row: asyncpg.Record,
    fact: Learnt,
    policy: RetryPolicy,
    jitter: float,
    *,
    may_retry: bool,
) -> Decided:
    """What follows for a row of ``lock_orders``; waits are by the database's clock (I11)."""
    age = age_of(row, fact)
    state = _state(row, fact, may_retry=may_retry)
    transition = apply(state, fact.outcome, policy, jitter, age)
    stays = transition.reason is state.reason and transition.status not in FINAL
    overdue = stays and policy.overdue(transition.reason, state.waited)
    return Decided(row, fact, transition, age, overdue)


def age_of(row: asyncpg.Record, fact: Learnt) -> Age:
    """How a fact stands to what is stored: by attempt, then by the PSP's version, then its time."""
    if fact.attempt is not None and fact.attempt < row["attempt"]:
        return Age.EARLIER_ATTEMPT
    if fact.psp is not None and fact.psp != row["psp"]:
        return Age.EARLIER_ATTEMPT
    if fact.version is not None and row["seen_version"] is not None:
        return Age.STALE if fact.version < row["seen_version"] else Age.CURRENT
    if fact.as_of is not None and row["seen_as_of"] is not None:
        return Age.STALE if fact.as_of < row["seen_as_of"] else Age.CURRENT
    return Age.CURRENT


def seen(one: Decided) -> tuple[datetime | None, int | None]:
    """How new the newest fact of the order's attempt is afterwards: time and version."""
    if one.effect in BEGINNING:
        return None, None
    as_of: datetime | None = one.row["seen_as_of"]
    version: int | None = one.row["seen_version"]
    if one.age is Age.CURRENT:
        as_of = max(filter(None, (as_of, one.fact.as_of)), default=None)
        versions = [v for v in (version, one.fact.version) if v is not None]
        version = max(versions, default=None)
    return as_of, version


def _state(row: asyncpg.Record, fact: Learnt, *, may_retry: bool) -> OrderState:
    since: datetime | None = row["reason_since"]
    return OrderState(
        status=OrderStatus(row["status"]),
        reason=StatusReason(row["status_reason"]) if row["status_reason"] else None,
        amount=Money(row["amount_minor"], row["currency"]),
        tries=row["tries"],
        key_expired=fact.proves_no_charge,
        waited=row["moment"] - since if since else timedelta(0),
        declines=row["declines"],
        may_retry=may_retry,
        soft_decline=row["soft_decline"],
        partly=row["capture_mode"] == CaptureMode.MANUAL,
        reference=row["psp_reference"],
        captured_minor=row["captured_minor"],
        elsewhere=bool(row["route"]),
        # The call that this is the reply to is the one that may still be open.
        all_answered=row["unanswered"] == int(fact.source is Source.REPLY),
    )


def _kept(one: Decided, name: str) -> Any:
    """What an order knew about its reason, as long as it still has that reason."""
    return one.row[name] if one.transition.reason == one.row["status_reason"] else None


def columns(decided: list[Decided], fees: list[FeeDecision]) -> tuple[list[Any], ...]:
    """What ``settle_orders`` takes, column by column."""
    return (
        [one.row["order_id"] for one in decided],
        [one.transition.status.value for one in decided],
        [one.transition.reason and one.transition.reason.value for one in decided],
        [one.transition.failure_code or one.row["failure_code"] for one in decided],
        [one.psp_reference for one in decided],
        [fee.fee_minor for fee in fees],
        [one.captured_minor for one in decided],
        [one.attempt for one in decided],
        [one.version for one in decided],
        [
            one.row["declines"] + (one.transition.reason is StatusReason.RETRY_SCHEDULED)
            for one in decided
        ],
        [one.transition.soft_decline for one in decided],
        [one.transition.action_url or _kept(one, "action_url") for one in decided],
        [one.transition.expires_at or _kept(one, "expires_at") for one in decided],
        [seen(one)[0] for one in decided],
        [seen(one)[1] for one in decided],
        [one.told_by for one in decided],
        [one.psp for one in decided],
        [one.effect is Effect.FAIL_OVER for one in decided],
        [fee.version_id for fee in fees],
        [fee.volume_minor for fee in fees],
    )
