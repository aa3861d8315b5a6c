"""``clearhouse wallets write-off``: let go what a seller owes and nobody will pay."""

from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.markup import escape

from clearhouse.bootstrap import Runtime
from clearhouse.bootstrap.wallets import write_off_desk
from clearhouse.cli.actor import actor
from clearhouse.cli.console import err, out
from clearhouse.cli.database import with_runtime
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.kernel.money import EXPONENTS, MoneyError, parse_minor
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
    minor = _minor(amount, currency)

    async def work(runtime: Runtime) -> WriteOff | AskedWriteOff:
        desk = write_off_desk(runtime, settings)
        return await desk.write_off(seller, currency, by=who, reason=reason, amount_minor=minor)

    done = with_runtime(settings, "wallets", work, size=1)
    if json:
        out.print_json(msgspec.json.encode(_data(done)).decode())
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


def _minor(amount: str | None, currency: str) -> int | None:
    if currency not in EXPONENTS:
        raise ConfigurationError(
            f"{currency[:10]} is no currency.", hint="Use ISO 4217 in capitals, such as EUR."
        )
    if amount is None:
        return None
    try:
        return parse_minor(amount, currency)
    except MoneyError as error:
        raise ConfigurationError(f"{amount[:40]} {currency} is no amount: {error}.") from None
