"""Which terms a sale is under, and when it is due by them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.books import IDS, MOMENT

from clearhouse.wallets.maturing.model import DueSale, Matures, OwnTerms, Terms
from clearhouse.wallets.maturing.terms import due_at, kept_back, terms_at

DAY = timedelta(days=1)
DELAY, SETTLED = Matures.AFTER_DELAY, Matures.WHEN_SETTLED
PLATFORM = Terms(DELAY, 7 * DAY)


def own(
    begins: int,
    matures: Matures | None = None,
    delay: int | None = None,
    currency: str | None = None,
    **terms: int,
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
        **terms,
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


@pytest.mark.parametrize(
    "impossible",
    [
        {"delay": -DAY},
        {"reserve_days": -1},
        {"reserve_basis_points": -1},
        {"reserve_basis_points": 10_001},
        {"keep": {"USD": -1}},
    ],
)
def test_impossible_terms(impossible: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"negative|basis points"):
        Terms(**impossible)


def test_reserves_and_what_always_stays_are_terms_too() -> None:
    platform = Terms(reserve_basis_points=500, reserve_days=90, keep={"USD": 5_000, "JPY": 9})
    assert terms_at(platform, [], "USD", MOMENT) == platform
    terms = terms_at(platform, [own(-9, reserve_basis_points=0)], "USD", MOMENT)
    assert (terms.reserve_basis_points, terms.reserve_days, terms.keep["USD"]) == (0, 90, 5_000)
    rows = [own(-9, reserve_days=10), own(-5, currency="USD", keep_minor=0)]
    terms = terms_at(platform, rows, "USD", MOMENT)
    assert (terms.reserve_basis_points, terms.reserve_days) == (500, 10)
    assert terms.keep == {"USD": 0, "JPY": 9}


def due(
    seller: str = "ann", *, share: int = 1_000, days: int = 90, currency: str = "USD"
) -> DueSale:
    return DueSale(IDS.new(), "order-1", seller, currency, MOMENT, share, days)


# fmt: off
KEPT: list[tuple[str, list[tuple[DueSale, int]], dict[str, int], list[int]]] = [
    # what                       matured                                 available     kept
    ("a tenth of each",          [(due(), 970), (due(), 100)],           {"ann": 1070}, [97, 10]),
    ("rounded half up",          [(due(), 5), (due(), 4)],               {"ann": 9},    [1]),
    ("nothing of nothing",       [(due(), 0)],                           {"ann": 50},   []),
    ("no share, or no days",     [(due(share=0), 9), (due(days=0), 99)], {"ann": 108},  []),
    ("all of it",                [(due(share=10_000), 970)],             {"ann": 970},  [970]),
    ("the debt is paid first",   [(due(), 970)],                         {"ann": -30},  []),
    ("what is left after it",    [(due(), 970), (due(), 970)],           {"ann": 100},  [97, 3]),
    ("each from its own wallet", [(due(), 10), (due("bob"), 10)],        {"bob": 10},   [1]),
]
# fmt: on


@pytest.mark.parametrize(("what", "matured", "available", "kept"), KEPT, ids=[k[0] for k in KEPT])
def test_what_is_kept_back(
    what: str, matured: list[tuple[DueSale, int]], available: dict[str, int], kept: list[int]
) -> None:
    del what
    wallets = {(seller, "USD"): minor for seller, minor in available.items()}
    reserves = kept_back(matured, wallets)
    assert [one.amount_minor for one in reserves] == kept
    assert all(one.release_at - one.kept_at == 90 * DAY for one in reserves)


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10_000)), max_size=8),
    st.integers(-(10**6), 10**6),
)
def test_no_reserve_makes_a_debt(sales: list[tuple[int, int]], before: int) -> None:
    matured = [(due(share=share), minor) for minor, share in sales]
    available = before + sum(minor for minor, _ in sales)
    kept = sum(one.amount_minor for one in kept_back(matured, {("ann", "USD"): available}))
    assert 0 <= kept <= max(available, 0)
