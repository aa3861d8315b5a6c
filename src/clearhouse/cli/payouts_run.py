"""``clearhouse payouts run``: create the payouts that are due by schedule, now."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Final

from cyclopts import Parameter
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from clearhouse.bootstrap import Runtime
from clearhouse.bootstrap.payouts import payout_planner
from clearhouse.cli.console import amount, err, out, print_data
from clearhouse.cli.database import with_runtime
from clearhouse.cli.errors import OK
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.wallets.payouts.model import PayoutStatus
from clearhouse.wallets.payouts.planner import BATCH, NO_DETAILS, PayoutPlanner, Planned

WHY: Final = {
    "held": "held by a person, a dispute or new bank details",
    "debt": "the seller owes the platform money",
    "nothing": "nothing is available",
    "below_minimum": "less than the minimum, or than the schedule's threshold",
    NO_DETAILS: "nobody has said where the seller is paid",
}
"""Reasons why nothing is paid, for people."""


def run(
    *,
    json: Annotated[bool, Parameter(help="Print what was created as JSON.")] = False,
    common: Common = NO_OPTIONS,
) -> int:
    """Create the payouts that are due by schedule.

    The workers do the same by themselves; run at the same time, or twice, it pays nobody
    twice. What may not be paid now carries over to the next period.

    **Examples**

    ```shell
    clearhouse payouts run
    clearhouse payouts run --json | jq .payouts
    ```
    """
    settings = common.load().settings

    def work(runtime: Runtime) -> Awaitable[list[Planned]]:
        return _run(payout_planner(runtime, settings), quiet=json)

    planned = with_runtime(settings, "payouts run", work, size=1)
    if json:
        print_data(as_data(planned))
    else:
        show(planned)
    return OK


async def _run(planner: PayoutPlanner, *, quiet: bool) -> list[Planned]:
    hidden = quiet or not err.is_terminal
    columns = (TextColumn("Paying sellers"), BarColumn(), MofNCompleteColumn())
    while await planner.adopt() == BATCH:
        pass
    with Progress(*columns, console=err, transient=True, disable=hidden) as progress:
        task = progress.add_task("", total=await planner.count_due())
        return [one async for one in _steps(planner, lambda n: progress.advance(task, n))]


async def _steps(planner: PayoutPlanner, advance: Callable[[int], None]) -> AsyncIterator[Planned]:
    """All that is due, batch by batch."""
    while True:
        planned = await planner.step()
        if not planned.due:
            return
        advance(planned.due)
        yield planned


def show(planned: list[Planned]) -> None:
    """Sums by currency, and why nothing was paid to others."""
    sums: dict[str, Counter[str]] = {}
    for payout in (payout for one in planned for payout in one.payouts):
        counts = sums.setdefault(payout.amount.currency, Counter())
        counts["payouts"] += 1
        counts["minor"] += payout.amount.minor
        counts["waiting"] += payout.status is PayoutStatus.CREATED
    withheld = sum((one.withheld for one in planned), Counter[str]())
    if not sums and not withheld:
        out.print("[quiet]Nothing is due.[/quiet]")
        return
    if sums:
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="quiet")
        table.add_column("", no_wrap=True)
        for name in ("payouts", "amount", "to be approved"):
            table.add_column(name, justify="right", no_wrap=True)
        for currency, counts in sorted(sums.items()):
            table.add_row(
                f"[name]{currency}[/name]",
                f"{counts['payouts']:,}",
                amount(counts["minor"], currency),
                f"{counts['waiting']:,}",
            )
        out.print(table)
    for reason, count in withheld.most_common():
        out.print(f"[quiet]{count:,} not paid: {WHY.get(reason, reason)}.[/quiet]")


def as_data(planned: list[Planned]) -> dict[str, object]:
    """The same for machines; amounts in minor units."""
    return {
        "due": sum(one.due for one in planned),
        "payouts": [
            {
                "payout_id": payout.public_id,
                "seller_account": payout.seller_account,
                "amount_minor": payout.amount.minor,
                "currency": payout.amount.currency,
                "status": payout.status,
                "period": payout.period,
            }
            for one in planned
            for payout in one.payouts
        ],
        "withheld": dict(sum((one.withheld for one in planned), Counter[str]())),
    }
