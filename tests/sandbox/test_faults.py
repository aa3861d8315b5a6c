"""Which fault a request gets: header, then orders, then rates; and how long a PSP takes."""

from statistics import median, quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.kernel.randomness import SeededRandomness
from clearhouse.sandbox.faults import BEFORE, STATUS, Fault, FaultOrder, Faults, Latency, Rates


def _faults(rates: Rates | None = None, seed: int = 1) -> Faults:
    return Faults(SeededRandomness(seed), rates)


def _choose(
    faults: Faults,
    psp: str = "stripe",
    operation: str = "charge",
    header: str | None = None,
    reference: str | None = "o1",
) -> Fault | None:
    return faults.choose(psp, operation, header, lambda: reference)


def test_every_fault_is_of_one_kind():
    answering = {Fault.LOST_ANSWER, Fault.RESET, Fault.SLOW_BODY, Fault.HANG}
    silent = {Fault.LOST_REQUEST, Fault.HANG_BEFORE}
    assert set(Fault) == set(STATUS) | answering | silent
    assert silent <= BEFORE
    assert not answering & BEFORE


def test_the_header_goes_first_and_uses_up_no_order():
    faults = _faults({"*": {Fault.HANG: 1.0}})
    faults.order(FaultOrder(Fault.CONFLICT))
    assert _choose(faults, header="lost-answer") is Fault.LOST_ANSWER
    assert _choose(faults) is Fault.CONFLICT
    assert _choose(faults) is Fault.HANG
    with pytest.raises(ValueError, match="no-such"):
        _choose(faults, header="no-such")


# order, psp, operation, reference, fits?
@pytest.mark.parametrize(
    ("order", "psp", "operation", "reference", "fits"),
    [
        (FaultOrder(Fault.RESET), "stripe", "charge", None, True),
        (FaultOrder(Fault.RESET), "square", "look-up", None, False),
        (FaultOrder(Fault.RESET, operation=None), "square", "look-up", None, True),
        (FaultOrder(Fault.RESET, psp="square"), "stripe", "charge", None, False),
        (FaultOrder(Fault.RESET, psp="square"), "square", "charge", None, True),
        (FaultOrder(Fault.RESET, match="o1"), "stripe", "charge", "o1", True),
        (FaultOrder(Fault.RESET, match="o1"), "stripe", "charge", "o11", False),
        (FaultOrder(Fault.RESET, match="o1"), "stripe", "charge", None, False),
    ],
)
def test_an_order_waits_for_the_request_it_names(
    order: FaultOrder, psp: str, operation: str, reference: str | None, fits: bool
):
    faults = _faults()
    faults.order(order)
    chosen = _choose(faults, psp, operation, reference=reference)
    assert chosen is (Fault.RESET if fits else None)
    assert faults.waiting() == ([] if fits else [order])


def test_orders_are_used_up_in_their_sequence():
    faults = _faults()
    faults.order(FaultOrder(Fault.HANG, times=2))
    faults.order(FaultOrder(Fault.RESET))
    assert [_choose(faults) for _ in range(4)] == [Fault.HANG, Fault.HANG, Fault.RESET, None]
    faults.order(FaultOrder(Fault.HANG, times=2))
    faults.clear()
    assert _choose(faults) is None


def test_rates_are_met_repeatable_and_for_what_changes_something():
    rates: Rates = {"stripe": {Fault.LOST_ANSWER: 0.1, Fault.ERROR_BEFORE: 0.2}}
    faults, twin = _faults(rates, seed=5), _faults(rates, seed=5)
    drawn = [_choose(faults) for _ in range(5000)]
    assert drawn == [_choose(twin) for _ in range(5000)]
    assert 400 < drawn.count(Fault.LOST_ANSWER) < 600
    assert 850 < drawn.count(Fault.ERROR_BEFORE) < 1150
    assert {_choose(faults, operation="look-up") for _ in range(200)} == {None}
    assert {_choose(faults, psp="square") for _ in range(200)} == {None}


def test_a_star_is_for_the_psps_without_rates_of_their_own():
    faults = _faults({"*": {Fault.HANG: 1.0}, "square": {}})
    assert _choose(faults, "stripe") is Fault.HANG
    assert _choose(faults, "braintree") is Fault.HANG


@given(st.integers(0, 2**32), st.floats(1, 500), st.floats(1, 20))
def test_no_latency_is_negative_or_endless(seed: int, median_ms: float, factor: float):
    latency = Latency(median_ms, median_ms * factor)
    seconds = latency.seconds(SeededRandomness(seed))
    assert 0 < seconds < median_ms / 1000 * factor**4 + 1


def test_latencies_have_the_median_and_tail_they_were_given():
    randomness = SeededRandomness(3)
    drawn = [Latency(100, 800).seconds(randomness) * 1000 for _ in range(20_000)]
    assert 95 < median(drawn) < 105
    assert 700 < quantiles(drawn, n=100)[98] < 900
    assert Latency().seconds(randomness) == 0
