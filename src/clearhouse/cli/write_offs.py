"""``clearhouse wallets write-off``: let go what a seller owes and nobody will pay."""

from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape

from clearhouse.bootstrap import Runtime
from clearhouse.bootstrap.wallets import write_off_desk
from clearhouse.cli.actor import actor
from clearhouse.cli.console import err, out, print_data
from clearhouse.cli.database import with_runtime
from clearhouse.cli.given import check_currency, minor_of
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.wallets.write_offs.model import AskedWriteOff, WriteOff


def write_off_debt(
    seller: str,
    *,
    currency: Annotated[str, Parameter(help="ISO 4217, such as EUR.")],
    reason: Annotated[str, Parameter(help="Why, for the audit log.")],
    amount: Annotated[
        str | None, Parameter(help="Some of the debt, such as 12.50; all, when not given.")
    ] = None,
    json: Annotated[bool, Parameter(help="JSON, for scripts.")] = False,
    common: Common = NO_OPTIONS,
) -> None:
    """Write off what a seller owes and nobody will pay: it becomes the platform's loss.

    Above CLEARHOUSE_WALLETS_WRITE_OFF_LIMIT it is only asked for, and done once a second person
    does the same. What is pending or in reserve pays a debt first, and is not written off.

    **Examples**

    ```shell
    clearhouse wallets write-off garden-shed --currency EUR --reason "bankrupt, nothing to get"
    clearhouse wallets write-off garden-shed --currency EUR --amount 12.50 --reason "settled so"
    ```

    Parameters
    ----------
    seller
        The seller's account.
    """
    settings, who = common.load().settings, actor()
    check_currency(currency)
    minor = None if amount is None else minor_of(amount, currency)

    async def work(runtime: Runtime) -> WriteOff | AskedWriteOff:
        desk = write_off_desk(runtime, settings)
        return await desk.write_off(seller, currency, by=who, reason=reason, amount_minor=minor)

    done = with_runtime(settings, "wallets", work, size=1)
    if json:
        print_data(_data(done))
    elif isinstance(done, WriteOff):
        err.print(f"[good]Written off[/good]: {done.amount} of {escape(seller)} is a loss.")
        out.print(done.public_id, markup=False)
    else:
        err.print(f"[warn]Asked for[/warn], since {done.amount} needs a second person.")


def _data(done: WriteOff | AskedWriteOff) -> dict[str, object]:
    is_done = isinstance(done, WriteOff)
    return {
        "write_off_id": done.public_id if is_done else None,
        "seller_account": done.seller_account,
        "amount": str(done.amount),
        "reason": done.reason,
        "asked_by": done.asked_by,
        "decided_by": done.decided_by if is_done else None,
    }
