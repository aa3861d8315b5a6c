"""``clearhouse prove``: the whole trail of one payment, from the request to the wallet."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from clearhouse.bootstrap import open_psps
from clearhouse.cli.console import out, print_data
from clearhouse.cli.embedded import reach_database
from clearhouse.cli.errors import OK, VIOLATION
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.kernel.money import Money
from clearhouse.postgres.connection import open_pool
from clearhouse.proof.prove import Conclusion, Trail, trail_of
from clearhouse.proof.prove import conclude as conclusion_of
from clearhouse.settings import Settings


def prove(
    payment_order_id: str,
    /,
    *,
    json: Annotated[bool, Parameter(help="Print the trail as JSON.")] = False,
    common: Common = NO_OPTIONS,
) -> int:
    """Show the whole trail of one payment, and say whether it was charged exactly once.

    The PSP is asked now, where its credentials are set. It ends with 1 if the trail does not
    agree with itself.

    **Examples**

    ```shell
    clearhouse prove cart-1-tea
    clearhouse prove cart-1-tea --json
    ```
    """
    settings = common.load().settings
    with reach_database(settings) as url:
        trail = asyncio.run(_gather(settings, url, payment_order_id))
    conclusion = conclusion_of(trail)
    if json:
        data = {"holds": conclusion.holds, "conclusion": conclusion.sentence, "trail": trail}
        print_data(data)
    else:
        _show(trail, conclusion)
    return OK if conclusion.holds else VIOLATION


async def _gather(settings: Settings, url: str, payment_order_id: str) -> Trail:
    pool = await open_pool(url, size=2, name="prove")
    try:
        try:
            async with open_psps(settings) as psps:
                return await trail_of(pool, payment_order_id, psps)
        except ConfigurationError:
            return await trail_of(pool, payment_order_id, {})
    finally:
        await pool.close()


def _show(trail: Trail, conclusion: Conclusion) -> None:
    order = trail.order
    out.print(f"\n[key]{escape(order.payment_order_id)}[/key]  {order.status}", soft_wrap=True)
    facts = {
        "checkout": order.checkout_id,
        "seller": order.seller_account,
        "amount": str(order.amount),
        "fee": str(Money(order.fee_minor, order.amount.currency)) if order.fee_minor else None,
        "reason": order.status_reason or order.failure_code,
        "PSP": order.psp,
        "routed": order.routed_by,
        "PSP charge": order.psp_reference,
        "accepted": _time(order.created_at),
        "final": _time(order.finalized_at) if order.finalized_at else None,
    }
    for name, fact in facts.items():
        if fact:
            out.print(f"  [quiet]{name:<11}[/quiet] {escape(fact)}", soft_wrap=True)
    _table(
        "Attempts",
        ("no.", "PSP", "PSP key", "calls", "last outcome", "since"),
        (
            (
                *(str(a.number), a.psp, a.idempotency_key, str(a.calls)),
                *(a.outcome or "-", _time(a.started_at)),
            )
            for a in trail.attempts
        ),
    )
    _table(
        f"At the PSP ({trail.asked})",
        ("charge", "amount", "status", "created"),
        (
            (r.psp_reference, str(r.amount), r.status, _time(r.created_at))
            for r in trail.records or ()
        ),
    )
    _show_afterwards(trail)
    _table(
        "Journal",
        ("entry", "side", "account", "amount", "balance after"),
        ((p.kind, p.side, p.account, str(p.amount), str(p.balance_after)) for p in trail.postings),
    )
    _table(
        "Wallet",
        ("movement", "seller", "pending", "pending after"),
        (
            (
                m.movement.kind,
                m.movement.seller_account,
                str(Money(m.movement.pending_minor, m.movement.currency)),
                str(m.after.pending),
            )
            for m in trail.movements
        ),
    )
    _table(
        "Events",
        ("when", "from", "event", "version"),
        ((_time(e.occurred_at), e.publisher, e.type, str(e.version)) for e in trail.events),
    )
    for letter in trail.letters:
        out.print(f"  [bad]laid aside:[/bad] {escape(letter)}", soft_wrap=True)
    mark, style = ("✓", "good") if conclusion.holds else ("✗", "bad")
    out.print(f"\n[{style}]{mark} {escape(conclusion.sentence)}[/{style}]\n", soft_wrap=True)


def _show_afterwards(trail: Trail) -> None:
    """What was done to the charge since, where anything was."""
    if trail.operations:
        _table(
            "Captures, voids and refunds",
            ("id", "kind", "amount", "status", "at the PSP", "asked for"),
            (
                (
                    one.public_id,
                    one.kind,
                    str(one.amount),
                    f"{one.status}{f' ({one.reason})' if one.reason else ''}",
                    one.psp_reference or "-",
                    _time(one.created_at),
                )
                for one in trail.operations
            ),
        )
    if trail.disputes:
        _table(
            "Disputes",
            ("id", "stage", "amount", "money", "at the PSP", "since"),
            (
                (
                    one.public_id,
                    one.stage,
                    str(one.amount),
                    one.money,
                    one.psp_reference,
                    _time(one.created_at),
                )
                for one in trail.disputes
            ),
        )


def _table(title: str, columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="quiet")
    for column in columns:
        right = column in {"amount", "calls", "balance after", "pending", "pending after"}
        table.add_column(column, justify="right" if right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(f"\n[name]{escape(title)}[/name]")
    out.print(table if table.row_count else "[quiet]nothing[/quiet]")


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d} UTC"
