"""Fees agreed with PSPs, as people write them."""

import pytest

from clearhouse.settings.fees import read_fees
from clearhouse.settings.model import PlannedFee

# fmt: off
GOOD = [
    ("stripe USD 2.9% + 0.30",      "stripe", "USD", (290, 30)),
    ("square USD 2.6% + 0.10",      "square", "USD", (260, 10)),
    ("stripe JPY 3.6%",             "stripe", "JPY", (360, 0)),
    ("braintree EUR 0.25",          "braintree", "EUR", (0, 25)),
    ("  stripe  GBP 1.5%+0.20 ",    "stripe", "GBP", (150, 20)),
]
BAD = [
    ("stripe",                      "plans such as"),
    ("stripe USD",                  "plans such as"),
    ("adyen USD 2.9%",              "'adyen' is none of them"),
    ("stripe XXQ 2.9%",             "ISO 4217"),
    ("stripe JPY 3% + 0.5",         "amounts of their currency"),
]
# fmt: on


@pytest.mark.parametrize(("text", "psp", "currency", "plan"), GOOD)
def test_a_plan_is_read(text: str, psp: str, currency: str, plan: tuple[int, int]) -> None:
    assert read_fees(text) == {psp: {currency: PlannedFee(*plan)}}


@pytest.mark.parametrize(("text", "words"), BAD)
def test_what_is_no_plan_is_told(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_fees(text)


def test_several_plans_stand_side_by_side() -> None:
    found = read_fees("stripe USD 2.9% + 0.30, stripe EUR 1.5% + 0.25, square USD 2.6% + 0.10")
    assert {psp: sorted(plans) for psp, plans in found.items()} == {
        "stripe": ["EUR", "USD"],
        "square": ["USD"],
    }
