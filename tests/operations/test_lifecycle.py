"""Every outcome in every state, as tables; and what no outcome may ever do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.payments.rooms import LIMITS, POLICY

from clearhouse.kernel.money import Money
from clearhouse.payments.operations.lifecycle import (
    Effect,
    OperationState,
    apply,
    find_proves,
    next_ask,
)
from clearhouse.payments.operations.model import FINAL, Ask, Kind, OperationStatus
from clearhouse.psp.contract import Unknown
from clearhouse.psp.operations import (
    Done,
    NotDone,
    OperationOutcome,
    RefusalReason,
    Refused,
    Waiting,
)

TEN, NINE = Money(1000, "USD"), Money(900, "USD")
DONE, DONE_SILENTLY, DONE_OTHERWISE = Done("rf", TEN), Done("rf"), Done("rf", NINE)
WAITING, LOST, BUSY = Waiting("rf"), Unknown("timeout"), NotDone("429")
NO = Refused(RefusalReason.TOO_OLD, "too_late")
TOO_MUCH = Refused(RefusalReason.EXCEEDS_CHARGE, "charge_already_refunded")
BANK = Refused(RefusalReason.REJECTED_BY_BANK, "account_closed")

SUBMIT, FIND = Ask.SUBMIT, Ask.FIND
UNKNOWN, UNAVAILABLE, TAKEN = "unknown_outcome", "psp_unavailable", "processing"

# fmt: off
OPEN: list[tuple[str | None, Ask | None, str, Any, str, str | None, Effect]] = [
    # reason      asked   proof  outcome         status       reason             effect
    (None,        SUBMIT, "",    DONE,           "SUCCEEDED", None,              Effect.SUCCEED),
    (None,        SUBMIT, "",    DONE_SILENTLY,  "SUCCEEDED", None,              Effect.SUCCEED),
    (None,        SUBMIT, "",    DONE_OTHERWISE, "SUBMITTED", "contradiction",   Effect.RAISE),
    (None,        SUBMIT, "",    WAITING,        "SUBMITTED", "processing",      Effect.RETRY),
    (None,        SUBMIT, "",    NO,             "FAILED",    "too_old",         Effect.FAIL),
    (None,        SUBMIT, "",    TOO_MUCH,       "FAILED",    "exceeds_charge",  Effect.FAIL),
    (None,        SUBMIT, "",    BUSY,           "SUBMITTED", UNAVAILABLE,       Effect.RETRY),
    (None,        SUBMIT, "",    LOST,           "SUBMITTED", UNKNOWN,           Effect.RETRY),
    # After a lost answer a refusal may be of our own doing, and one call's proof proves little.
    (UNKNOWN,     SUBMIT, "",    TOO_MUCH,       "SUBMITTED", UNKNOWN,           Effect.RETRY),
    (UNKNOWN,     FIND,   "",    TOO_MUCH,       "FAILED",    "exceeds_charge",  Effect.FAIL),
    (UNKNOWN,     SUBMIT, "",    NO,             "FAILED",    "too_old",         Effect.FAIL),
    (UNKNOWN,     SUBMIT, "",    BUSY,           "SUBMITTED", UNKNOWN,           Effect.RETRY),
    (UNKNOWN,     FIND,   "e",   BUSY,           "SUBMITTED", UNKNOWN,           Effect.RETRY),
    (UNKNOWN,     FIND,   "p",   BUSY,           "SUBMITTED", UNAVAILABLE,       Effect.RETRY),
    (UNKNOWN,     FIND,   "pe",  BUSY,           "SUBMITTED", UNAVAILABLE,       Effect.NEW_KEY),
    (UNKNOWN,     FIND,   "e",   LOST,           "SUBMITTED", UNKNOWN,           Effect.RETRY),
    # What the PSP has taken stays taken.
    (TAKEN,       FIND,   "",    LOST,           "SUBMITTED", TAKEN,             Effect.RETRY),
    (TAKEN,       FIND,   "",    BUSY,           "SUBMITTED", TAKEN,             Effect.RETRY),
    (TAKEN,       None,   "",    DONE,           "SUCCEEDED", None,              Effect.SUCCEED),
    (TAKEN,       None,   "",    BANK,           "FAILED",    "rejected_by_bank", Effect.FAIL),
    (UNAVAILABLE, SUBMIT, "",    TOO_MUCH,       "FAILED",    "exceeds_charge",  Effect.FAIL),
    ("contradiction", FIND, "",  DONE,           "SUCCEEDED", None,              Effect.SUCCEED),
]
"""``proof``: p for proven, e for an expired key."""

CLOSED: list[tuple[Kind, str, str | None, Any, str, Effect]] = [
    # kind         status       reason              outcome         then         effect
    (Kind.REFUND,  "SUCCEEDED", None,               DONE,           "SUCCEEDED", Effect.NOTHING),
    (Kind.REFUND,  "SUCCEEDED", None,               DONE_SILENTLY,  "SUCCEEDED", Effect.NOTHING),
    (Kind.REFUND,  "SUCCEEDED", None,               DONE_OTHERWISE, "SUCCEEDED", Effect.RAISE),
    (Kind.REFUND,  "SUCCEEDED", None,               BANK,           "FAILED",    Effect.FAIL),
    (Kind.STRAY_REFUND, "SUCCEEDED", None,          BANK,           "FAILED",    Effect.FAIL),
    (Kind.CAPTURE, "SUCCEEDED", None,               NO,             "SUCCEEDED", Effect.RAISE),
    (Kind.VOID,    "SUCCEEDED", None,               NO,             "SUCCEEDED", Effect.RAISE),
    (Kind.REFUND,  "SUCCEEDED", None,               WAITING,        "SUCCEEDED", Effect.NOTHING),
    (Kind.REFUND,  "SUCCEEDED", None,               LOST,           "SUCCEEDED", Effect.NOTHING),
    (Kind.REFUND,  "SUCCEEDED", None,               BUSY,           "SUCCEEDED", Effect.NOTHING),
    (Kind.REFUND,  "FAILED",    "too_old",          DONE,           "FAILED",    Effect.RAISE),
    (Kind.REFUND,  "FAILED",    "rejected_by_bank", DONE,           "FAILED",    Effect.NOTHING),
    (Kind.REFUND,  "FAILED",    "too_old",          BANK,           "FAILED",    Effect.NOTHING),
    (Kind.REFUND,  "FAILED",    "too_old",          WAITING,        "FAILED",    Effect.NOTHING),
]

ASKS: list[tuple[str | None, int, bool, Ask]] = [
    # reason             tries expired ask
    (None,               1,    False,  Ask.SUBMIT),
    ("psp_unavailable",  2,    False,  Ask.SUBMIT),
    ("unknown_outcome",  2,    False,  Ask.FIND),
    ("unknown_outcome",  3,    False,  Ask.SUBMIT),
    ("unknown_outcome",  3,    True,   Ask.FIND),
    ("unknown_outcome",  7,    False,  Ask.SUBMIT),
    ("unknown_outcome",  9,    False,  Ask.FIND),
    ("psp_unavailable",  2,    True,   Ask.FIND),
    ("processing",       2,    False,  Ask.FIND),
    ("contradiction",    2,    False,  Ask.FIND),
]
# fmt: on


@pytest.mark.parametrize(("reason", "ask", "proof", "outcome", "status", "then", "effect"), OPEN)
def test_what_an_open_operation_becomes(
    reason: str | None,
    ask: Ask | None,
    proof: str,
    outcome: OperationOutcome,
    status: str,
    then: str | None,
    effect: Effect,
) -> None:
    state = OperationState(
        Kind.REFUND, OperationStatus.SUBMITTED, reason, TEN, 1, ask, "p" in proof, "e" in proof
    )
    found = apply(state, outcome, POLICY, 0.5)
    assert (found.status, found.reason, found.effect) == (status, then, effect)
    assert (found.wait > timedelta(0)) == (found.status not in FINAL)


@pytest.mark.parametrize(("kind", "status", "reason", "outcome", "then", "effect"), CLOSED)
def test_what_contradicts_a_final_operation_is_seen_by_a_person(
    kind: Kind,
    status: str,
    reason: str | None,
    outcome: OperationOutcome,
    then: str,
    effect: Effect,
) -> None:
    found = apply(OperationState(kind, OperationStatus(status), reason, TEN), outcome, POLICY, 0.5)
    assert (found.status, found.effect) == (then, effect)


@pytest.mark.parametrize(("reason", "tries", "expired", "ask"), ASKS)
def test_what_is_asked_next(reason: str | None, tries: int, expired: bool, ask: Ask) -> None:
    assert next_ask(reason, tries, expired=expired) is ask


def test_a_search_proves_once_no_call_can_be_under_way() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert find_proves(None, now, LIMITS)
    assert not find_proves(now - LIMITS.look_up_proves_after, now, LIMITS)
    assert find_proves(now - LIMITS.look_up_proves_after * 2, now, LIMITS)


def test_the_psps_own_wish_is_waited_for() -> None:
    hour = timedelta(hours=1)
    state = OperationState(Kind.REFUND, OperationStatus.SUBMITTED, None, TEN, 1, Ask.SUBMIT)
    assert apply(state, NotDone("not settled yet", hour), POLICY, 0.5).wait == hour


OUTCOMES = st.sampled_from([DONE, DONE_SILENTLY, WAITING, LOST, BUSY, BANK, NO, TOO_MUCH])


@given(st.sampled_from(Kind), st.lists(st.tuples(OUTCOMES, st.sampled_from([*Ask, None]))))
def test_no_sequence_leaves_the_states_there_are(
    kind: Kind, told: list[tuple[OperationOutcome, Ask | None]]
) -> None:
    status, reason = OperationStatus.CREATED, None
    for tries, (outcome, ask) in enumerate(told, 1):
        found = apply(OperationState(kind, status, reason, TEN, tries, ask), outcome, POLICY, 0.5)
        if status is OperationStatus.FAILED:
            assert found.status is OperationStatus.FAILED
        if status is OperationStatus.SUCCEEDED and found.status is not status:
            assert kind.gives_back
            assert isinstance(outcome, Refused)
        if found.status is OperationStatus.FAILED:
            assert found.reason
        # Time, silence and trouble alone never end anything.
        if isinstance(outcome, Unknown | NotDone | Waiting):
            assert found.status in {status, OperationStatus.SUBMITTED}
        status, reason = found.status, found.reason


@given(st.permutations([WAITING, DONE, DONE, BANK, LOST, WAITING]))
def test_any_order_of_what_a_psp_tells_ends_alike(told: list[OperationOutcome]) -> None:
    status, reason = OperationStatus.SUBMITTED, None
    for outcome in told:
        found = apply(OperationState(Kind.REFUND, status, reason, TEN), outcome, POLICY, 0.5)
        assert found.effect is not Effect.RAISE
        status, reason = found.status, found.reason
    assert (status, reason) == (OperationStatus.FAILED, "rejected_by_bank")
