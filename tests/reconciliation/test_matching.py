"""The rules of matching: a table of lines beside what we believe."""

import pytest

from clearhouse.psp.settlements import LineKind, SettlementLine
from clearhouse.reconciliation.atlas import sections
from clearhouse.reconciliation.matching import (
    CAUSES,
    Cause,
    Fact,
    FeePlan,
    OrderState,
    judge,
    judge_alone,
    plan_columns,
)

PLAN = FeePlan(290, 30)
C = Cause


def line(kind: str, currency: str, gross: int, fee: int = 0) -> SettlementLine:
    return SettlementLine(
        "l1", LineKind(kind), "r1", "c1", "o1", currency, gross, fee, "2026-11-21", "", ""
    )


# fmt: off
BESIDE = [
    # line: kind, currency, gross, fee      fact: kind, amount, currency, reversed   cause
    (("charge",          "USD",  1000, 59), ("charge",  1000, "USD", False), None),
    (("charge",          "USD",  1000, 60), ("charge",  1000, "USD", False), None),
    (("charge",          "USD",  1000, 61), ("charge",  1000, "USD", False), C.FEE_DIFFERS),
    (("charge",          "USD",  1001, 59), ("charge",  1000, "USD", False), C.AMOUNT_DIFFERS),
    (("charge",          "EUR",  1000, 59), ("charge",  1000, "USD", False), C.CURRENCY_DIFFERS),
    (("charge",          "EUR",  2000,  0), ("charge",  1000, "USD", False), C.CURRENCY_DIFFERS),
    (("charge",          "USD",  1000, 59), ("charge",  1000, "USD", True),  None),
    (("charge_reversal", "USD", -1000,  0), ("charge",  1000, "USD", True),  None),
    (("charge_reversal", "USD", -1000,  0), ("charge",  1000, "USD", False), C.SETTLEMENT_DECLINED),
    (("refund",          "USD",  -500,  0), ("refund",   500, "USD", False), None),
    (("refund",          "USD",  -501,  0), ("refund",   500, "USD", False), C.AMOUNT_DIFFERS),
    (("refund_reversal", "USD",   500,  0), ("refund",   500, "USD", True),  None),
    (("refund_reversal", "USD",   500,  0), ("refund",   500, "USD", False), C.STATUS_DIFFERS),
    (("dispute",         "USD",  -500, 15), ("dispute",  500, "USD", False), None),
    (("dispute_reversal", "USD",   500,  0), ("dispute",  500, "USD", False), C.STATUS_DIFFERS),
]
ALONE = [
    # kind              order       charge known   cause
    ("charge",          None,        False, Cause.UNKNOWN_CHARGE),
    ("charge",          "SUCCESS",   False, Cause.DUPLICATE_CHARGE),
    ("charge",          "FAILED",    False, Cause.CHARGED_BUT_FAILED),
    ("charge",          "EXECUTING", False, Cause.CHARGED_BUT_OPEN),
    ("charge",          "NOT_STARTED", False, Cause.CHARGED_BUT_OPEN),
    ("charge_reversal", None,        False, Cause.UNEXPLAINED),
    ("refund",          None,        True,  Cause.UNKNOWN_REFUND),
    ("refund",          None,        False, Cause.REFUND_WITHOUT_ORDER),
    ("refund_reversal", None,        True,  Cause.UNKNOWN_REFUND),
    ("dispute",         None,        True,  Cause.UNKNOWN_DISPUTE),
    ("payout_reversal", None,        False, Cause.PAYOUT_RETURNED),
    ("other",           None,        False, Cause.UNEXPLAINED),
    ("payout",          None,        False, None),
    ("fee",             None,        False, None),
    ("reserve",         None,        False, None),
    ("transfer",        None,        False, None),
]
# fmt: on


@pytest.mark.parametrize(("told", "believed", "cause"), BESIDE)
def test_a_line_beside_its_fact(
    told: tuple[str, str, int, int], believed: tuple[str, int, str, bool], cause: Cause | None
) -> None:
    kind, amount, currency, reversed_ = believed
    fact = Fact(kind, "r1", amount, currency, is_reversed=reversed_)
    assert judge(line(*told), fact, PLAN) is cause


@pytest.mark.parametrize(("kind", "status", "known", "cause"), ALONE)
def test_a_line_alone(kind: str, status: str | None, known: bool, cause: Cause | None) -> None:
    order = OrderState(status, None) if status else None
    assert judge_alone(line(kind, "USD", 1000), order, charge_is_known=known) is cause


def test_without_a_plan_no_fee_is_wrong() -> None:
    assert judge(line("charge", "USD", 1000, 999), Fact("charge", "r1", 1000, "USD")) is None
    assert judge(line("charge", "USD", 1000), None) is Cause.UNKNOWN_CHARGE


def test_every_cause_has_a_word_of_its_own_and_stands_in_the_reference() -> None:
    assert len(CAUSES) == len(Cause)
    table = sections()["causes"]
    assert all(f"`{cause.word}`" in table and cause.proposal in table for cause in Cause)


def test_plans_are_columns_for_the_database() -> None:
    plans = {"USD": PLAN, "JPY": FeePlan(340, 0, 2)}
    assert plan_columns(plans) == (["USD", "JPY"], [290, 340], [30, 0], [1, 2])
