"""The demo's reconciled day: a fault that is missed, mistaken or invented is never called found."""

from collections.abc import Sequence
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from clearhouse.cli.console import THEME
from clearhouse.cli.demo import morning
from clearhouse.cli.demo.faults import BANK, Planted
from clearhouse.cli.demo.findings import Differs, findings
from clearhouse.reconciliation.matching import Cause

AGAIN = Planted("charged again", "stripe", Cause.DUPLICATE_CHARGE, "pi_2")
GONE = Planted("never settled", "braintree", Cause.MISSING_AT_PSP, "bt_1")
LATE = Planted("told late", "stripe", Cause.NOT_SETTLED_YET, "pi_3")
SHORT = Planted("less arrived", BANK, Cause.BANK_SHORT)

MENDED = Differs(
    "stripe", "duplicate_charge", "psp", "pi_2", "EUR", None, 500, 500, "settled", was_told=True
)
WAITS = Differs(
    "braintree", "missing_at_psp", "psp", "bt_1", "EUR", 700, None, 700, "open", was_told=False
)
CAME = Differs(
    "stripe", "not_settled_yet", "psp", "pi_3", "EUR", 300, None, 300, "settled", was_told=False
)
LESS = Differs("square", "bank_short", "bank", "po_1", "EUR", 90, 65, 25, "open", was_told=False)
ALL = (MENDED, WAITS, CAME, LESS)
AWAITED = replace(CAME, reference="pi_9")
BOOKED = {("stripe", "EUR"): 1000, ("braintree", "EUR"): 700}
TAKEN = {("stripe", "EUR"): 1000}

# fmt: off
CASES = [
    # what the nights found                                what is said of it
    (ALL,                                                  ""),
    ((*ALL, AWAITED),                                      ""),
    ((*ALL, replace(AWAITED, state="open")),               "nobody planted: not_settled_yet pi_9"),
    ((*ALL, replace(MENDED, reference="pi_7")),            "nobody planted: duplicate_charge pi_7"),
    (ALL[1:],                                              "Not found once, and for what it is"),
    ((*ALL, MENDED),                                       "Not found once, and for what it is"),
    ((replace(MENDED, cause="unknown_charge"), *ALL[1:]),  "Not found once, and for what it is"),
    ((replace(MENDED, state="open"), *ALL[1:]),            "Not mended as it should be"),
    ((replace(MENDED, was_told=False), *ALL[1:]),          "Not mended as it should be"),
    ((*ALL[:3], replace(LESS, state="settled")),           "Not mended as it should be"),
]
# fmt: on


@pytest.mark.parametrize(("breaks", "said"), CASES)
def test_what_was_planted_must_be_found_once_and_nothing_else(
    breaks: Sequence[Differs], said: str
) -> None:
    checked = morning.check(findings([AGAIN, GONE, LATE, SHORT], breaks, TAKEN, BOOKED))
    assert checked[0].holds == (not said)
    assert (said or "none was invented; 2 are mended, 2 wait") in checked[0].detail


@pytest.mark.parametrize(
    ("taken", "agrees"), [(TAKEN, True), ({("stripe", "EUR"): 1001}, False), ({}, False)]
)
def test_the_psps_and_the_books_must_agree_to_the_cent(
    taken: dict[tuple[str, str], int], agrees: bool
) -> None:
    checked = morning.check(findings([GONE], [WAITS], taken, BOOKED))
    assert checked[1].holds == agrees


@pytest.mark.parametrize("width", [90, 140])
def test_the_table_says_what_was_found_and_what_is_proposed(width: int) -> None:
    file = StringIO()
    console = Console(theme=THEME, width=width, file=file)
    told = findings([AGAIN, GONE, LATE, SHORT], ALL[:3], TAKEN, BOOKED)
    morning.tell(console, told)
    text = " ".join(file.getvalue().split())
    for words in ("duplicate_charge", "by itself: given back", "a person decides", "not found"):
        assert words in text
    assert "7.00 EUR" in text
    assert "missing_at_psp Ask the PSP" in text
