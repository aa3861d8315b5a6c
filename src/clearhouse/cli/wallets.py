"""``clearhouse wallets``: what sellers are owed, what stops their payouts, and their terms."""

from datetime import datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

from cyclopts import Parameter
from rich.markup import escape

from clearhouse.bootstrap.policies import wallet_terms
from clearhouse.bootstrap.runtime import Runtime
from clearhouse.bootstrap.wallets import maturing_service
from clearhouse.cli.actor import actor
from clearhouse.cli.console import err, out, print_data
from clearhouse.cli.database import with_runtime
from clearhouse.cli.given import check_currency, in_utc, minor_of
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.cli.wallet_views import Shown, as_data, hold_data, show, show_terms, terms_data
from clearhouse.kernel.errors import ConfigurationError, NotFound
from clearhouse.kernel.money import format_minor
from clearhouse.payments.store import order_by_key
from clearhouse.wallets.holds.service import HoldDesk
from clearhouse.wallets.maturing.agreements import Agreements, Wish
from clearhouse.wallets.maturing.by_hand import MaturedByHand, MaturingDesk
from clearhouse.wallets.maturing.model import Matures
from clearhouse.wallets.service import WalletService
from clearhouse.wallets.statements.service import latest_lines

Result = TypeVar("Result")
Json = Annotated[bool, Parameter(help="JSON, for scripts.")]
Reason = Annotated[str, Parameter(help="Why, for the audit log.")]
Currency = Annotated[str | None, Parameter(help="ISO 4217; all, when not given.")]


def show_wallets(
    seller: str,
    *,
    movements: Annotated[int, Parameter(help="How many of the last movements.")] = 10,
    json: Json = False,
    common: Common = NO_OPTIONS,
) -> None:
    """Show what a seller is owed, the last movements of each wallet, and what stops payouts.

    **Examples**

    ```shell
    clearhouse wallets show garden-shed
    clearhouse wallets show garden-shed --movements 50 --json
    ```

    Parameters
    ----------
    seller
        The seller's account.
    """
    limit = min(max(movements, 0), 1000)

    async def work(runtime: Runtime) -> Shown:
        pool = runtime.pool
        found = await WalletService(pool, runtime.ids, runtime.clock).standing(seller)
        return Shown(
            seller,
            found,
            {one.currency: await latest_lines(pool, seller, one.currency, limit) for one in found},
            await HoldDesk(pool, runtime.clock, runtime.ids).open_holds(seller),
        )

    shown = with_runtime(common.load().settings, "wallets", work, size=1)
    if json:
        print_data(as_data(shown))
    else:
        show(shown)


def place_hold(
    seller: str,
    *,
    reason: Reason,
    currency: Currency = None,
    days: Annotated[
        float | None, Parameter(help="For how long; until it is released, when not given.")
    ] = None,
    json: Json = False,
    common: Common = NO_OPTIONS,
) -> None:
    """Stop a seller's payouts, from now on; what is in a batch already goes out.

    **Examples**

    ```shell
    clearhouse wallets hold garden-shed --reason "goods that never came"
    clearhouse wallets hold garden-shed --currency EUR --days 7 --reason "a call to make"
    ```
    """
    by = actor()
    check_currency(currency)

    async def work(runtime: Runtime) -> dict[str, object]:
        until = None if days is None else runtime.clock.now() + timedelta(days=days)
        desk = HoldDesk(runtime.pool, runtime.clock, runtime.ids)
        return hold_data(
            await desk.place(seller, by=by, reason=reason, currency=currency, until=until)
        )

    _told(
        with_runtime(common.load().settings, "wallets", work, size=1), "Payouts are held", json=json
    )


def release_hold(
    hold_id: UUID, *, reason: Reason, json: Json = False, common: Common = NO_OPTIONS
) -> None:
    """Release a hold, so that it stops payouts no longer. Repeating it changes nothing.

    Parameters
    ----------
    hold_id
        The hold's id, as `clearhouse wallets show` tells it.
    """
    by = actor()

    async def work(runtime: Runtime) -> dict[str, object]:
        desk = HoldDesk(runtime.pool, runtime.clock, runtime.ids)
        return hold_data(await desk.release(hold_id, by=by, reason=reason))

    row = with_runtime(common.load().settings, "wallets", work, size=1)
    _told(row, "Released", json=json)


