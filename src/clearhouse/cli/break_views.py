"""Breaks as people and scripts see them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final
from uuid import UUID

from rich.markup import escape
from rich.table import Table

from clearhouse.cli.console import out
from clearhouse.kernel.money import format_minor
from clearhouse.ledger.rules import entry_for
from clearhouse.reconciliation.atlas import WHO
from clearhouse.reconciliation.deciding import proposal_of
from clearhouse.reconciliation.likeness import Likeness
from clearhouse.reconciliation.model import Break, BreakDetail

Likes = Mapping[UUID, Sequence[Likeness]]
"""Which orders charges of nobody look like, by break."""
_NONE: Final[Likes] = MappingProxyType({})


def table_of(found: Sequence[Break], likes: Likes = _NONE) -> Table:
    """Breaks as a table; what one looks like best stands below what it is about."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="quiet")
    for column in ("break", "day", "PSP", "cause", "at stake", "owner", "about"):
        table.add_column(
            column,
            justify="right" if column == "at stake" else "left",
            no_wrap=column in {"break", "day"},
            overflow="fold",
        )
    for one in found:
        stake = f"{format_minor(one.at_stake_minor, one.currency)} {one.currency}"
        cells = (str(one.break_id), str(one.day), one.psp, one.cause.word, stake, one.owner)
        about = "\n".join([one.detail, *(like.words for like in likes.get(one.break_id, ())[:1])])
        table.add_row(*map(escape, (*cells, about)), style="" if one.state == "open" else "quiet")
    return table


def row_of(one: Break) -> dict[str, object]:
    """A break for machines."""
    return {
        "break_id": str(one.break_id),
        "state": one.state,
        "cause": one.cause.word,
        "area": one.area,
        "day": one.day,
        "psp": one.psp,
        "reference": one.reference,
        "line_key": one.line_key,
        "currency": one.currency,
        "ours": _amount(one.ours_minor, one.currency),
        "theirs": _amount(one.theirs_minor, one.currency),
        "at_stake": format_minor(one.at_stake_minor, one.currency),
        "owner": one.owner,
        "closed_by": WHO[one.cause.mender],
        "proposal": one.cause.proposal,
        "detail": one.detail,
        "opened_at": one.opened_at,
        "closed_at": one.closed_at,
    }


def likes_data(likes: Likes, one: Break) -> list[dict[str, object]]:
    """What a charge of nobody looks like, for machines."""
    return [
        {
            "payment_order_id": like.payment_order_id,
            "status": like.status,
            "confidence": like.confidence,
            "seconds_apart": int(like.apart.total_seconds()),
            "card": like.tail.value,
        }
        for like in likes.get(one.break_id, ())
    ]


def detail_data(detail: BreakDetail) -> dict[str, object]:
    """A break with all about it, for machines."""
    return {
        **row_of(detail.found),
        "would_book": [
            {"debit": debit, "credit": credit, "amount": amount}
            for debit, credit, amount in preview_of(detail)
        ],
        "asked": None
        if detail.asked is None
        else {"to": detail.asked.deed, "by": detail.asked.asked_by, "reason": detail.asked.reason},
        "looks_like": likes_data({detail.found.break_id: detail.likes}, detail.found),
        "near": [{**row_of(one.found), "confidence": one.confidence} for one in detail.near],
        "history": [
            {"at": one.at, "actor": one.actor, "deed": one.deed, "note": one.note}
            for one in detail.history
        ],
    }


def preview_of(detail: BreakDetail) -> list[tuple[str, str, str]]:
    """The journal lines that accepting would book: debited, credited, amount."""
    entry = entry_for(detail.proposed) if detail.proposed is not None else None
    return [
        (line.debit.code, line.credit.code, format_minor(line.amount_minor, line.debit.currency))
        for line in (entry.lines if entry else ())
    ]


def show_detail(detail: BreakDetail) -> None:
    """A break with all about it."""
    one = detail.found
    out.print(f"[key]{one.cause.word}[/key]  {escape(one.cause.meaning)}")
    facts = {
        "break": str(one.break_id),
        "state": one.state.replace("_", " "),
        "about": one.detail,
        "day": str(one.day),
        "PSP": one.psp,
        "line": one.line_key,
        "ours": _told(one.ours_minor, one.currency),
        "theirs": _told(one.theirs_minor, one.currency),
        "at stake": _told(one.at_stake_minor, one.currency),
        "owner": one.owner or "nobody",
        "closed by": WHO[one.cause.mender],
        "proposal": one.cause.proposal,
    }
    for name, value in facts.items():
        if value:
            out.print(f"  [quiet]{name:10}[/quiet] {escape(value)}", soft_wrap=True)
    lines = preview_of(detail)
    if one.state == "open" and lines:
        out.print("\nAccepting it books:")
        for debit, credit, amount in lines:
            out.print(
                f"  debit {escape(debit)}, credit {escape(credit)}: {amount} {one.currency}",
                soft_wrap=True,
            )
    elif one.state == "open" and proposal_of(one).way.value == "nothing":
        out.print("\nAccepting it books nothing more: its money is in the books already.")
    if detail.asked is not None:
        asked = detail.asked
        what = asked.deed.replace("_", " ")
        out.print(
            f"\n[warn]{escape(asked.asked_by)} asked to {what}:[/warn] {escape(asked.reason)}"
        )
    if detail.likes:
        out.print("\nIt may be the charge of an order that misses one:")
        for like in detail.likes:
            out.print(f"  {escape(like.words)} ({like.status})", soft_wrap=True)
    if detail.near:
        out.print("\nNear it, and perhaps its other half:")
        out.print(table_of([near.found for near in detail.near]))
    out.print("\nWhat happened:")
    for past in detail.history:
        out.print(
            f"  [quiet]{past.at:%Y-%m-%d %H:%M}[/quiet] {escape(past.actor)}"
            f" {past.deed.replace('_', ' ')}: {escape(past.note)}",
            soft_wrap=True,
        )


def _amount(minor: int | None, currency: str) -> str | None:
    return None if minor is None else format_minor(minor, currency)


def _told(minor: int | None, currency: str) -> str:
    return "nothing" if minor is None else f"{format_minor(minor, currency)} {currency}"
