"""Ids: valid UUIDv7, in time order, repeatable from a seed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids, floor_of, moment_of
from clearhouse.kernel.randomness import SeededRandomness, SystemRandomness

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(moments, st.integers(0, 2**32))
def test_an_id_is_a_uuid7_of_its_moment(moment: datetime, seed: int) -> None:
    identifier = Ids(SystemClock(), SeededRandomness(seed)).at(moment)
    assert identifier.version == 7
    assert identifier.variant == "specified in RFC 4122"
    assert timedelta(0) <= moment - moment_of(identifier, EPOCH) < timedelta(milliseconds=2)
    assert floor_of(moment) <= identifier
    assert identifier < floor_of(moment + timedelta(milliseconds=2))


@given(moments, st.integers(1, 256), st.integers(0, 2**32))
def test_consecutive_ids_keep_their_order(moment: datetime, count: int, seed: int) -> None:
    made = Ids(SystemClock(), SeededRandomness(seed)).consecutive(moment, count)
    assert made == sorted(made)
    assert len(set(made)) == count
    assert {identifier.version for identifier in made} == {7}
    assert made[-1].int - made[0].int == count - 1


@pytest.mark.parametrize("count", [0, 257])
def test_too_many_consecutive_ids_are_refused(count: int) -> None:
    ids = Ids(SystemClock(), SystemRandomness())
    with pytest.raises(ValueError, match="1 to 256"):
        ids.consecutive(EPOCH, count)


def test_ids_differ_and_a_seed_repeats_them() -> None:
    ids = Ids(SystemClock(), SystemRandomness())
    assert len({ids.new() for _ in range(10_000)}) == 10_000
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    first, again = (Ids(SystemClock(), SeededRandomness(7)).at(moment) for _ in range(2))
    assert first == again
    assert isinstance(first, UUID)
