"""PSPs' payouts against the bank's lines: each rule, each verdict, in any order."""

import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.psp.banks.statements import BankLine
from clearhouse.reconciliation.banking import Found, Payout, Verdict, match

DAY = date(2026, 11, 21)
V = Verdict


def paid(words: str) -> Payout:
    """A payout from its PSP, name, currency, amount, day after DAY and traces."""
    psp, reference, currency, amount, after, *traces = words.split()
    sent_on = DAY + timedelta(days=int(after))
    return Payout(psp, reference, currency, int(amount), sent_on, tuple(traces))


def booked(number: int, words: str) -> BankLine:
    """A line from its currency, amount, day after DAY, end-to-end id (or -) and text."""
    currency, amount, after, reference, *text = words.split()
    day = DAY + timedelta(days=int(after))
    told = "" if reference == "-" else reference
    said = " ".join(text)
    return BankLine(f"b{number}", "acc", currency, int(amount), day, day, told, said, "", "")


# fmt: off
S, Q = "square po_aaaaa1 EUR", "square po_bbbbb2 EUR"
TABLE = [
    # name, payouts, lines, and what they are: verdict, basis, confidence, difference
    ("by the end-to-end id",
     [f"{S} 1000 0 TRACE1"],
     ["EUR 1000 1 trace1 anything"],
     ["matched reference 100 0"]),
    ("by a name in the text",
     [f"{S} 1000 0"],
     ["EUR 1000 1 - paid po_aaaaa1."],
     ["matched reference 100 0"]),
    ("a reference goes before an amount",
     [f"{S} 1000 0", f"{Q} 1000 0"],
     ["EUR 1000 1 po_bbbbb2 square"],
     ["matched reference 100 0", "not_settled_yet - 0 -1000"]),
    ("one payout in two lines that name it",
     [f"{S} 1000 0"],
     ["EUR 400 1 po_aaaaa1", "EUR 600 2 po_aaaaa1"],
     ["matched reference 100 0"]),
    ("two payouts in one line that names both",
     [f"{S} 400 0", f"{Q} 600 0"],
     ["EUR 1000 1 - po_aaaaa1 po_bbbbb2"],
     ["matched reference 100 0"]),
    ("short",
     [f"{S} 1000 0"],
     ["EUR 975 1 po_aaaaa1"],
     ["bank_short reference 100 -25"]),
    ("over",
     [f"{S} 1000 0"],
     ["EUR 1100 1 po_aaaaa1"],
     ["bank_over reference 100 100"]),
    ("booked twice",
     [f"{S} 1000 0"],
     ["EUR 1000 1 po_aaaaa1", "EUR 1000 1 po_aaaaa1"],
     ["bank_over reference 100 1000"]),
    ("returned",
     [f"{S} 1000 0"],
     ["EUR 1000 1 po_aaaaa1", "EUR -1000 2 po_aaaaa1"],
     ["payout_returned reference 100 -1000"]),
    ("returned without a reference",
     [f"{S} 1000 0"],
     ["EUR 1000 1 - SQUARE", "EUR -1000 2 - RETURN SQUARE"],
     ["payout_returned amount 90 -1000"]),
    ("in another currency",
     [f"{S} 1000 0"],
     ["USD 1100 1 po_aaaaa1"],
     ["currency_differs reference 100 0"]),
    ("by amount, named",
     [f"{S} 1000 0"],
     ["EUR 1000 2 - SQUARE INC"],
     ["matched amount 90 0"]),
    ("by amount, nobody named",
     [f"{S} 1000 0"],
     ["EUR 1000 2 - transfer"],
     ["matched amount 70 0"]),
    ("another PSP's name is no match",
     [f"{S} 1000 0", "stripe po_ccccc3 EUR 5 0"],
     ["EUR 1000 2 - STRIPE"],
     ["not_settled_yet - 0 -1000", "not_settled_yet - 0 -5", "unexplained - 0 1000"]),
    ("equal payouts and equal lines, in the order of their days",
     [f"{S} 1000 0", f"{Q} 1000 1"],
     ["EUR 1000 1 - SQUARE", "EUR 1000 2 - SQUARE"],
     ["matched amount 90 0", "matched amount 90 0"]),
    ("too late to be it",
     [f"{S} 1000 0"],
     ["EUR 1000 7 - SQUARE"],
     ["not_settled_yet - 0 -1000", "unexplained - 0 1000"]),
    ("a batch of one PSP",
     [f"{S} 400 0", f"{Q} 600 0"],
     ["EUR 1000 1 - SQUARE BATCH"],
     ["matched batch 75 0"]),
    ("split",
     [f"{S} 1000 0"],
     ["EUR 400 1 - SQUARE", "EUR 600 1 - SQUARE"],
     ["matched split 75 0"]),
    ("near, less",
     [f"{S} 1000 0"],
     ["EUR 975 1 - SQUARE"],
     ["bank_short near 50 -25"]),
    ("near, more",
     [f"{S} 1000 0"],
     ["EUR 1100 1 - SQUARE"],
     ["bank_over near 50 100"]),
    ("not near",
     [f"{S} 1000 0"],
     ["EUR 500 1 - SQUARE"],
     ["not_settled_yet - 0 -1000", "unexplained - 0 500"]),
    ("money of others is none of our business",
     [f"{S} 1000 0"],
     ["EUR 7 1 - rent"],
     ["not_settled_yet - 0 -1000"]),
    ("nothing at all",
     [],
     [],
     []),
]
# fmt: on


