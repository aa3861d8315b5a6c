"""Whose page a payment gets: the PSP that it asks for, else the one that the rules choose."""

from datetime import timedelta
from typing import Any, cast

import pytest
from tests.payments.rooms import NO_RULES

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.money import Money
from clearhouse.kernel.randomness import SeededRandomness
from clearhouse.payments.intake import IntakeService
from clearhouse.payments.model import NewOrder, NewPayment
from clearhouse.payments.pages.desk import PageDesk
from clearhouse.payments.routes import Router
from clearhouse.psp.routing import Rule

NAMES = ("stripe", "braintree", "square")
RULES = (
    Rule("square", sellers=frozenset({"tea"}), priority=1),
    Rule("braintree", frozenset({"USD"}), at_least=2500, priority=2),
    Rule("stripe", frozenset({"USD"}), priority=3),
    Rule("square", frozenset({"EUR"}), priority=3),
    Rule("adyen", priority=0),
)


def desk(*rules: Rule, names: tuple[str, ...] = NAMES) -> PageDesk:
    randomness = SeededRandomness(1)
    unused = cast("Any", None)
    return PageDesk(
        unused,
        Ids(SystemClock(), randomness),
        randomness,
        unused,
        names=names,
        lifetime=timedelta(hours=1),
        router=Router(rules, randomness),
    )


def payment(currency: str, *amounts: int, psp: str = "", seller: str = "") -> NewPayment:
    orders = tuple(
        NewOrder(f"o-{n}", seller or f"s-{n}", Money(minor, currency))
        for n, minor in enumerate(amounts)
    )
    return NewPayment("c", psp, "", "{}", orders, on_page=True)


# fmt: off
TABLE = [
    # currency amounts       asks for      seller   chosen
    ("USD",    (1000,),      "",           "",      "stripe"),
    ("USD",    (2500,),      "",           "",      "braintree"),
    ("USD",    (1500, 1000), "",           "",      "braintree"),  # a page takes the total
    ("USD",    (1500, 999),  "",           "",      "stripe"),
    ("USD",    (9900,),      "",           "tea",   "square"),
    ("USD",    (9900, 1),    "",           "tea",   "square"),     # one seller, two orders
    ("EUR",    (1000,),      "",           "",      "square"),
    ("JPY",    (1000,),      "",           "",      "stripe"),     # no rule: the first there is
    ("USD",    (9900,),      "stripe",     "tea",   "stripe"),
]
# fmt: on


@pytest.mark.parametrize(("currency", "amounts", "asks_for", "seller", "chosen"), TABLE)
def test_whose_page_it_is(
    currency: str, amounts: tuple[int, ...], asks_for: str, seller: str, chosen: str
) -> None:
    found = desk(*RULES).choose(payment(currency, *amounts, psp=asks_for, seller=seller))
    assert found.psp == chosen
    assert (found.routed_by is None) == bool(asks_for)


def test_why_it_was_chosen_is_kept_with_its_orders() -> None:
    ids = Ids(SystemClock(), SeededRandomness(1))
    unused = cast("Any", None)
    intake = IntakeService(
        unused,
        SystemClock(),
        ids,
        idempotency_lifetime=timedelta(hours=1),
        router=NO_RULES,
    )
    event = intake.prepare(desk(*RULES).choose(payment("EUR", 1000)))
    [order] = event.orders
    assert (order.psp, order.route) == ("square", None)
    assert order.routed_by is not None
    assert order.routed_by.startswith("square: rule 4")


def test_without_rules_it_is_the_first_with_a_page() -> None:
    assert desk(names=("braintree", "stripe")).choose(payment("USD", 1)).psp == "braintree"


def test_a_rule_of_a_psp_without_pages_chooses_nothing() -> None:
    assert desk(*RULES, names=("stripe",)).choose(payment("EUR", 1)).psp == "stripe"
