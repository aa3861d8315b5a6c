"""``clearhouse breaks``: what reconciliation found, shown, decided, given to somebody, reopened."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar
from uuid import UUID

from cyclopts import Parameter, validators
from rich.markup import escape

from clearhouse.bootstrap import break_queue
from clearhouse.cli.actor import actor
from clearhouse.cli.break_views import (
    Likes,
    detail_data,
    likes_data,
    row_of,
    show_detail,
    table_of,
)
from clearhouse.cli.console import err, out, print_data
from clearhouse.cli.database import with_runtime
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.kernel.errors import ConfigurationError, NotFound
from clearhouse.kernel.money import MoneyError, format_minor, parse_minor
from clearhouse.reconciliation.model import Break
from clearhouse.reconciliation.queue import BreakQueue, Filters

Result = TypeVar("Result")
Json = Annotated[bool, Parameter(help="JSON, for scripts.")]
Reason = Annotated[str, Parameter(help="Why; it is kept for good, with your name.")]
Amount = Annotated[str | None, Parameter(help="Book this in place of what is proposed, as 12.50.")]


def list_breaks(
    *,
    closed: Annotated[bool, Parameter(help="Those that are closed.")] = False,
    cause: Annotated[str | None, Parameter(help="One cause only.")] = None,
    psp: Annotated[str | None, Parameter(help="One PSP only.")] = None,
    owner: Annotated[str | None, Parameter(help="Those of one person; '' is nobody's.")] = None,
    limit: Annotated[
        int, Parameter(help="How many at most.", validator=validators.Number(gte=1, lte=10_000))
    ] = 50,
    json: Json = False,
    common: Common = NO_OPTIONS,
) -> None:
    """List breaks, the most at stake first.

    **Examples**

    ```shell
    clearhouse breaks list
    clearhouse breaks list --cause amount_differs --psp stripe
    clearhouse breaks list --owner ada --json
    ```
    """
    filters = Filters(not closed, cause, psp, owner)
    found, likes = _with_queue(common, lambda queue: _listed(queue, filters, limit))
    if json:
        rows = [{**row_of(one), "looks_like": likes_data(likes, one)} for one in found]
        print_data(rows)
    elif found:
        out.print(table_of(found, likes))
    else:
        err.print("[good]No breaks.[/good]")


async def _listed(queue: BreakQueue, filters: Filters, limit: int) -> tuple[Sequence[Break], Likes]:
    found = await queue.list(filters, limit)
    return found, await queue.looks_like(found)


def show_break(name: str, /, *, json: Json = False, common: Common = NO_OPTIONS) -> None:
    """Show a break whole: what differs, what accepting it would book, its history, what is near.

    Parameters
    ----------
    name
        Its id, as `clearhouse breaks list` shows it.
    """
    detail = _with_queue(common, lambda queue: queue.show(_id(name)))
    if json:
        print_data(detail_data(detail))
    else:
        show_detail(detail)


def accept_break(
    name: str, /, *, reason: Reason, amount: Amount = None, common: Common = NO_OPTIONS
) -> None:
    """Accept what the PSP or the bank says: the books take it over by an adjustment.

    Above CLEARHOUSE_RECONCILIATION_DECISION_LIMIT it is only asked for, and done once a second
    person does the same. `--amount` books another amount than is proposed.

    **Examples**

    ```shell
    clearhouse breaks accept 019ab... --reason "bank charges, as the statement says"
    clearhouse breaks accept 019ab... --amount -0.25 --reason "their share of it"
    ```
    """
    _decide(name, "accept", reason, amount, common)


def write_off_break(name: str, /, *, reason: Reason, common: Common = NO_OPTIONS) -> None:
    """Write a break off: the books let the difference go by an adjustment.

    Above CLEARHOUSE_RECONCILIATION_DECISION_LIMIT it is only asked for, and done once a second
    person does the same.
    """
    _decide(name, "write_off", reason, None, common)


def assign_break(name: str, owner: str, /, *, common: Common = NO_OPTIONS) -> None:
    """Give a break to somebody; '' gives it to nobody."""
    who = actor()
    found = _with_queue(common, lambda queue: queue.assign(_id(name), owner.strip(), who))
    err.print(f"[good]{escape(found.owner) or 'Nobody'}[/good] has it now.")


def comment_break(name: str, note: str, /, *, common: Common = NO_OPTIONS) -> None:
    """Say something about a break, for whoever looks at it next."""
    who = actor()
    _with_queue(common, lambda queue: queue.comment(_id(name), who, note))
    err.print("[good]Noted.[/good]")


def reopen_break(name: str, /, *, reason: Reason, common: Common = NO_OPTIONS) -> None:
    """Open a closed break again; what was booked for it is taken back."""
    who = actor()
    found = _with_queue(common, lambda queue: queue.reopen(_id(name), who, reason))
    err.print(f"[good]Open again:[/good] {escape(found.detail)}")


def _decide(name: str, deed: str, reason: str, amount: str | None, common: Common) -> None:
    who = actor()

    async def work(queue: BreakQueue) -> Break:
        minor = None
        if amount is not None:
            minor = _minor(amount, (await queue.show(_id(name))).found.currency)
        return await queue.decide(_id(name), deed, who, reason, minor)

    found = _with_queue(common, work)
    if found.state == "open":
        stake = f"{format_minor(found.at_stake_minor, found.currency)} {found.currency}"
        err.print(f"[warn]Asked for[/warn], since {stake} needs a second person.")
    else:
        err.print(f"[good]{found.state.replace('_', ' ').capitalize()}.[/good]")


def _minor(amount: str, currency: str) -> int:
    try:
        return parse_minor(amount, currency)
    except MoneyError as error:
        raise ConfigurationError(f"--amount is no amount of {currency}: {error}.") from None


def _id(name: str) -> UUID:
    try:
        return UUID(name)
    except ValueError:
        raise NotFound("There is no such break.", hint="`clearhouse breaks list` shows all.") from (
            None
        )


def _with_queue(common: Common, work: Callable[[BreakQueue], Awaitable[Result]]) -> Result:
    settings = common.load().settings
    return with_runtime(settings, "breaks", lambda it: work(break_queue(it, settings)))
