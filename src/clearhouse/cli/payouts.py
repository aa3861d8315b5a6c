"""``clearhouse payouts``: what sellers are paid, listed, shown, approved and cancelled."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from cyclopts import Parameter, validators
from rich.markup import escape
from rich.table import Table

from clearhouse.bootstrap import Runtime
from clearhouse.bootstrap.payouts import bank_details_desk, payout_desk
from clearhouse.cli.actor import actor
from clearhouse.cli.console import err, out, print_data
from clearhouse.cli.database import with_runtime
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.wallets.payouts.desk import PayoutDesk
from clearhouse.wallets.payouts.model import (
    BACK,
    Correction,
    Payout,
    PayoutFilter,
    PayoutStatus,
    Told,
)

Result = TypeVar("Result")
Json = Annotated[bool, Parameter(help="JSON, for scripts.")]
_MOST_REASON = 140


def list_payouts(
    *,
    status: Annotated[
        PayoutStatus | None, Parameter(help="Only those in this status, such as created.")
    ] = None,
    seller: Annotated[str | None, Parameter(help="Only this seller's.")] = None,
    currency: Annotated[str | None, Parameter(help="Only those in this currency.")] = None,
    stuck: Annotated[
        bool, Parameter(help="Only those on their way that wait longer than they may.")
    ] = False,
    limit: Annotated[
        int, Parameter(help="How many at most.", validator=validators.Number(gte=1, lte=10_000))
    ] = 50,
    json: Json = False,
    common: Common = NO_OPTIONS,
) -> None:
    """List payouts, newest first.

    **Examples**

    ```shell
    clearhouse payouts list
    clearhouse payouts list --status created
    clearhouse payouts list --stuck
    clearhouse payouts list --seller lamps-and-more --json
    ```
    """
    wanted = PayoutFilter(seller, status, currency, stuck)
    page = _with_desk(common, lambda desk: desk.list_payouts(wanted, None, limit))
    if json:
        print_data([_row(one) for one in page.payouts])
        return
    if not page.payouts:
        err.print("[quiet]No payouts.[/quiet]")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="quiet")
    for column in ("payout", "created", "seller", "amount", "status", "rail"):
        right = column == "amount"
        table.add_column(column, justify="right" if right else "left", no_wrap=column != "seller")
    for one in page.payouts:
        cells = (
            one.public_id,
            f"{one.created_at:%Y-%m-%d %H:%M}",
            one.seller_account,
            str(one.amount),
            _standing(one),
            one.rail or "",
        )
        table.add_row(*map(escape, cells), style="quiet" if one.status in BACK else "")
    out.print(table)
    if page.next_before is not None:
        err.print(f"[quiet]The newest {limit:,}; --limit shows more.[/quiet]")


def show_payout(payout: str, *, json: Json = False, common: Common = NO_OPTIONS) -> None:
    """Show a payout whole, with every event that was told of it.

    **Example**

    ```shell
    clearhouse payouts show po_019ca8d5a4c17d0e9b1e6a5f0c3b2d41
    ```

    Parameters
    ----------
    payout
        Its id, as `clearhouse payouts list` shows it.
    """

    async def work(desk: PayoutDesk) -> tuple[Payout, list[Told]]:
        found = await desk.payout(payout)
        return found, await desk.told(found)

    found, told = _with_desk(common, work)
    if json:
        events = [{"at": one.at, "type": one.type, "version": one.version} for one in told]
        print_data({**_row(found), "events": events})
        return
    for name, value in _row(found).items():
        if value not in (None, ""):
            out.print(f"[quiet]{name:14}[/quiet] {escape(str(value))}", soft_wrap=True)
    for one in told:
        out.print(f"[quiet]{one.at:%Y-%m-%d %H:%M:%S}[/quiet] {one.version} {one.type}")


def approve_payout(payout: str, *, common: Common = NO_OPTIONS) -> None:
    """Let a payout go that needs a second person: not the one who created it.

    You are who the operating system says you are.

    **Example**

    ```shell
    clearhouse payouts approve po_019ca8d5a4c17d0e9b1e6a5f0c3b2d41
    ```

    Parameters
    ----------
    payout
        Its id.
    """
    who = actor()
    done = _with_desk(common, lambda desk: desk.approve(payout, who))
    err.print(
        f"[good]Approved[/good] by {escape(done.approved_by or 'nobody, who was not needed')}:"
        f" {done.amount} to {escape(done.seller_account)}."
    )


def cancel_payout(
    payout: str,
    *,
    reason: Annotated[str, Parameter(help="Why, for people.")],
    common: Common = NO_OPTIONS,
) -> None:
    """Take a payout back that is not in a batch yet; the seller has the money available again.

    **Example**

    ```shell
    clearhouse payouts cancel po_019ca8d5a4c17d0e9b1e6a5f0c3b2d41 --reason "wrong seller"
    ```

    Parameters
    ----------
    payout
        Its id.
    """
    why, who = _reason(reason), actor()
    done = _with_desk(common, lambda desk: desk.cancel(payout, who, why))
    err.print(
        f"[good]Cancelled[/good]: {done.amount} is available to"
        f" {escape(done.seller_account)} again."
    )


def show_correction(
    payout: str,
    *,
    reason: Annotated[str, Parameter(help="Why you read it, for the audit log.")],
    json: Json = False,
    common: Common = NO_OPTIONS,
) -> None:
    """Show what the bank of a payout says the seller's bank details should be next time.

    It can be an account number: it needs the keys that bank details are sealed with, and that
    you have read it stands in the audit log.

    **Example**

    ```shell
    clearhouse payouts correction po_019ca8d5a4c17d0e9b1e6a5f0c3b2d41 --reason "asking the seller"
    ```

    Parameters
    ----------
    payout
        Its id.
    """
    why, who, settings = _reason(reason), actor(), common.load().settings

    async def work(runtime: Runtime) -> Correction:
        return await bank_details_desk(runtime, settings).correction(payout, who, why)

    found = with_runtime(settings, "payouts", work)
    row = {
        "payout": payout,
        "seller": found.seller_account,
        "currency": found.currency,
        "code": found.code,
        "told_at": found.told_at,
        "correction": found.text,
    }
    if json:
        print_data(row)
        return
    for name, value in row.items():
        out.print(f"[quiet]{name:14}[/quiet] {escape(str(value))}", soft_wrap=True)


def _reason(reason: str) -> str:
    why = " ".join(reason.split())
    if not 1 <= len(why) <= _MOST_REASON:
        raise ConfigurationError(f"--reason needs 1 to {_MOST_REASON} characters.")
    return why


def _with_desk(common: Common, work: Callable[[PayoutDesk], Awaitable[Result]]) -> Result:
    settings = common.load().settings
    return with_runtime(settings, "payouts", lambda it: work(payout_desk(it, settings)))


def _standing(payout: Payout) -> str:
    return f"{payout.status} ({payout.reason})" if payout.reason else payout.status.value


def _row(payout: Payout) -> dict[str, object]:
    return {
        "payout": payout.public_id,
        "seller": payout.seller_account,
        "amount": str(payout.amount),
        "status": payout.status,
        "reason": payout.reason,
        "detail": payout.detail,
        "period": payout.period,
        "note": payout.note,
        "created_by": payout.created_by,
        "needs_approval": payout.needs_approval,
        "approved_by": payout.approved_by,
        "rail": payout.rail,
        "batch": payout.batch_id.hex if payout.batch_id else None,
        "reference": payout.reference,
        "created_at": payout.created_at,
        "submitted_at": payout.submitted_at,
        "paid_at": payout.paid_at,
    }