def told(found: tuple[Found, ...]) -> list[str]:
    return [
        f"{one.verdict} {one.basis or '-'} {one.confidence} {one.difference_minor}" for one in found
    ]


@pytest.mark.parametrize(("name", "payouts", "lines", "verdicts"), TABLE)
def test_the_table(name: str, payouts: list[str], lines: list[str], verdicts: list[str]) -> None:
    made = [booked(number, words) for number, words in enumerate(lines)]
    assert told(match(map(paid, payouts), made, DAY)) == verdicts


@pytest.mark.parametrize(
    ("days", "verdict"), [(0, V.ON_ITS_WAY), (6, V.ON_ITS_WAY), (7, V.NOT_AT_BANK)]
)
def test_time_runs_out(days: int, verdict: Verdict) -> None:
    [found] = match([paid(f"{S} 1000 0")], [], DAY + timedelta(days=days))
    assert found.verdict is verdict


PAYOUTS = st.lists(
    st.builds(
        lambda psp, number, amount, day: paid(f"{psp} po_name{number} EUR {amount} {day}"),
        st.sampled_from(["stripe", "square", "braintree"]),
        st.integers(0, 10**6),
        st.integers(1, 5),
        st.integers(0, 4),
    ),
    max_size=12,
    unique_by=lambda one: one.reference,
)
TEXTS = ("- SQUARE", "- STRIPE", "- nobody", "- BRAINTREE FUNDING")


MOVED = st.lists(st.tuples(st.integers(-5, 20), st.integers(0, 8), st.sampled_from(TEXTS)))


@given(PAYOUTS, MOVED, st.randoms())
def test_all_is_in_one_place_whatever_the_order(
    payouts: list[Payout], moved: list[tuple[int, int, str]], chance: random.Random
) -> None:
    lines = [booked(n, f"EUR {amount} {day} {text}") for n, (amount, day, text) in enumerate(moved)]
    found = match(payouts, lines, DAY)
    assert sorted(one.reference for each in found for one in each.payouts) == sorted(
        one.reference for one in payouts
    )
    keys = [line.key for each in found for line in each.lines]
    assert len(set(keys)) == len(keys)
    mixed_payouts, mixed_lines = list(payouts), list(lines)
    chance.shuffle(mixed_payouts)
    chance.shuffle(mixed_lines)
    assert match(mixed_payouts, mixed_lines, DAY) == found


@given(PAYOUTS)
def test_what_the_bank_names_is_matched_whole(payouts: list[Payout]) -> None:
    lines = [
        booked(n, f"EUR {one.amount_minor} 3 {one.reference}") for n, one in enumerate(payouts)
    ]
    found = match(payouts, lines, DAY)
    assert {one.verdict for one in found} <= {V.MATCHED}
    assert len(found) == len(payouts)
