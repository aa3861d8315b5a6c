"""What becomes of an operation when something is learnt about it: one pure function.

As strict as a charge: what was lost is never taken for a refusal, and a new key is made only
once the old one is proven to have done nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from clearhouse.kernel.money import Money
from clearhouse.payments.operations.model import (
    FINAL,
    Ask,
    Kind,
    OperationReason,
    OperationStatus,
)
from clearhouse.payments.patience import RetryPolicy
from clearhouse.psp.contract import Capabilities, Unknown
from clearhouse.psp.operations import (
    Done,
    NotDone,
    OperationOutcome,
    RefusalReason,
    Refused,
    Waiting,
)

_MAY_BE_OUR_OWN_DOING: Final = frozenset({RefusalReason.EXCEEDS_CHARGE, RefusalReason.WRONG_STATE})
"""Refusals that an earlier call of the same operation causes when it did arrive."""

_REPEATED: Final = 8
"""After so many tries what is unknown is not sent again before a search proves it was not done."""


@dataclass(frozen=True, slots=True)
class OperationState:
    """The part of an operation that outcomes change.

    ``reason`` is the stored word; ``tries`` counts calls since the last answer that said
    something. ``ask`` is what was asked, None for what the PSP told by itself; ``proven`` and
    ``key_expired`` make NotDone a proof about all calls with the key, and the key a spent one.
    """

    kind: Kind
    status: OperationStatus
    reason: str | None
    amount: Money
    tries: int = 0
    ask: Ask | None = None
    proven: bool = False
    key_expired: bool = False


class Effect(StrEnum):
    """What must follow in the same database transaction."""

    NOTHING = "nothing"
    """Known already."""
    SUCCEED = "succeed"
    """Publish that it is done; drop the work."""
    FAIL = "fail"
    """Give back what its creation took; drop the work."""
    RETRY = "retry"
    """Ask again after ``wait``."""
    NEW_KEY = "new_key"
    """All calls with this key are proven to have done nothing, and it is spent: take the next."""
    RAISE = "raise"
    """Put it before a person; nothing is guessed."""


@dataclass(frozen=True, slots=True)
class OperationTransition:
    """The state after an outcome, and what follows from it."""

    status: OperationStatus
    reason: str | None
    effect: Effect
    psp_reference: str | None = None
    wait: timedelta = timedelta(0)
    detail: str = ""


def apply(
    state: OperationState, outcome: OperationOutcome, policy: RetryPolicy, jitter: float
) -> OperationTransition:
    """The transition that an outcome causes. Pure and total: every pair has an answer.

    ``jitter`` is a random number in 0..1 from the caller.
    """
    if state.status in FINAL:
        return _when_final(state, outcome)
    wait = policy.wait(state.tries, jitter)
    match outcome:
        case Done():
            return _done(state, outcome, policy)
        case Waiting():
            return _open(OperationReason.PROCESSING, wait, psp_reference=outcome.psp_reference)
        case Refused() if _may_be_our_own_doing(state, outcome):
            detail = f"{outcome.psp_code}, after a call whose answer was lost"
            return _open(OperationReason.UNKNOWN_OUTCOME, wait, detail=detail)
        case Refused():
            return OperationTransition(
                OperationStatus.FAILED,
                outcome.reason.value,
                Effect.FAIL,
                psp_reference=outcome.psp_reference,
                detail=outcome.psp_code,
            )
        case NotDone():
            return _not_done(state, outcome, wait)
        case Unknown():
            return _open(_still(state), wait, detail=outcome.detail)


def _done(state: OperationState, outcome: Done, policy: RetryPolicy) -> OperationTransition:
    if outcome.amount is not None and outcome.amount != state.amount:
        return OperationTransition(
            OperationStatus.SUBMITTED,
            OperationReason.CONTRADICTION,
            Effect.RAISE,
            psp_reference=outcome.psp_reference,
            wait=policy.longest,
            detail=f"asked for {state.amount}, the PSP moved {outcome.amount}",
        )
    return OperationTransition(
        OperationStatus.SUCCEEDED, None, Effect.SUCCEED, psp_reference=outcome.psp_reference
    )


def _not_done(state: OperationState, outcome: NotDone, wait: timedelta) -> OperationTransition:
    wait = max(wait, outcome.retry_after or wait)
    if state.proven:
        effect = Effect.NEW_KEY if state.key_expired else Effect.RETRY
        return _open(OperationReason.PSP_UNAVAILABLE, wait, effect=effect, detail=outcome.detail)
    # Of the one call it is proof; an earlier one with the same key may have arrived.
    reason = OperationReason.PSP_UNAVAILABLE
    if state.ask is Ask.FIND or state.reason == OperationReason.UNKNOWN_OUTCOME:
        reason = OperationReason.UNKNOWN_OUTCOME
    if state.ask is Ask.FIND and state.reason == OperationReason.PROCESSING:
        reason = OperationReason.PROCESSING
    return _open(reason, wait, detail=outcome.detail)


def _still(state: OperationState) -> OperationReason:
    """A lost answer makes it unknown, unless the PSP is known to have taken it."""
    if state.reason == OperationReason.PROCESSING:
        return OperationReason.PROCESSING
    return OperationReason.UNKNOWN_OUTCOME


def _may_be_our_own_doing(state: OperationState, outcome: Refused) -> bool:
    return (
        state.ask is Ask.SUBMIT
        and state.reason == OperationReason.UNKNOWN_OUTCOME
        and outcome.reason in _MAY_BE_OUR_OWN_DOING
    )


def _open(
    reason: OperationReason,
    wait: timedelta,
    *,
    effect: Effect = Effect.RETRY,
    psp_reference: str | None = None,
    detail: str = "",
) -> OperationTransition:
    return OperationTransition(
        OperationStatus.SUBMITTED, reason, effect, psp_reference, wait, detail
    )


def _when_final(state: OperationState, outcome: OperationOutcome) -> OperationTransition:
    word = outcome_word(outcome)
    match outcome:
        case Done() if state.status is OperationStatus.SUCCEEDED:
            same = outcome.amount in {None, state.amount}
        case Refused() if state.status is OperationStatus.SUCCEEDED and state.kind.gives_back:
            return OperationTransition(
                OperationStatus.FAILED,
                outcome.reason.value,
                Effect.FAIL,
                psp_reference=outcome.psp_reference,
                detail=outcome.psp_code,
            )
        case Done():
            # The bank sent it back after it was done; here the two were told the other way round.
            same = state.reason == RefusalReason.REJECTED_BY_BANK
        case Refused():
            same = state.status is OperationStatus.FAILED
        case Waiting() | NotDone() | Unknown():
            same = True
    effect = Effect.NOTHING if same else Effect.RAISE
    detail = "" if same else f"{state.status} was final, then came {word}"
    return OperationTransition(state.status, state.reason, effect, detail=detail)


def outcome_word(outcome: OperationOutcome) -> str:
    """An outcome in one stable word, as metrics count it."""
    match outcome:
        case Done():
            return "done"
        case Waiting():
            return "waiting"
        case Refused():
            return "refused"
        case NotDone():
            return "not_done"
        case Unknown():
            return "unknown"


def find_proves(called_at: datetime | None, now: datetime, limits: Capabilities) -> bool:
    """Whether a search that finds nothing proves that nothing was done. Times are UTC.

    ``called_at`` is when the operation was last sent: that call may still be under way.
    """
    return called_at is None or now - called_at > limits.look_up_proves_after


def next_ask(reason: str | None, tries: int, *, expired: bool) -> Ask:
    """Send with the same key while the PSP is sure to remember it; only search after that.

    What the PSP has taken, and what a person must decide, is only searched. What is unknown is
    searched at every other try: a repeat that is refused tells less than the PSP's records. After
    some repeats it is only searched as well, since a search proves nothing while a call may still
    be under way: a PSP that refuses every repeat (the charge is disputed by now) would otherwise
    never be proven to have done nothing.
    """
    if expired or reason in {OperationReason.PROCESSING, OperationReason.CONTRADICTION}:
        return Ask.FIND
    if reason == OperationReason.UNKNOWN_OUTCOME and (tries % 2 == 0 or tries > _REPEATED):
        return Ask.FIND
    return Ask.SUBMIT
