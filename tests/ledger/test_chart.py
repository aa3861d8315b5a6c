"""From events to journal entries: what each fact means in money."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger.books import IDS, MOMENT, asset, liability, succeeded

from clearhouse.kernel.money import MAX_MINOR
from clearhouse.ledger.chart import Family, Holder, account, sale
from clearhouse.ledger.model import Account, AccountType, JournalEntry, Line
from clearhouse.ledger.rules import entry_for
from clearhouse.messaging.events import PaymentEventDone

ASSET, LIABILITY = AccountType.ASSET, AccountType.LIABILITY
INCOME, EXPENSE, EQUITY = AccountType.INCOME, AccountType.EXPENSE, AccountType.EQUITY
STRIPE = "psp_receivable:stripe:USD"
SQUARE = "psp_receivable:square:USD"
YEN = "psp_receivable:stripe:JPY"
SHED = "seller_payable:garden-shed:USD"
SHED_YEN = "seller_payable:garden-shed:JPY"
FEE = "platform_fee_revenue:USD"
FEE_YEN = "platform_fee_revenue:JPY"


def changes(entry: JournalEntry) -> dict[str, int]:
    """What an entry does to each balance, in the account's normal side."""
    total: dict[str, int] = {}
    for line in entry.lines:
        for side, sign in ((line.debit, 1), (line.credit, -1)):
            change = sign * line.amount_minor * (1 if side.type.grows_by_debit else -1)
            total[side.code] = total.get(side.code, 0) + change
    return total


# fmt: off
SALES = [
    # psp, currency, amount, fee, lines
    ("stripe", "USD",  10_000,    300,       [(STRIPE, SHED, 10_000), (SHED, FEE, 300)]),
    ("square", "USD",  10_000,    300,       [(SQUARE, SHED, 10_000), (SHED, FEE, 300)]),
    ("stripe", "JPY",  500,       25,        [(YEN, SHED_YEN, 500), (SHED_YEN, FEE_YEN, 25)]),
    ("stripe", "USD",  10_000,    0,         [(STRIPE, SHED, 10_000)]),
    ("stripe", "USD",  30,        30,        [(STRIPE, SHED, 30), (SHED, FEE, 30)]),
    ("stripe", "USD",  1,         0,         [(STRIPE, SHED, 1)]),
    ("stripe", "USD",  MAX_MINOR, MAX_MINOR, [(STRIPE, SHED, MAX_MINOR),
                                              (SHED, FEE, MAX_MINOR)]),
]
# fmt: on


@pytest.mark.parametrize(("psp", "currency", "amount", "fee", "lines"), SALES)
def test_a_sale_books_the_amount_and_then_the_fee(
    psp: str, currency: str, amount: int, fee: int, lines: list[tuple[str, str, int]]
) -> None:
    booked = sale(succeeded(psp=psp, currency=currency, amount=amount, fee=fee))
    found = [(line.debit.code, line.credit.code, line.amount_minor) for line in booked.lines]
    assert found == lines


@pytest.mark.parametrize(("amount", "fee"), [(100, 101), (100, -1), (0, 0), (-5, 0), (0, 1)])
def test_a_sale_that_makes_no_sense_is_not_booked(amount: int, fee: int) -> None:
    with pytest.raises(ValueError, match=r"fee|more than zero"):
        sale(succeeded(amount=amount, fee=fee))


@given(st.integers(1, MAX_MINOR).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_a_sale_neither_makes_nor_loses_money(amount_and_fee: tuple[int, int]) -> None:
    amount, fee = amount_and_fee
    changed = changes(sale(succeeded(amount=amount, fee=fee)))
    assert changed[STRIPE] == amount
    assert changed[SHED] == amount - fee
    assert changed.get(FEE, 0) == fee
    assert changed[STRIPE] == changed[SHED] + changed.get(FEE, 0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["stripe", "braintree", "square"]),
            st.sampled_from(["ann", "bob", "eve:USD"]),
            st.sampled_from(["USD", "EUR", "JPY", "KWD"]),
            st.integers(1, 10**9),
            st.integers(0, 100),
        ),
        max_size=30,
    )
)
def test_all_sales_together_balance_in_every_currency(
    sales: list[tuple[str, str, str, int, int]],
) -> None:
    debit_minus_credit: dict[str, int] = {}
    owed: dict[str, int] = {}
    for psp, seller, currency, amount, percent in sales:
        fee = amount * percent // 100
        booked = sale(succeeded(psp=psp, seller=seller, currency=currency, amount=amount, fee=fee))
        for line in booked.lines:
            assert line.debit.currency == line.credit.currency == currency
        for code, change in changes(booked).items():
            family, code_currency = code.split(":")[0], code.rsplit(":", 1)[1]
            sign = 1 if family == "psp_receivable" else -1
            debit_minus_credit[code_currency] = (
                debit_minus_credit.get(code_currency, 0) + sign * change
            )
            if family == "seller_payable":
                owed[code] = owed.get(code, 0) + change
    assert set(debit_minus_credit.values()) <= {0}
    assert all(balance >= 0 for balance in owed.values())


