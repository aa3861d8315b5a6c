"""Attempt keys: the same for the same attempt, never the same for two (invariant I1)."""

from hypothesis import given
from hypothesis import strategies as st

from clearhouse.psp.contract import attempt_key

ids = st.text(min_size=1, max_size=255)
lengths = st.sampled_from([45, 255])


@given(ids, st.integers(1, 50), lengths)
def test_a_key_is_stable_and_fits(order: str, attempt: int, longest: int) -> None:
    key = attempt_key(order, attempt, longest)
    assert key == attempt_key(order, attempt, longest)
    assert 0 < len(key) <= longest
    assert key.isascii()


@given(st.tuples(ids, st.integers(1, 9)), st.tuples(ids, st.integers(1, 9)), lengths)
def test_two_attempts_never_share_a_key(
    one: tuple[str, int], other: tuple[str, int], longest: int
) -> None:
    assert (attempt_key(*one, longest) == attempt_key(*other, longest)) == (one == other)


def test_the_first_key_is_the_id_a_person_looks_for() -> None:
    assert attempt_key("order-1", 1, 45) == "order-1"
    assert attempt_key("order-1", 2, 45) != "order-1"
    long = "x" * 46
    assert attempt_key(long, 1, 45) != attempt_key(long + "y", 1, 45)
    disguised = attempt_key("order-1", 2, 45)
    assert attempt_key(disguised, 1, 45) != disguised
