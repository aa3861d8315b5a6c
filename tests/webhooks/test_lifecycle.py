"""What follows from each answer of an endpoint: tables of the pure rules."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.webhooks.outgoing.lifecycle import (
    DISABLE_AFTER,
    SCHEDULE,
    Answer,
    DeliveryState,
    EndpointState,
    after,
    standing,
)

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
OK, BAD, GONE, LOST = Answer(204), Answer(500), Answer(410), Answer(None, "no answer in time")
W, D, F = DeliveryState.WAITING, DeliveryState.DELIVERED, DeliveryState.FAILED
LAST = len(SCHEDULE)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)

TABLE = [
    # answer                          try       state  wait
    (Answer(200),                     1,        D,     0 * SECOND),
    (Answer(204),                     LAST + 1, D,     0 * SECOND),
    (Answer(301, "a redirect"),       1,        W,     SCHEDULE[0]),
    (Answer(400),                     2,        W,     SCHEDULE[1]),
    (Answer(404),                     3,        W,     SCHEDULE[2]),
    (Answer(410),                     1,        F,     0 * SECOND),
    (Answer(429, "", 3 * HOUR),       1,        W,     3 * HOUR),
    (Answer(429, "", 1 * SECOND),     4,        W,     SCHEDULE[3]),
    (Answer(503, "", 90 * DAY),       1,        W,     DAY),
    (LOST,                            LAST,     W,     SCHEDULE[-1]),
    (LOST,                            LAST + 1, F,     0 * SECOND),
    (Answer(500),                     LAST + 9, F,     0 * SECOND),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "tries", "state", "wait"), TABLE)
def test_what_follows_from_an_answer(
    answer: Answer, tries: int, state: DeliveryState, wait: timedelta
) -> None:
    found = after(answer, tries, jitter=0.5)
    assert (found.state, found.wait) == (state, wait)


def test_the_tries_take_three_days() -> None:
    assert timedelta(days=2.5) <= sum(SCHEDULE, timedelta()) <= timedelta(days=3.5)
    assert list(SCHEDULE) == sorted(SCHEDULE)


@given(st.integers(1, 30), st.floats(0, 1))
def test_jitter_spreads_a_fifth_to_both_sides(tries: int, jitter: float) -> None:
    found = after(BAD, tries, jitter)
    if found.state is W:
        assert SCHEDULE[tries - 1] * 0.79 <= found.wait <= SCHEDULE[tries - 1] * 1.21


LONG_AGO = NOON - DISABLE_AFTER
ENDPOINTS = [
    # failing since          answers                                     off    since after
    (None,                   [(NOON, OK)],                               False, None),
    (None,                   [(NOON, BAD)],                              False, NOON),
    (NOON - HOUR,            [(NOON, BAD)],                              False, NOON - HOUR),
    (NOON - HOUR,            [(NOON, OK)],                               False, None),
    (NOON - HOUR,            [(NOON, OK), (NOON + HOUR, LOST)],          False, NOON + HOUR),
    (LONG_AGO,   [(NOON, OK)],                               False, None),
    (LONG_AGO,   [(NOON, BAD)],                              True, LONG_AGO),
    (LONG_AGO,   [(NOON - SECOND, BAD), (NOON, OK)],         False, None),
    (None,                   [(NOON, GONE)],                             True,  NOON),
    (None,                   [(NOON, GONE), (NOON + SECOND, OK)],        True,  NOON),
]  # fmt: skip


@pytest.mark.parametrize(("since", "answers", "off", "since_after"), ENDPOINTS)
def test_how_an_endpoint_stands(
    since: datetime | None,
    answers: list[tuple[datetime, Answer]],
    off: bool,
    since_after: datetime | None,
) -> None:
    found = standing(since, answers)
    assert found.state is (EndpointState.DISABLED if off else EndpointState.ENABLED)
    assert found.failing_since == since_after
    assert bool(found.reason) == off