def test_an_entry_carries_when_why_and_for_what() -> None:
    event = succeeded("order-77")
    booked = entry_for(event)
    assert booked is not None
    assert (booked.kind, booked.source_id) == ("sale", event.aggregate_id)
    assert (booked.reference, booked.event_at) == ("order-77", MOMENT)
    assert booked.description == "sale by garden-shed through stripe"


def test_an_event_that_moves_no_money_is_not_booked() -> None:
    done = PaymentEventDone(aggregate_id=IDS.new(), version=2, occurred_at=MOMENT, checkout_id="c")
    assert entry_for(done) is None


# fmt: off
FAMILIES = [
    # family, owner, code, kind
    (Family.PSP_RECEIVABLE,       "stripe", "psp_receivable:stripe:USD",     ASSET),
    (Family.CASH_IN_TRANSIT,      "square", "cash_in_transit:square:USD",    ASSET),
    (Family.BANK,                 "main",   "bank:main:USD",                 ASSET),
    (Family.DISPUTES_RECEIVABLE,  "stripe", "disputes_receivable:stripe:USD", ASSET),
    (Family.SELLER_PAYABLE,       "a:b",    "seller_payable:a:b:USD",        LIABILITY),
    (Family.SELLER_RESERVE,       "ann",    "seller_reserve:ann:USD",        LIABILITY),
    (Family.PAYOUTS_IN_TRANSIT,   "ann",    "payouts_in_transit:ann:USD",    LIABILITY),
    (Family.REFUNDS_IN_TRANSIT,   "stripe", "refunds_in_transit:stripe:USD", LIABILITY),
    (Family.PLATFORM_FEE_REVENUE, "",       "platform_fee_revenue:USD",      INCOME),
    (Family.PSP_FEE_EXPENSE,      "stripe", "psp_fee_expense:stripe:USD",    EXPENSE),
    (Family.LOSSES,               "",       "losses:USD",                    EXPENSE),
    (Family.ADJUSTMENTS,          "",       "adjustments:USD",               EQUITY),
]
# fmt: on


@pytest.mark.parametrize(("family", "owner", "code", "kind"), FAMILIES)
def test_every_family_has_a_code_and_a_type(
    family: Family, owner: str, code: str, kind: AccountType
) -> None:
    assert account(family, "USD", owner) == Account(code, kind, owner, "USD")
    assert family.meaning.endswith(".")


def test_an_account_belongs_to_whom_its_family_says() -> None:
    for family in Family:
        wrong = "somebody" if family.holder is Holder.PLATFORM else ""
        with pytest.raises(ValueError, match="belongs to"):
            account(family, "USD", wrong)


# fmt: off
IMPOSSIBLE_LINES = [
    # debit, credit, amount, refused
    (asset("a"),                  liability("l"),                    0,  "more than zero"),
    (asset("a"),                  liability("l"),                    -1, "more than zero"),
    (asset("a"),                  asset("a"),                        1,  "debited and credited"),
    (asset("a", currency="EUR"),  liability("l", currency="USD"),    1,  "currency"),
]
# fmt: on


@pytest.mark.parametrize(("debit", "credit", "amount", "refused"), IMPOSSIBLE_LINES)
def test_a_line_that_cannot_be_is_refused(
    debit: Account, credit: Account, amount: int, refused: str
) -> None:
    with pytest.raises(ValueError, match=refused):
        Line(debit, credit, amount)


def test_an_entry_without_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one line"):
        JournalEntry("sale", IDS.new(), "r", MOMENT, "d", ())
