"""What the demo counts and shows: each difference is found, and figures read well."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from clearhouse.cli.console import THEME, amount
from clearhouse.cli.demo import summary
from clearhouse.cli.demo.books import Money, Progress
from clearhouse.cli.demo.comparison import BookedOrder, Comparison, compare
from clearhouse.cli.demo.figures import duration, percentile, shares, sparkline
from clearhouse.cli.demo.screen import Picture, draw, plain
from clearhouse.cli.demo.shop import Tally

ORDER = BookedOrder("a-1", "stripe", 1000, "USD", "SUCCESS")
FAILED = ORDER._replace(payment_order_id="a-2", status="FAILED")
CHARGE: dict[str, object] = {
    "psp": "stripe",
    "reference": "a-1",
    "amount_minor": 1000,
    "currency": "USD",
    "status": "succeeded",
}


@pytest.mark.parametrize(
    ("charges", "orders", "expected"),
    [
        ([CHARGE], [ORDER, FAILED], Comparison(agreed=["a-1"])),
        ([CHARGE, {**CHARGE, "status": "declined"}], [ORDER], Comparison(agreed=["a-1"])),
        ([CHARGE, CHARGE], [ORDER], Comparison(charged_twice=["a-1"])),
        ([CHARGE], [], Comparison(charged_not_booked=["a-1"])),
        ([CHARGE, CHARGE], [], Comparison(charged_twice=["a-1"])),
        ([{**CHARGE, "reference": "a-2"}], [FAILED], Comparison(charged_not_booked=["a-2"])),
        ([{**CHARGE, "reference": None}], [], Comparison(charged_not_booked=["None"])),
        ([], [ORDER], Comparison(booked_not_charged=["a-1"])),
        ([{**CHARGE, "amount_minor": 999}], [ORDER], Comparison(other_amount=["a-1"])),
        ([{**CHARGE, "currency": "EUR"}], [ORDER], Comparison(other_amount=["a-1"])),
        (
            [{**CHARGE, "psp": "square"}],
            [ORDER],
            Comparison(charged_not_booked=["a-1"], booked_not_charged=["a-1"]),
        ),
    ],
)
def test_every_difference_between_truth_and_books_is_found(
    charges: list[dict[str, object]], orders: list[BookedOrder], expected: Comparison
) -> None:
    found = compare(charges, orders)
    assert found == expected
    assert found.same == (expected == Comparison(agreed=expected.agreed))
    assert summary.truth_check(found).holds == found.same


def test_money_that_does_not_add_up_is_said() -> None:
    good = Money("USD", 2, paid=1000, fees=100, receivable=1000, owed=900, sellers=1)
    assert summary.cent_check([good]).holds
    lost = Money("EUR", 2, paid=1000, fees=100, receivable=1000, owed=899, sellers=1)
    missing = Money("JPY", 2, paid=1000, fees=100, receivable=999, owed=900, sellers=1)
    told = summary.cent_check([good, lost, missing])
    assert not told.holds
    assert told.detail == "Money does not add up in EUR, JPY."


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00085, "850 µs"), (0.0032, "3.2 ms"), (0.048, "48 ms"), (1.44, "1.4 s"), (0.0, "0 µs")],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(123456789, "USD", "1,234,567.89"), (1234, "JPY", "1,234"), (1234567, "KWD", "1,234.567")],
)
def test_amounts_read_well(minor: int, currency: str, text: str) -> None:
    assert amount(minor, currency) == text


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value < found for value in values) <= share * len(values)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=6), st.integers(6, 80))
def test_a_bar_shows_every_part_and_fills_its_width(counts: list[int], width: int) -> None:
    split = shares(counts, width)
    assert all((part > 0) == (count > 0) for part, count in zip(split, counts, strict=True))
    assert sum(split) == (width if sum(counts) else 0)


@given(st.lists(st.floats(0, 1e6), max_size=60))
def test_a_sparkline_is_as_long_as_it_may_be(values: list[float]) -> None:
    line = sparkline(values, 24)
    assert len(line) == min(24, len(values))
    if values and max(values[-24:]) > 0:
        assert "█" in line


def test_the_picture_says_the_same_on_a_terminal_and_in_a_line() -> None:
    tally = Tally(payments=1234, orders=2500, double_clicks=3, latencies=[0.002, 0.004])
    by_psp = {("stripe", "SUCCESS"): 2000, ("square", "EXECUTING"): 499, ("square", "FAILED"): 1}
    progress = Progress(by_psp, unsettled=2)
    picture = Picture("selling", 7.0, 20.0, tally, progress, rates=[1.0, 2.0], latencies=[0.1])
    console = Console(width=100, color_system=None, theme=THEME)
    with console.capture() as captured:
        console.print(draw(picture))
    drawn = captured.get()
    for told in ("1,234", "2,500", "2,000", "499", "selling, 7 s", "2 orders got no clear answer"):
        assert told in drawn
    assert max(len(line) for line in drawn.splitlines()) <= 100
    line = plain(picture)
    assert "1,234 checkouts" in line
    assert "2,000 paid, 1 declined, 499 at the PSP, 0 waiting" in line
