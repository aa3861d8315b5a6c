"""Which terms a sale is under, and when it is due by them."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.books import IDS, MOMENT

from clearhouse.wallets.maturing.model import Matures, OwnTerms, Terms
from clearhouse.wallets.maturing.terms import due_at, terms_at

DAY = timedelta(days=1)
DELAY, SETTLED = Matures.AFTER_DELAY, Matures.WHEN_SETTLED
PLATFORM = Terms(DELAY, 7 * DAY)


def own(
    begins: int,
    matures: Matures | None = None,
    delay: int | None = None,
    currency: str | None = None,
) -> OwnTerms:
    """Terms that begin some days after the sale, or before it."""
    return OwnTerms(
        terms_id=IDS.new(),
        seller_account="ann",
        currency=currency,
        valid_from=MOMENT + begins * DAY,
        matures=matures,
        delay=None if delay is None else delay * DAY,
        set_at=MOMENT,
        set_by="eve",
        reason="a new contract",
    )


# fmt: off
CASES: list[tuple[str, list[OwnTerms], Matures, int]] = [
    # what                         own terms                                         waits    days
    ("nothing of its own",         [],                                               DELAY,   7),
    ("own delay",                  [own(-9, delay=2)],                               DELAY,   2),
    ("own way",                    [own(-9, SETTLED)],                               SETTLED, 7),
    ("begins at the very moment",  [own(0, delay=0)],                                DELAY,   0),
    ("begins tomorrow",            [own(1, delay=0)],                                DELAY,   7),
    ("the newest that has begun",  [own(-9, delay=2), own(-1, delay=3), own(4)],     DELAY,   3),
    ("a newest row counts whole",  [own(-9, SETTLED, 2), own(-1, delay=3)],          DELAY,   3),
    ("the platform's again",       [own(-9, SETTLED, 2), own(-1)],                   DELAY,   7),
    ("the currency's go first",    [own(-1, delay=3), own(-9, None, 5, "USD")],      DELAY,   5),
    ("what they leave open",       [own(-1, SETTLED, 3), own(-9, None, 5, "USD")],   SETTLED, 5),
    ("another currency's",         [own(-9, None, 5, "JPY")],                        DELAY,   7),
]
# fmt: on


@pytest.mark.parametrize(("what", "rows", "waits", "days"), CASES, ids=[one[0] for one in CASES])
def test_the_terms_of_a_sale(what: str, rows: list[OwnTerms], waits: Matures, days: int) -> None:
    del what
    assert terms_at(PLATFORM, rows, "USD", MOMENT) == Terms(waits, days * DAY)
    assert terms_at(PLATFORM, reversed(rows), "USD", MOMENT) == Terms(waits, days * DAY)


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 30)), max_size=6), st.integers(-5, 5))
def test_terms_to_come_never_change_a_sale(rows: list[tuple[int, int]], day: int) -> None:
    moment = MOMENT + day * DAY
    all_of_them = [own(begins, delay=delay) for begins, delay in rows]
    begun = [one for one in all_of_them if one.valid_from <= moment]
    assert terms_at(PLATFORM, all_of_them, "USD", moment) == terms_at(
        PLATFORM, begun, "USD", moment
    )


# fmt: off
DUE: list[tuple[Terms, int | None, int | None]] = [
    # terms                     settled on day  due on day
    (PLATFORM,                  None,           7),
    (PLATFORM,                  2,              7),
    (PLATFORM,                  9,              7),
    (Terms(DELAY, 0 * DAY),     None,           0),
    (Terms(SETTLED, 7 * DAY),   None,           None),
    (Terms(SETTLED, 7 * DAY),   2,              2),
    (Terms(SETTLED, 7 * DAY),   -1,             0),
]
# fmt: on


@pytest.mark.parametrize(("terms", "settled", "due"), DUE)
def test_when_a_sale_is_due(terms: Terms, settled: int | None, due: int | None) -> None:
    def at(day: int | None) -> datetime | None:
        return None if day is None else MOMENT + day * DAY

    assert due_at(terms, MOMENT, at(settled)) == at(due)


def test_a_delay_is_not_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        Terms(DELAY, -DAY)