def mature_sale(
    payment_order_id: str,
    *,
    reason: Reason,
    json: Json = False,
    common: Common = NO_OPTIONS,
) -> None:
    """Let a sale mature whose settlement never comes; what it still has pending is available.

    Only a sale that waits for its settlement: others mature by themselves.

    **Example**

    ```shell
    clearhouse wallets mature cart-1-books --reason "settled by hand, see the PSP's letter"
    ```

    Parameters
    ----------
    payment_order_id
        The order's id, as it was given with the payment.
    """
    by = actor()

    async def work(runtime: Runtime) -> MaturedByHand:
        order = await order_by_key(runtime.pool, payment_order_id)
        if order is None:
            raise NotFound("There is no payment order with this id.")
        desk = MaturingDesk(runtime.pool, runtime.clock, runtime.ids, maturing_service(runtime))
        return await desk.mature(order.order_id, by=by, reason=reason)

    done = with_runtime(common.load().settings, "wallets", work)
    if json:
        row = {
            "payment_order_id": done.reference,
            "seller_account": done.seller_account,
            "amount": format_minor(done.amount.minor, done.amount.currency),
            "currency": done.amount.currency,
        }
        print_data(row)
        return
    err.print(
        f"[good]Matured[/good]: {done.amount} of {escape(done.reference)} became available to"
        f" {escape(done.seller_account)}."
    )


def agree_on_terms(
    seller: str,
    *,
    currency: Currency = None,
    matures: Annotated[
        str | None, Parameter(help=f"What a sale waits for: {' or '.join(Matures)}.")
    ] = None,
    delay_hours: Annotated[float | None, Parameter(help="How long after the sale.")] = None,
    reserve_basis_points: Annotated[
        int | None, Parameter(help="How much of what matures is kept back.")
    ] = None,
    reserve_days: Annotated[int | None, Parameter(help="For how many days.")] = None,
    keep: Annotated[str | None, Parameter(help="What always stays, such as 100.00.")] = None,
    begins: Annotated[
        datetime | None, Parameter(help="From when on, in UTC; now, when not given.")
    ] = None,
    platform: Annotated[bool, Parameter(help="Back to the platform's terms.")] = False,
    reason: Annotated[str | None, Parameter(help="Why, for the audit log.")] = None,
    json: Json = False,
    common: Common = NO_OPTIONS,
) -> None:
    """Show a seller's terms, or agree on others from now or later on.

    What is not given then is the platform's. Sales that were made keep the terms they were
    made under.

    **Examples**

    ```shell
    clearhouse wallets terms garden-shed
    clearhouse wallets terms garden-shed --delay-hours 48 --reason "a trusted seller"
    clearhouse wallets terms garden-shed --reserve-basis-points 1000 --reserve-days 90 \
        --reason "new here"
    clearhouse wallets terms garden-shed --platform --reason "the trial is over"
    ```
    """
    settings = common.load().settings
    check_currency(currency)
    wish = Wish(
        None if matures is None else _matures(matures),
        None if delay_hours is None else timedelta(hours=delay_hours),
        reserve_basis_points,
        reserve_days,
        None if keep is None else _kept(keep, currency),
    )
    changes = wish != Wish() or platform
    if changes and not reason:
        raise ConfigurationError("Say why, with --reason, for the audit log.")
    by = actor() if changes else ""

    async def work(runtime: Runtime) -> dict[str, object]:
        desk = Agreements(runtime.pool, runtime.clock, runtime.ids, wallet_terms(settings))
        if changes:
            moment = None if begins is None else in_utc(begins)
            await desk.agree(seller, currency, wish, by=by, reason=reason or "", valid_from=moment)
        known = currency or "USD"
        return terms_data(await desk.terms(seller, known), await desk.own(seller), currency)

    found = with_runtime(settings, "wallets", work, size=1)
    if json:
        print_data(found)
    else:
        show_terms(seller, found)


def _told(row: dict[str, object], what: str, *, json: bool) -> None:
    if json:
        print_data(row)
        return
    err.print(f"[good]{what}[/good]: {row['reason']}", highlight=False)
    out.print(str(row["hold_id"]), markup=False)


def _matures(word: str) -> Matures:
    if word not in tuple(Matures):
        raise ConfigurationError(f"--matures is {' or '.join(Matures)}.")
    return Matures(word)


def _kept(amount: str, currency: str | None) -> int:
    if currency is None:
        raise ConfigurationError("--keep is an amount: name its --currency.")
    return minor_of(amount, currency)
