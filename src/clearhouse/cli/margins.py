"""``clearhouse fees margin``: what is left of the platform's fees after the PSPs' costs."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Final

from cyclopts import Parameter, validators
from rich.markup import escape
from rich.table import Table

from clearhouse.bootstrap.runtime import Runtime
from clearhouse.cli.console import amount, err, out, print_data
from clearhouse.cli.database import with_runtime
from clearhouse.cli.given import check_currency, in_utc
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.kernel.days import midnight, month_after
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.payments.fees.words import percent
from clearhouse.wallets.margins.model import Margin, Span
from clearhouse.wallets.margins.service import Margins

_MONTH: Final = re.compile(r"([0-9]{4})-([0-9]{2})", re.ASCII)
_COLUMNS: Final = [
    *("currency", "sales", "volume", "fees", ""),
    *("settled", "fees", "PSP costs", "margin", "", "cost unknown"),
]
_LIMIT: Final = validators.Number(gte=1, lte=100_000)


def margin(
    *,
    seller: Annotated[str | None, Parameter(help="One seller only.")] = None,
    by_seller: Annotated[
        bool, Parameter(help="Sellers one by one, the smallest margin first.")
    ] = False,
    month: Annotated[str | None, Parameter(help="A month of UTC, such as 2026-11.")] = None,
    begins: Annotated[
        datetime | None,
        Parameter(name="--from", help="A day or moment of UTC, not --month."),
    ] = None,
    ends: Annotated[
        datetime | None, Parameter(name="--to", help="Until before this; now, when not given.")
    ] = None,
    currency: Annotated[str | None, Parameter(help="ISO 4217; all, when not given.")] = None,
    limit: Annotated[
        int, Parameter(help="How many sellers in each currency.", validator=_LIMIT)
    ] = 20,
    json: Annotated[bool, Parameter(help="JSON, for scripts; amounts in minor units.")] = False,
    common: Common = NO_OPTIONS,
) -> None:
    """Show what sales brought the platform: its fees, and what the PSPs took of them.

    A sale belongs to the time in which its payment was accepted. Its cost is known once it is
    settled; the margin is that of settled sales alone. The running month, when no time is given.

    **Examples**

    ```shell
    clearhouse fees margin
    clearhouse fees margin --month 2026-10 --by-seller --currency EUR
    clearhouse fees margin --seller garden-shed --from 2026-01-01 --to 2026-04-01
    ```
    """
    check_currency(currency)
    if month is not None and (begins is not None or ends is not None):
        raise ConfigurationError("Say --month, or --from and --to.")
    if by_seller and seller is not None:
        raise ConfigurationError("Say --seller, or --by-seller.")

    async def work(runtime: Runtime) -> tuple[Span, Sequence[Margin]]:
        span = span_of(runtime.clock.now(), month, begins, ends)
        margins = Margins(runtime.pool)
        if seller is not None:
            return span, await margins.of_seller(seller, span, currency)
        if by_seller:
            return span, await margins.by_seller(span, currency, limit=limit)
        return span, await margins.of_all(span, currency)

    span, found = with_runtime(common.load().settings, "fees", work)
    if json:
        print_data([margin_data(one, span) for one in found])
    else:
        _show(span, found)


def span_of(
    now: datetime, month: str | None, begins: datetime | None, ends: datetime | None
) -> Span:
    """The time that is meant: a month, the running one if nothing is said, or from one to another.

    Raises ConfigurationError.
    """
    if month is None and begins is None and ends is None:
        month = f"{now.astimezone(UTC):%Y-%m}"
    if month is not None:
        match = _MONTH.fullmatch(month)
        if match is None or not 1 <= int(match[2]) <= 12 or not 1970 <= int(match[1]) < 9999:
            raise ConfigurationError("--month is a month such as 2026-11.")
        first = date(int(match[1]), int(match[2]), 1)
        return Span(midnight(first), midnight(month_after(first)))
    if begins is None:
        raise ConfigurationError("Say --from too.")
    first = in_utc(begins)
    beyond = now if ends is None else in_utc(ends)
    if beyond <= first:
        raise ConfigurationError("--to is after --from.")
    return Span(first, beyond)


def margin_data(one: Margin, span: Span) -> dict[str, object]:
    """A margin for machines."""
    return {
        "seller_account": one.seller_account,
        "currency": one.currency,
        "from": span.begins,
        "to": span.ends,
        "sales": one.sales,
        "volume_minor": one.volume_minor,
        "refunded_minor": one.refunded_minor,
        "fees_minor": one.fees_minor,
        "fees_basis_points": one.fees_basis_points,
        "settled_sales": one.settled_sales,
        "settled_volume_minor": one.settled_volume_minor,
        "settled_fees_minor": one.settled_fees_minor,
        "costs_minor": one.costs_minor,
        "margin_minor": one.margin_minor,
        "margin_basis_points": one.margin_basis_points,
        "waiting_sales": one.waiting_sales,
        "waiting_volume_minor": one.waiting_volume_minor,
    }


def _show(span: Span, found: Sequence[Margin]) -> None:
    time = f"accepted from {_moment(span.begins)} to {_moment(span.ends)}, UTC"
    if not found:
        err.print(f"[quiet]No sales {time}.[/quiet]")
        return
    out.print(f"Sales {time}", style="quiet")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="quiet")
    by_seller = any(one.seller_account is not None for one in found)
    names = (["seller"] if by_seller else []) + _COLUMNS
    for name in names:
        table.add_column(name, justify="left" if name in {"seller", "currency"} else "right")
    for one in found:
        code = one.currency
        margin_style = "bad" if one.margin_minor < 0 else "key"
        cells = [
            f"[name]{code}[/name]",
            f"{one.sales:,}",
            amount(one.volume_minor, code),
            amount(one.fees_minor, code),
            _share(one.fees_basis_points),
            f"{one.settled_sales:,}",
            amount(one.settled_fees_minor, code),
            amount(one.costs_minor, code),
            f"[{margin_style}]{amount(one.margin_minor, code)}[/{margin_style}]",
            _share(one.margin_basis_points),
            f"{one.waiting_sales:,}" if one.waiting_sales else "",
        ]
        table.add_row(*([escape(one.seller_account or "")] if by_seller else []), *cells)
    out.print(table)
    if any(one.waiting_sales for one in found):
        err.print("[quiet]The margin is that of settled sales alone, whose cost is known.[/quiet]")


def _share(basis_points: int | None) -> str:
    return "" if basis_points is None else percent(basis_points)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}" if moment.hour == moment.minute == 0 else f"{moment:%Y-%m-%d %H:%M}"
