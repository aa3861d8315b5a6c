"""Wallets, holds and terms as tables and as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table

from clearhouse.cli.console import out
from clearhouse.kernel.money import format_minor
from clearhouse.wallets.holds.model import Hold
from clearhouse.wallets.maturing.model import OwnTerms, Terms
from clearhouse.wallets.model import WalletStanding
from clearhouse.wallets.statements.model import StatementLine


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of a seller: wallets, payouts on their way, last movements and holds."""

    seller: str
    wallets: Sequence[WalletStanding]
    latest: Mapping[str, Sequence[StatementLine]]
    holds: Sequence[Hold]


def show(shown: Shown) -> None:
    """Tables for people."""
    wallets = _table("currency", "pending", "available", "reserved", "in transit", "owes", "next")
    for one in shown.wallets:
        currency, debt = one.currency, one.debt_minor
        cells = (
            format_minor(one.pending_minor, currency),
            format_minor(one.available_minor, currency),
            format_minor(one.reserved_minor, currency),
            format_minor(one.in_transit_minor, currency),
            f"[bad]{format_minor(debt, currency)}[/bad]" if debt else "",
        )
        wallets.add_row(f"[name]{currency}[/name]", *cells, _next(one))
    out.print(wallets)
    for currency, lines in shown.latest.items():
        if lines:
            out.print()
            out.print(_movements(currency, lines))
    out.print()
    if not shown.holds:
        out.print("Nothing stops this seller's payouts.", style="quiet")
        return
    holds = _table("hold", "kind", "currency", "since", "until", "by", "reason", left=7)
    for hold in shown.holds:
        until = "released" if hold.until is None else f"{hold.until:%Y-%m-%d %H:%M}"
        holds.add_row(
            str(hold.hold_id), hold.kind, hold.currency or "all", f"{hold.since:%Y-%m-%d %H:%M}",
            until, escape(hold.placed_by), escape(hold.reason),
        )  # fmt: skip
    out.print(holds)


def show_terms(seller: str, found: Mapping[str, object]) -> None:
    """A seller's terms, a line each."""
    out.print(f"A sale that [name]{escape(seller)}[/name] makes now:")
    terms = found["terms"]
    assert isinstance(terms, dict)
    for name, value in terms.items():  # pyright: ignore[reportUnknownVariableType]
        words = str(name).replace("_", " ")  # pyright: ignore[reportUnknownArgumentType]
        out.print(f"[quiet]{words:22}[/quiet] {value}", highlight=False)


def as_data(shown: Shown) -> dict[str, object]:
    """The same for machines; amounts are decimal strings."""
    return {
        "seller_account": shown.seller,
        "wallets": [
            {
                "currency": one.currency,
                "pending": format_minor(one.pending_minor, one.currency),
                "available": format_minor(one.available_minor, one.currency),
                "reserved": format_minor(one.reserved_minor, one.currency),
                "in_transit": format_minor(one.in_transit_minor, one.currency),
                "debt": format_minor(one.debt_minor, one.currency),
                "payouts_held": one.is_held,
                "next_matures_at": one.next_matures_at,
                "last_movements": [
                    {
                        "number": line.sequence,
                        "kind": line.kind,
                        "reference": line.reference,
                        "recorded_at": line.recorded_at,
                        "pending": format_minor(line.change.pending, one.currency),
                        "available": format_minor(line.change.available, one.currency),
                        "reserved": format_minor(line.change.reserved, one.currency),
                    }
                    for line in shown.latest.get(one.currency, ())
                ],
            }
            for one in shown.wallets
        ],
        "holds": [hold_data(hold) for hold in shown.holds],
    }


def hold_data(hold: Hold) -> dict[str, object]:
    """A hold for machines."""
    return {
        "hold_id": str(hold.hold_id),
        "seller_account": hold.seller_account,
        "currency": hold.currency,
        "kind": hold.kind.value,
        "reason": hold.reason,
        "placed_by": hold.placed_by,
        "since": hold.since,
        "until": hold.until,
        "released_at": hold.released_at,
        "released_by": hold.released_by,
    }


def terms_data(terms: Terms, own: Sequence[OwnTerms], currency: str | None) -> dict[str, object]:
    """A seller's terms for machines: those of a sale now, and all that was agreed."""
    hours = terms.delay.total_seconds() / 3600
    now: dict[str, object] = {
        "matures": terms.matures.value,
        "delay_hours": f"{hours:g}",
        "reserve_basis_points": terms.reserve_basis_points,
        "reserve_days": terms.reserve_days,
    }
    if currency is not None:
        now["keep"] = f"{format_minor(terms.keep.get(currency, 0), currency)} {currency}"
    agreed = [
        {
            "currency": one.currency,
            "valid_from": one.valid_from,
            "matures": one.matures,
            "delay_seconds": None if one.delay is None else int(one.delay.total_seconds()),
            "reserve_basis_points": one.reserve_basis_points,
            "reserve_days": one.reserve_days,
            "keep_minor": one.keep_minor,
            "set_by": one.set_by,
            "reason": one.reason,
        }
        for one in own
    ]
    return {"terms": now, "agreed": agreed}


def _next(one: WalletStanding) -> str:
    if not one.is_waiting:
        return ""
    due = one.next_matures_at
    return "with its settlement" if due is None else f"{due:%Y-%m-%d %H:%M}"


def _movements(currency: str, lines: Sequence[StatementLine]) -> Table:
    table = _table("recorded", "kind", "reference", "pending", "available", "reserved", left=3)
    table.title, table.title_justify = f"Last movements in {currency}", "left"
    for line in lines:
        parts = (line.change.pending, line.change.available, line.change.reserved)
        cells = (format_minor(minor, currency) if minor else "" for minor in parts)
        table.add_row(
            f"{line.recorded_at:%Y-%m-%d %H:%M}", line.kind, escape(line.reference), *cells
        )
    return table


def _table(*columns: str, left: int = 1) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="quiet")
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < left else "right", overflow="fold")
    return table
