"""Routing as a table: payment, health and draw in, the order of PSPs and the reason out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.kernel.money import Money
from clearhouse.psp.routing import Health, RoutingRequest, Rule, choose

ALL = ("stripe", "braintree", "square")
UP, TRIAL, DOWN = Health

RULES = (
    Rule("square", frozenset({"USD"}), at_most=1000, priority=10),
    Rule("stripe", sellers=frozenset({"tea"}), priority=20),
    Rule("braintree", brands=frozenset({"amex"}), priority=30),
    Rule("stripe", frozenset({"EUR"}), cost_basis_points=140, cost_minor=25),
    Rule("braintree", frozenset({"EUR"}), cost_basis_points=190),
    Rule("stripe", frozenset({"JPY"}), weight=70),
    Rule("square", frozenset({"JPY"}), weight=30),
    Rule("braintree", frozenset({"JPY"}), weight=0),
)


def request(
    amount: int, currency: str, seller: str = "books", brand: str | None = None
) -> RoutingRequest:
    return RoutingRequest(Money(amount, currency), seller, ALL, brand)


# payment                               health              draw  the order, by first letters
TABLE = [
    (request(1000, "USD"),              {},                 0.0,  "sq st br"),
    (request(1001, "USD"),              {},                 0.0,  "st br sq"),
    (request(1000, "USD", "tea"),       {},                 0.0,  "sq st br"),
    (request(9000, "USD", "tea"),       {},                 0.0,  "st br sq"),
    (request(9000, "USD", "x", "amex"), {},                 0.0,  "br st sq"),
    (request(9000, "USD", "x", "visa"), {},                 0.9,  "sq br st"),
    (request(1000, "USD"),              {"square": DOWN},   0.0,  "st br sq"),
    (request(1000, "USD"),              {"square": TRIAL},  0.0,  "st br sq"),
    (request(1000, "USD"),              {"square": TRIAL, "stripe": DOWN}, 0.0, "br sq st"),
    (request(1000, "USD"),              dict.fromkeys(ALL, DOWN), 0.0, "sq st br"),
    # Square has no rule for EUR, so no cost; 1.4 % and 0.25 against 1.9 %.
    (request(1000, "EUR"),              {},                 0.0,  "sq br st"),
    (request(9000, "EUR"),              {},                 0.0,  "sq st br"),
    (request(500, "JPY"),               {},                 0.0,  "st sq br"),
    (request(500, "JPY"),               {},                 0.69, "st sq br"),
    (request(500, "JPY"),               {},                 0.71, "sq st br"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "health", "draw", "order"), TABLE)
def test_each_route(
    asked: RoutingRequest, health: dict[str, Health], draw: float, order: str
) -> None:
    decision = choose(asked, RULES, health, draw)
    assert " ".join(one.psp[:2] for one in decision.order) == order
    assert decision.psp == decision.order[0].psp


def test_the_first_rule_that_fits_decides() -> None:
    rules = (Rule("stripe", priority=5), Rule("stripe", priority=1))
    [only] = choose(RoutingRequest(Money(1, "USD"), "x", ("stripe",)), rules, {}, 0.0).order
    assert (only.rule, only.priority) == (1, 5)


def test_reasons_tell_what_decided() -> None:
    said = choose(request(9000, "EUR"), RULES, {}, 0.0).reasons
    assert said == (
        "square: no rule fits, up, priority 100, 0.00 EUR",
        "stripe costs 1.51 EUR instead of 0.00 EUR",
        "braintree costs 1.71 EUR instead of 0.00 EUR",
    )
    said = choose(request(1000, "USD"), RULES, {"stripe": DOWN}, 0.5).reasons
    assert said[1:] == ("braintree has priority 100 after 10", "stripe is down")
    said = choose(request(500, "JPY"), RULES, {}, 0.0).reasons
    assert said[1] == "square is as good, and was drawn later (weight 30)"


def test_what_a_psp_takes_is_rounded_up() -> None:
    rule = Rule("stripe", cost_basis_points=290, cost_minor=30)
    assert rule.cost_of(Money(1, "USD")) == Money(31, "USD")
    assert rule.cost_of(Money(10_000, "USD")) == Money(320, "USD")


def test_without_a_candidate_there_is_no_answer() -> None:
    with pytest.raises(ValueError, match="no PSP"):
        choose(RoutingRequest(Money(1, "USD"), "x", ()), RULES, {}, 0.0)


rules = st.lists(
    st.builds(
        Rule,
        st.sampled_from(ALL),
        currencies=st.sampled_from([frozenset[str](), frozenset({"USD"}), frozenset({"EUR"})]),
        at_least=st.none() | st.integers(0, 100),
        priority=st.integers(0, 3),
        weight=st.integers(0, 5),
        cost_basis_points=st.integers(0, 500),
    ),
    max_size=6,
)
healths = st.dictionaries(st.sampled_from(ALL), st.sampled_from(Health))


@given(rules, healths, st.floats(0, 1, exclude_max=True), st.permutations(ALL))
def test_every_candidate_is_placed_once_and_nothing_healthier_stands_behind(
    given_rules: list[Rule], health: dict[str, Health], draw: float, candidates: list[str]
) -> None:
    asked = RoutingRequest(Money(50, "USD"), "x", tuple(candidates))
    order = choose(asked, given_rules, health, draw).order
    assert sorted(one.psp for one in order) == sorted(ALL)
    ranks = [(one.health, one.priority, one.cost.minor) for one in order]
    assert ranks == sorted(ranks)


def test_draws_keep_to_the_weights() -> None:
    firsts = [choose(request(500, "JPY"), RULES, {}, n / 1000).psp for n in range(1000)]
    assert (firsts.count("stripe"), firsts.count("square")) == (700, 300)
