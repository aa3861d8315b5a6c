"""The routing of a payment that is there: why its PSP was chosen, and where it went from there."""

import asyncio
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from clearhouse.cli.console import out, print_data
from clearhouse.cli.embedded import reach_database
from clearhouse.kernel.errors import NotFound
from clearhouse.payments import store
from clearhouse.payments.model import FINAL, Attempt, PaymentOrder
from clearhouse.postgres.connection import open_pool
from clearhouse.settings import Settings

_NO_CHOICE = "one PSP could take it, so nothing was chosen"


def tell_routed(settings: Settings, payment_order_id: str, *, json: bool) -> None:
    """Print what was decided for an order. Raises NotFound when there is no such order."""
    with reach_database(settings) as url:
        order, attempts = asyncio.run(_read(url, payment_order_id))
    if json:
        print_data(_row(order, attempts))
        return
    out.print(escape(where_it_is(order)), soft_wrap=True)
    for reason in (order.routed_by or _NO_CHOICE).split("; "):
        out.print(reason, style="quiet", markup=False, soft_wrap=True)
    if attempts:
        out.print(_table(attempts))


async def _read(url: str, payment_order_id: str) -> tuple[PaymentOrder, list[Attempt]]:
    pool = await open_pool(url, size=1, name="route")
    try:
        order = await store.order_by_key(pool, payment_order_id)
        if order is None:
            raise NotFound(
                "There is no payment order with this id.",
                hint="Give an amount and a currency to ask what the rules would say.",
            )
        return order, await store.attempts_of(pool, order.order_id)
    finally:
        await pool.close()


def where_it_is(order: PaymentOrder) -> str:
    """One line: at which PSP an order is, and which are left. Pure."""
    left = ", ".join(order.route or ())
    if order.status in FINAL or not left:
        return f"{order.payment_order_id}: {order.status} at {order.psp}"
    reason = f" ({order.status_reason})" if order.status_reason else ""
    return f"{order.payment_order_id}: {order.status}{reason} at {order.psp}, then {left}"


def _table(attempts: Sequence[Attempt]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="quiet")
    for column in ("attempt", "PSP", "calls", "last outcome", "detail"):
        table.add_column(column, overflow="fold")
    for one in attempts:
        cells = (str(one.number), one.psp, str(one.calls), one.outcome or "-", one.detail or "")
        table.add_row(*map(escape, cells))
    return table


def _row(order: PaymentOrder, attempts: Sequence[Attempt]) -> dict[str, object]:
    return {
        "payment_order_id": order.payment_order_id,
        "status": order.status,
        "status_reason": order.status_reason,
        "psp": order.psp,
        "reasons": order.routed_by.split("; ") if order.routed_by else [],
        "left": list(order.route or ()),
        "attempts": [
            {
                "number": one.number,
                "psp": one.psp,
                "calls": one.calls,
                "outcome": one.outcome,
                "detail": one.detail,
            }
            for one in attempts
        ],
    }
