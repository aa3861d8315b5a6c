"""``clearhouse fees``: plans and who has which, and how one fee came about."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, TypeVar

from cyclopts import Parameter

from clearhouse.bootstrap.runtime import Runtime
from clearhouse.bootstrap.services import fee_desk
from clearhouse.cli.actor import actor
from clearhouse.cli.console import err, print_data
from clearhouse.cli.database import with_runtime
from clearhouse.cli.fee_views import (
    assignment_data,
    explained_data,
    show_explained,
    show_plan,
    show_plans,
    show_seller,
    version_data,
)
from clearhouse.cli.given import check_currency, in_utc
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.payments.fees.model import EVERYONE, OTHER_CURRENCIES, FeeTerms, Tier
from clearhouse.payments.fees.service import FeeDesk, Plans
from clearhouse.payments.fees.words import parse_amount, parse_rate, parse_tier

Result = TypeVar("Result")
Json = Annotated[bool, Parameter(help="JSON, for scripts.")]
Reason = Annotated[str, Parameter(help="Why, for the audit log.")]
Begins = Annotated[datetime | None, Parameter(help="From when on, in UTC; now, when not given.")]


def list_plans(*, json: Json = False, common: Common = NO_OPTIONS) -> None:
    """List all fee plans as they are now, with how many sellers have each, and the default fee.

    **Example**

    ```shell
    clearhouse fees list
    ```
    """

    async def work(desk: FeeDesk) -> Plans:
        return await desk.plans()

    found = _with_desk(common, work)
    if not json:
        show_plans(found)
        return
    rows = [version_data(one) for one in found.versions]
    for row in rows:
        row["sellers"] = found.sellers.get(str(row["plan"]), 0)
        row["everyone"] = row["plan"] == found.everyone
    print_data(rows)


def show(
    plan: str | None = None,
    *,
    seller: Annotated[str | None, Parameter(help="The plans of this seller instead.")] = None,
    json: Json = False,
    common: Common = NO_OPTIONS,
) -> None:
    """Show a plan whole, every version of it; or which plans a seller had, has and will have.

    **Examples**

    ```shell
    clearhouse fees show premium
    clearhouse fees show --seller garden-shed
    ```

    Parameters
    ----------
    plan
        The plan's name.
    """
    if (plan is None) == (seller is None):
        raise ConfigurationError("Name a plan, or a --seller.")
    if plan is not None:
        versions = _with_desk(common, lambda desk: desk.plan(plan))
        if json:
            print_data([version_data(one) for one in versions])
        else:
            show_plan(plan, versions)
        return
    who = seller or ""
    assigned = _with_desk(common, lambda desk: desk.assignments(who))
    if json:
        print_data([assignment_data(one) for one in assigned])
    else:
        show_seller(who, assigned)


def set_plan(
    plan: str,
    *,
    rate: Annotated[str, Parameter(help='Such as "2.9% + 0.30".')],
    currency: Annotated[
        str | None, Parameter(help="ISO 4217; all that the plan does not name, when not given.")
    ] = None,
    minimum: Annotated[str | None, Parameter(help="The least a fee is, such as 0.50.")] = None,
    cap: Annotated[str | None, Parameter(help="The most a fee is, such as 25.00.")] = None,
    tier: Annotated[
        list[str] | None,
        Parameter(
            help='A rate from a volume of the month on: "10000.00: 2.5% + 0.25"; repeatable.'
        ),
    ] = None,
    reason: Reason,
    begins: Begins = None,
    json: Json = False,
    common: Common = NO_OPTIONS,
) -> None:
    """Set what a plan takes in a currency, from now on or later; a new plan begins with it.

    Each time a new version: payments that were accepted before keep theirs.

    **Examples**

    ```shell
    clearhouse fees set premium --currency USD --rate "2.5% + 0.25" --reason "price list 2026"
    clearhouse fees set premium --currency EUR --rate "2.4% + 0.20" --minimum 0.50 --cap 25.00 \
        --tier "10000.00: 2.1% + 0.20" --tier "100000.00: 1.8%" --begins 2027-01-01 \
        --reason "price list 2027"
    ```

    Parameters
    ----------
    plan
        The plan's name.
    """
    check_currency(currency)
    code = currency or OTHER_CURRENCIES
    terms = _terms(code, rate, minimum, cap, tier or [])
    by = actor()
    made = _with_desk(
        common,
        lambda desk: desk.set_plan(
            plan, code, terms, by=by, reason=reason, valid_from=_moment(begins)
        ),
    )
    if json:
        print_data(version_data(made))
        return
    err.print("[good]Set[/good]: from then on payments that are accepted are under it.")
    show_plan(plan, [made])


def assign(
    seller: str | None = None,
    plan: str | None = None,
    *,
    everyone: Annotated[
        bool, Parameter(help="All sellers without a plan of their own, instead of one.")
    ] = False,
    none: Annotated[bool, Parameter(help="No plan any more, instead of one.")] = False,
    reason: Reason,
    begins: Begins = None,
    json: Json = False,
    common: Common = NO_OPTIONS,
) -> None:
    """Give a seller a plan, from now on or later, or take it away.

    **Examples**

    ```shell
    clearhouse fees assign garden-shed premium --reason "contract of May"
    clearhouse fees assign garden-shed --none --reason "contract ended" --begins 2027-01-01
    clearhouse fees assign --everyone standard --reason "new price list"
    ```

    Parameters
    ----------
    seller
        The seller's account.
    plan
        The plan's name.
    """
    if everyone and plan is None:
        seller, plan = EVERYONE, seller
    if seller is None or (seller == "") != everyone or (plan is None) != none:
        raise ConfigurationError("Say who and what: a seller or --everyone, and a plan or --none.")
    who, what, by = seller, plan, actor()
    made = _with_desk(
        common,
        lambda desk: desk.assign(who, what, by=by, reason=reason, valid_from=_moment(begins)),
    )
    if json:
        print_data(assignment_data(made))
    else:
        err.print("[good]Assigned[/good]: payments that are accepted from then on are under it.")
        show_seller(who, [made])


def explain(payment_order_id: str, *, json: Json = False, common: Common = NO_OPTIONS) -> None:
    """Explain the platform's fee on one payment order, step by step.

    By the version of the plan that was kept with the order. For an order that is not paid yet:
    what the fee would be now.

    **Example**

    ```shell
    clearhouse fees explain cart-1-books
    ```

    Parameters
    ----------
    payment_order_id
        The order's id, as it was given with the payment.
    """
    found = _with_desk(common, lambda desk: desk.explain(payment_order_id))
    if json:
        print_data(explained_data(found))
    else:
        show_explained(found)


def _terms(
    currency: str, rate: str, minimum: str | None, cap: str | None, tiers: list[str]
) -> FeeTerms:
    given = f"--rate {rate!r}"
    try:
        basis_points, fixed = parse_rate(rate, currency)
        given = f"--minimum {minimum!r}"
        least = 0 if minimum is None else parse_amount(minimum, currency)
        given = f"--cap {cap!r}"
        most = None if cap is None else parse_amount(cap, currency)
        rates: list[Tier] = []
        for text in tiers:
            given = f"--tier {text!r}"
            rates.append(parse_tier(text, currency))
    except ValueError as error:
        raise ConfigurationError(f"{given} {error}.") from None
    try:
        return FeeTerms(basis_points, fixed, least, most, tuple(rates))
    except ValueError as error:
        raise ConfigurationError(f"Such a plan cannot be: {error}.") from None


def _moment(begins: datetime | None) -> datetime | None:
    return None if begins is None else in_utc(begins)


def _with_desk(common: Common, work: Callable[[FeeDesk], Awaitable[Result]]) -> Result:
    settings = common.load().settings

    async def run(runtime: Runtime) -> Result:
        return await work(fee_desk(runtime, settings))

    return with_runtime(settings, "fees", run)
