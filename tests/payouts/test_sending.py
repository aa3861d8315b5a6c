"""When a batch is sent, asked about, and left alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.money import Money
from clearhouse.kernel.randomness import SeededRandomness
from clearhouse.psp.rails import FailureReason
from clearhouse.wallets.payouts.model import Payout, PayoutReason, PayoutStatus, SendingReason
from clearhouse.wallets.payouts.sending import (
    Call,
    Patience,
    concerned,
    is_settled,
    next_call,
    next_wait,
)

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
PATIENCE = Patience()
S, F = SendingReason, FailureReason
_IDS = Ids(SystemClock(), SeededRandomness(1))


def payout(word: PayoutReason | str) -> Payout:
    """A payout that is submitted with a reason, or in a status."""
    status = PayoutStatus.SUBMITTED if isinstance(word, S) else PayoutStatus(word)
    return Payout(
        payout_id=_IDS.new(),
        seller_account="ann",
        amount=Money(1, "EUR"),
        status=status,
        reason=word if isinstance(word, S) else None,
        needs_approval=False,
        created_by="key:a",
        version=2,
        created_at=NOW,
        updated_at=NOW,
        finalized_at=None if isinstance(word, S) else NOW,
    )


# fmt: off
CALLS: list[tuple[list[PayoutReason | str], Call | None, Call]] = [
    # members                          last call      next call
    ([S.SENDING],                      None,          Call.SUBMIT),
    ([S.SENDING],                      Call.SUBMIT,   Call.INQUIRE),
    ([S.SENDING],                      Call.INQUIRE,  Call.SUBMIT),
    ([S.UNKNOWN_OUTCOME],              Call.SUBMIT,   Call.INQUIRE),
    ([S.UNKNOWN_OUTCOME],              Call.INQUIRE,  Call.SUBMIT),
    ([S.NOT_SENT],                     Call.SUBMIT,   Call.SUBMIT),
    ([S.NOT_SENT, S.UNKNOWN_OUTCOME],  Call.SUBMIT,   Call.SUBMIT),
    ([S.UNDER_WAY],                    Call.SUBMIT,   Call.INQUIRE),
    ([S.UNDER_WAY],                    Call.INQUIRE,  Call.INQUIRE),
    ([S.CONTRADICTION],                Call.INQUIRE,  Call.INQUIRE),
    ([S.UNDER_WAY, S.UNKNOWN_OUTCOME], Call.INQUIRE,  Call.SUBMIT),
    (["paid"],                         Call.INQUIRE,  Call.INQUIRE),
    (["paid", "failed"],               Call.SUBMIT,   Call.INQUIRE),
    (["failed", S.UNKNOWN_OUTCOME],    Call.INQUIRE,  Call.SUBMIT),
]
ABOUT: list[tuple[str, Call, bool]] = [
    ("paid", Call.SUBMIT, False), ("paid", Call.INQUIRE, True),
    ("failed", Call.SUBMIT, False), ("failed", Call.INQUIRE, False),
    ("returned", Call.SUBMIT, False), ("returned", Call.INQUIRE, False),
]
WAITS: list[tuple[list[PayoutReason | str], int, timedelta | None]] = [
    # members                     tries  wait
    ([S.SENDING],                 1,     PATIENCE.first),
    ([S.UNKNOWN_OUTCOME],         3,     4 * PATIENCE.first),
    ([S.UNKNOWN_OUTCOME],         10**6, PATIENCE.longest),
    ([S.NOT_SENT, S.UNDER_WAY],   1,     PATIENCE.first),
    ([S.UNDER_WAY],               1,     PATIENCE.poll),
    ([S.CONTRADICTION, "paid"],   1,     PATIENCE.poll),
    (["paid", "failed"],          1,     PATIENCE.look_back),
    (["failed", "returned"],      1,     None),
]
# fmt: on


@pytest.mark.parametrize(("members", "last", "following"), CALLS)
def test_what_is_lost_is_asked_about_before_it_is_sent_again(
    members: list[PayoutReason | str], last: Call | None, following: Call
) -> None:
    assert next_call([payout(one) for one in members], last) is following


@pytest.mark.parametrize(("status", "call", "is_about"), ABOUT)
def test_what_is_decided_is_never_sent_again(status: str, call: Call, is_about: bool) -> None:
    members = [payout(status), payout(S.UNKNOWN_OUTCOME)]
    assert concerned(members, call) == (members if is_about else members[1:])


@pytest.mark.parametrize(("members", "tries", "wait"), WAITS)
def test_waits_grow_while_nobody_knows(
    members: list[PayoutReason | str], tries: int, wait: timedelta | None
) -> None:
    assert next_wait([payout(one) for one in members], tries, NOW, PATIENCE) == wait


def test_what_was_paid_is_watched_for_some_days() -> None:
    members = [replace(payout("paid"), finalized_at=NOW)]
    assert next_wait(members, 1, NOW + PATIENCE.watch, PATIENCE) is None
    before = NOW + PATIENCE.watch - timedelta(seconds=1)
    assert next_wait(members, 1, before, PATIENCE) == PATIENCE.look_back


def test_an_answer_that_says_something_ends_the_counting() -> None:
    assert is_settled([payout(S.UNDER_WAY), payout("failed")])
    assert not is_settled([payout(S.UNDER_WAY), payout(S.UNKNOWN_OUTCOME)])
