"""``clearhouse route``: which PSP would take a payment, and why."""

from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

from clearhouse.cli.console import out, print_data
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.cli.routed import tell_routed
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.kernel.money import Money, MoneyError, parse_charge
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.psp import registry
from clearhouse.psp.routing import ALMOST_ONE, Decision, Health, RoutingRequest, choose


def route(
    amount: Annotated[str, Parameter(name="AMOUNT-OR-ORDER")],
    currency: str | None = None,
    *,
    seller: Annotated[str, Parameter(help="The seller's account.")] = "",
    brand: Annotated[str | None, Parameter(help="The card's brand, such as visa.")] = None,
    psp: Annotated[
        tuple[str, ...] | None,
        Parameter(help="A PSP that could take it; repeat it. All enabled ones, when not given."),
    ] = None,
    down: Annotated[
        tuple[str, ...] | None, Parameter(help="A PSP to be taken for down; repeat it.")
    ] = None,
    draw: Annotated[
        float | None,
        Parameter(help="The random draw from 0 to 1 among equals; a new one, when not given."),
    ] = None,
    explain: Annotated[
        bool, Parameter(help="Show every candidate and why it stands where.")
    ] = False,
    json: Annotated[bool, Parameter(help="One JSON object, for scripts.")] = False,
    common: Common = NO_OPTIONS,
) -> None:
    """Say which PSP the routing rules choose, or why they chose one for a payment that is there.

    Nothing is charged.

    The rules are the tables `[[routing]]` of the settings file. Candidates are compared by
    health, priority and cost; equals are drawn by weight.

    **Examples**

    ```shell
    clearhouse route 49.90 EUR --explain
    clearhouse route 5000 JPY --seller kyoto-tea --brand visa --psp stripe --psp square
    clearhouse route 12.00 USD --down stripe --explain
    clearhouse route --explain cart-1-tea
    ```

    Parameters
    ----------
    amount
        A decimal string in major units; or, alone, the id of a payment order.
    currency
        ISO 4217, in capital letters.
    """
    settings = common.load().settings
    if currency is None:
        tell_routed(settings, amount, json=json)
        return
    candidates = _known(psp or tuple(settings.psps) or registry.names())
    try:
        price = parse_charge(amount, currency)
    except MoneyError as error:
        raise ConfigurationError(f"{amount} {currency} is no amount to pay: {error}.") from None
    if draw is None:
        draw = SystemRandomness().uniform(0, ALMOST_ONE)
    if not 0 <= draw < 1:
        raise ConfigurationError("--draw must be at least 0 and below 1.")
    request = RoutingRequest(price, seller, candidates, brand.lower() if brand else None)
    health = dict.fromkeys(_known(down or ()), Health.DOWN)
    decision = choose(request, settings.routing, health, draw)
    if json:
        print_data(_row(decision, price, draw))
    elif explain:
        out.print(_table(decision))
        for reason in decision.reasons:
            out.print(reason, style="quiet", markup=False)
    else:
        out.print(decision.psp)


def _known(psps: tuple[str, ...]) -> tuple[str, ...]:
    for name in psps:
        if name not in registry.names():
            raise ConfigurationError(
                f"There is no PSP called {name[:40]}.",
                hint=f"Known are {', '.join(registry.names())}.",
            )
    return tuple(dict.fromkeys(psps))


def _row(decision: Decision, price: Money, draw: float) -> dict[str, object]:
    return {
        "psp": decision.psp,
        "amount": str(price),
        "draw": draw,
        "reasons": decision.reasons,
        "candidates": [
            {
                "psp": one.psp,
                "health": one.health.words,
                "priority": one.priority,
                "cost": str(one.cost),
                "weight": one.weight,
                "rule": one.rule,
            }
            for one in decision.order
        ],
    }


def _table(decision: Decision) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="quiet")
    for column in ("", "PSP", "health", "priority", "cost", "weight", "rule"):
        table.add_column(column, justify="right" if column in {"priority", "cost"} else "left")
    for place, one in enumerate(decision.order, start=1):
        health = f"[{'good' if one.health is Health.UP else 'bad'}]{one.health.words}[/]"
        rule = f"number {one.rule}" if one.rule else "none fits"
        cells = (str(place), one.psp, health, str(one.priority), str(one.cost), str(one.weight))
        table.add_row(*cells, rule, style="" if place == 1 else "quiet")
    return table
