"""All the money three times: what moved, what is held, whose it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.ledger.chart import Family
from clearhouse.ledger.funds import (
    FamilyBalance,
    Flow,
    Movement,
    Owner,
    funds_of,
    movement_of,
)
from clearhouse.ledger.model import AccountType

# fmt: off
MOVEMENTS = [
    # kind                 other family            is seen as
    ("sale",               "seller_payable",       Movement.PAID_BY_BUYERS),
    ("sale_reversal",      "seller_payable",       Movement.PAID_BY_BUYERS),
    ("stray_charge",       "refunds_in_transit",   Movement.PAID_BY_BUYERS),
    ("refund_settled",     "refunds_in_transit",   Movement.GIVEN_BACK),
    ("refund_reversal",    "refunds_in_transit",   Movement.GIVEN_BACK),
    ("dispute_lost.2",     "seller_reserve",       Movement.DISPUTED),
    ("dispute_lost.2",     "losses",               Movement.DISPUTED),
    ("dispute_won.3",      "seller_payable",       Movement.DISPUTED),
    ("payout_paid",        "payouts_in_transit",   Movement.PAID_OUT),
    ("anything",           "psp_fee_expense",      Movement.PSP_FEES),
    ("anything",           "adjustments",          Movement.CORRECTED),
    ("anything",           "losses",               Movement.OTHER),
    ("",                   "",                     Movement.ARCHIVED),
]
# fmt: on


@pytest.mark.parametrize(("kind", "family", "seen_as"), MOVEMENTS)
def test_every_movement_has_a_meaning(kind: str, family: str, seen_as: Movement) -> None:
    assert movement_of(kind, family) is seen_as


def balance(family: Family, minor: int, negative: int = 0, owner: str = "") -> FamilyBalance:
    return FamilyBalance("USD", family.value.word, family.type, owner, minor, negative)


def test_debts_stand_apart_and_currencies_never_mix() -> None:
    [eur, usd] = funds_of(
        [
            Flow("USD", "sale", "seller_payable", 1000),
            Flow("USD", "refund_settled", "refunds_in_transit", -300),
            Flow("EUR", "sale", "seller_payable", 7),
        ],
        [
            balance(Family.PSP_RECEIVABLE, 700, owner="stripe"),
            balance(Family.SELLER_PAYABLE, 640, -60),
            balance(Family.PLATFORM_FEE_REVENUE, 90),
            balance(Family.PSP_FEE_EXPENSE, 30),
        ],
    )
    assert usd.moved == {Movement.PAID_BY_BUYERS: 1000, Movement.GIVEN_BACK: -300}
    assert usd.held == {"psp_receivable:stripe": 700}
    assert usd.owned == {
        Owner.SELLERS: 700,
        Owner.DEBT: -60,
        Owner.PLATFORM: 90,
        Owner.COSTS: -30,
    }
    assert usd.agree
    assert (eur.currency, eur.moved_minor, eur.held_minor, eur.agree) == ("EUR", 7, 0, False)


FAMILIES = st.sampled_from([*Family])
LINES = st.lists(
    st.tuples(FAMILIES, FAMILIES, st.integers(1, 10**9)).filter(lambda line: line[0] != line[1]),
    max_size=60,
)


@given(LINES)
def test_any_balanced_books_agree_three_times(lines: list[tuple[Family, Family, int]]) -> None:
    """Whatever is debited and credited: a line moves held money and somebody's share alike."""
    flows: list[Flow] = []
    debits: dict[Family, int] = {}
    for debit, credit, minor in lines:
        debits[debit] = debits.get(debit, 0) + minor
        debits[credit] = debits.get(credit, 0) - minor
        into, out = (one.type is AccountType.ASSET for one in (debit, credit))
        if into != out:
            other = credit if into else debit
            flows.append(Flow("USD", "any", other.value.word, minor if into else -minor))
    balances = [
        balance(family, minor if family.type.grows_by_debit else -minor)
        for family, minor in debits.items()
    ]
    for one in funds_of(flows, balances):
        assert one.agree
        assert 0 not in {*one.moved.values(), *one.held.values(), *one.owned.values()}
