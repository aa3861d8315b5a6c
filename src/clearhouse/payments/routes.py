"""In which order the PSPs that could take an order are tried: the settings' rules, applied."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from clearhouse.kernel.randomness import Randomness
from clearhouse.payments.model import NewOrder
from clearhouse.psp.routing import ALMOST_ONE, RoutingRequest, Rule, choose

_AS_GIVEN: Final = "no rule fits: in the order given"


@dataclass(frozen=True, slots=True)
class Route:
    """The PSPs in the order to try them, and why they stand so, in one line for people."""

    psps: tuple[str, ...]
    reason: str


class Router:
    """Puts PSPs in order; where the rules say nothing they stay as the caller gave them.

    How the PSPs answer at present is not known here: an executor whose PSP rests hands on what
    was never sent to it.
    """

    def __init__(self, rules: Sequence[Rule], randomness: Randomness) -> None:
        self._rules = rules
        self._randomness = randomness

    def route(self, psps: Sequence[str], order: NewOrder) -> Route:
        """The route of one order; ``psps`` are the candidates, each once, at least one."""
        request = RoutingRequest(order.amount, order.seller_account, tuple(psps))
        decision = choose(request, self._rules, {}, self._randomness.uniform(0, ALMOST_ONE))
        if all(one.rule is None for one in decision.order):
            return Route(tuple(psps), _AS_GIVEN)
        return Route(tuple(one.psp for one in decision.order), "; ".join(decision.reasons))
