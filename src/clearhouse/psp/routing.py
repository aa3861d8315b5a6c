"""Which PSP takes a payment that several could take: one pure function over rules.

Rules rank and never forbid, so there is always an answer. Candidates are compared by health, then
by the priority and the cost that their rule gives them; what is still equal is drawn by weight.
The draw is handed in, so that a decision can be repeated and explained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby
from typing import Final

from clearhouse.kernel.money import Money
from clearhouse.psp.contract import DeclineReason

ELSEWHERE: Final = frozenset(
    {
        DeclineReason.PROCESSING_ERROR,
        DeclineReason.REJECTED_BY_PSP,
        DeclineReason.PAYMENT_METHOD_INVALID,
        DeclineReason.CARD_NOT_SUPPORTED,
        DeclineReason.CURRENCY_NOT_SUPPORTED,
    }
)
"""Declines that speak of the PSP or of its token and not of the card: another PSP may be asked.

What the card's bank said holds at every PSP, and the networks forbid to ask around.
"""

ALMOST_ONE: Final = 1 - 2**-53
"""The largest draw there is: a draw is at least 0 and below 1."""


class Health(IntEnum):
    """How a PSP answers at present; lower is better."""

    UP = 0
    ON_TRIAL = 1
    DOWN = 2

    @property
    def words(self) -> str:
        """For people."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class RoutingRequest:
    """What is to be paid; ``candidates`` are the PSPs that could take it, each once."""

    amount: Money
    seller_account: str
    candidates: tuple[str, ...]
    brand: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for one PSP; an empty set or None means any.

    ``at_least`` and ``at_most`` are minor units, both allowed. A lower ``priority`` is tried
    first. The cost is ``cost_basis_points`` of the amount and ``cost_minor`` more. ``weight`` is
    the share among equals; 0: only after the others.
    """

    psp: str
    currencies: frozenset[str] = frozenset()
    sellers: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    at_least: int | None = None
    at_most: int | None = None
    priority: int = 100
    weight: int = 1
    cost_basis_points: int = 0
    cost_minor: int = 0

    def fits(self, request: RoutingRequest) -> bool:
        """Whether the rule speaks of such a payment."""
        amount = request.amount
        return (
            (not self.currencies or amount.currency in self.currencies)
            and (not self.sellers or request.seller_account in self.sellers)
            and (not self.brands or request.brand in self.brands)
            and (self.at_least is None or amount.minor >= self.at_least)
            and (self.at_most is None or amount.minor <= self.at_most)
        )

    def cost_of(self, amount: Money) -> Money:
        """What the PSP takes for an amount, rounded up."""
        share = -(-amount.minor * self.cost_basis_points // 10_000)
        return Money(share + self.cost_minor, amount.currency)


@dataclass(frozen=True, slots=True)
class Considered:
    """One candidate with what it was judged by; ``rule`` counts from 1, None: no rule fits."""

    psp: str
    health: Health
    priority: int
    cost: Money
    weight: int
    rule: int | None


@dataclass(frozen=True, slots=True)
class Decision:
    """The candidates in the order to try them, and for each of the others why it stands behind."""

    order: tuple[Considered, ...]
    reasons: tuple[str, ...]

    @property
    def psp(self) -> str:
        """The one to ask first."""
        return self.order[0].psp


def choose(
    request: RoutingRequest, rules: Sequence[Rule], health: Mapping[str, Health], draw: float
) -> Decision:
    """The order in which to try the candidates; ``draw`` is a random number in [0, 1).

    For each candidate the first rule of its PSP that fits decides. A PSP that ``health`` does not
    name is up. Raises ValueError without a candidate.
    """
    if not request.candidates:
        raise ValueError("there is no PSP to choose from")
    judged = sorted((_judge(psp, request, rules, health) for psp in request.candidates), key=_rank)
    order: list[Considered] = []
    for _, equals in groupby(judged, key=_rank):
        order += _drawn(list(equals), draw)
    reasons = (_first_reason(order[0]), *(_why_behind(order[0], other) for other in order[1:]))
    return Decision(tuple(order), reasons)


def _judge(
    psp: str, request: RoutingRequest, rules: Sequence[Rule], health: Mapping[str, Health]
) -> Considered:
    fitting = (n for n, rule in enumerate(rules, 1) if rule.psp == psp and rule.fits(request))
    number = next(fitting, None)
    rule = rules[number - 1] if number else Rule(psp)
    cost = rule.cost_of(request.amount)
    return Considered(psp, health.get(psp, Health.UP), rule.priority, cost, rule.weight, number)


def _rank(one: Considered) -> tuple[int, int, int]:
    return one.health, one.priority, one.cost.minor


def _drawn(equals: list[Considered], draw: float) -> list[Considered]:
    """Equals in an order drawn by weight; what is left of the draw decides the next place."""
    order: list[Considered] = []
    while equals:
        total = sum(one.weight for one in equals)
        if total == 0:
            return order + equals
        point, below = draw * total, 0
        for place, one in enumerate(equals):
            if point < below + one.weight:
                draw = min((point - below) / one.weight, ALMOST_ONE)
                order.append(equals.pop(place))
                break
            below += one.weight
    return order


def _first_reason(first: Considered) -> str:
    rule = f"rule {first.rule}" if first.rule else "no rule fits"
    return f"{first.psp}: {rule}, {first.health.words}, priority {first.priority}, {first.cost}"


def _why_behind(first: Considered, other: Considered) -> str:
    if other.health != first.health:
        return f"{other.psp} is {other.health.words}"
    if other.priority != first.priority:
        return f"{other.psp} has priority {other.priority} after {first.priority}"
    if other.cost != first.cost:
        return f"{other.psp} costs {other.cost} instead of {first.cost}"
    return f"{other.psp} is as good, and was drawn later (weight {other.weight})"
