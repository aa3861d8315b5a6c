"""``clearhouse dead-letters``: what could not be handled, shown, replayed or laid aside."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from cyclopts import Parameter, validators
from rich.markup import escape
from rich.table import Table

from clearhouse.access.audit_log import Deed
from clearhouse.bootstrap import Role, Runtime, consumers
from clearhouse.cli.actor import actor
from clearhouse.cli.console import err, out, print_data
from clearhouse.cli.database import with_runtime
from clearhouse.cli.errors import OK, VIOLATION
from clearhouse.cli.options import NO_OPTIONS, Common
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.kernel.money import format_minor
from clearhouse.upkeep.letters import DeadLetters, Letter, Replay, fields_of

Result = TypeVar("Result")
Json = Annotated[bool, Parameter(help="JSON, for scripts.")]
Reason = Annotated[str, Parameter(help="Why, for the audit log.")]


def list_letters(
    *,
    all: Annotated[bool, Parameter(help="Resolved ones too.")] = False,  # noqa: A002 - the option
    limit: Annotated[
        int, Parameter(help="How many at most.", validator=validators.Number(gte=1, lte=10_000))
    ] = 100,
    json: Json = False,
    common: Common = NO_OPTIONS,
) -> None:
    """List the dead letters of all services, the oldest first.

    **Examples**

    ```shell
    clearhouse dead-letters list
    clearhouse dead-letters list --all --json
    ```
    """
    found = _with_letters(common, lambda letters: letters.list(resolved=all, limit=limit))
    if json:
        print_data([_row(one) for one in found])
        return
    if not found:
        err.print("[good]No dead letters.[/good]")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="quiet")
    for column in ("letter", "since", "about", "consumer", "error"):
        table.add_column(column, no_wrap=column in {"letter", "since"}, overflow="fold")
    for one in found:
        words = one.error if one.resolution is None else one.resolution
        cells = (one.name, f"{one.created_at:%Y-%m-%d %H:%M}", _about(one), one.consumer, words)
        table.add_row(*map(escape, cells), style="quiet" if one.resolved_at else "")
    out.print(table)


def show_letter(letter: str, *, json: Json = False, common: Common = NO_OPTIONS) -> None:
    """Show a dead letter whole: its error, its payload, and what was done to it.

    Parameters
    ----------
    letter
        Its name, such as `ledger:12`, as `clearhouse dead-letters list` shows it.
    """
    found, deeds = _with_letters(common, lambda letters: letters.show(letter))
    if json:
        row = {**_row(found), "payload": found.payload, "trail": [_deed(deed) for deed in deeds]}
        print_data(row)
        return
    for name, value in _row(found).items():
        if value is not None:
            out.print(f"[quiet]{name:13}[/quiet] {escape(str(value))}", soft_wrap=True)
    fields = fields_of(found) or {"outcome": found.payload}
    for name, value in fields.items():
        out.print(f"[quiet]  {escape(name):20}[/quiet] {escape(str(value))}", soft_wrap=True)
    for deed in deeds:
        told = f"{deed.occurred_at:%Y-%m-%d %H:%M} {deed.actor} {deed.action}: {deed.reason}"
        out.print(told, markup=False, soft_wrap=True)
    if order := fields.get("payment_order_id"):
        err.print(
            f"[quiet]clearhouse prove {escape(str(order))} shows the payment's trail.[/quiet]"
        )


def replay_letter(
    letter: str,
    *,
    yes: Annotated[bool, Parameter(help="Do it; without it, only show what would happen.")] = False,
    reason: Reason = "replayed by hand",
    json: Json = False,
    common: Common = NO_OPTIONS,
) -> int:
    """Handle a dead letter again: first as a dry run that shows the ledger's entry, then `--yes`.

    The dry run does everything and rolls it back. A letter about an order's outcome has its PSP
    asked at once. It ends with 1 when the letter still cannot be handled.

    **Examples**

    ```shell
    clearhouse dead-letters replay ledger:12
    clearhouse dead-letters replay ledger:12 --yes --reason "fee plan was mended"
    ```

    Parameters
    ----------
    letter
        Its name, such as `ledger:12`.
    """
    who, why = actor(), _checked(reason)
    done = _with_letters(
        common, lambda letters: letters.replay(letter, actor=who, reason=why, dry=not yes)
    )
    if json:
        print_data(_outcome(done, done=yes and not done.failure))
    else:
        _tell(done, dry=not yes)
    return VIOLATION if done.failure else OK


def discard_letter(letter: str, *, reason: Reason, common: Common = NO_OPTIONS) -> None:
    """Lay a dead letter aside: a person has dealt with it. Nothing else changes.

    **Example**

    ```shell
    clearhouse dead-letters discard payments:3 --reason "refunded by hand at the PSP"
    ```

    Parameters
    ----------
    letter
        Its name, such as `payments:3`.
    """
    who, why = actor(), _checked(reason)
    found = _with_letters(common, lambda letters: letters.discard(letter, actor=who, reason=why))
    err.print(f"[good]Discarded[/good] {escape(found.name)}, as {escape(who)}.")


def _with_letters(common: Common, work: Callable[[DeadLetters], Awaitable[Result]]) -> Result:
    settings = common.load().settings

    def with_readers(runtime: Runtime) -> Awaitable[Result]:
        readers = [consumer.subscription for consumer in consumers(runtime, Role, settings)]
        return work(DeadLetters(runtime.pool, runtime.clock, runtime.ids, readers))

    return with_runtime(settings, "dead-letters", with_readers)


def _checked(reason: str) -> str:
    text = " ".join(reason.split())
    if not 1 <= len(text) <= 1000:
        raise ConfigurationError("--reason needs 1 to 1,000 characters.")
    return text


def _about(letter: Letter) -> str:
    known = fields_of(letter).get("payment_order_id")
    return f"{letter.type} {known or letter.aggregate_id}"


def _row(letter: Letter) -> dict[str, object]:
    return {
        "letter": letter.name,
        "consumer": letter.consumer,
        "type": letter.type,
        "aggregate_id": letter.aggregate_id,
        "version": letter.version,
        "error": letter.error,
        "created_at": letter.created_at,
        "resolved_at": letter.resolved_at,
        "resolution": letter.resolution,
    }


def _deed(deed: Deed) -> dict[str, object]:
    return {
        "occurred_at": deed.occurred_at,
        "actor": deed.actor,
        "action": deed.action,
        "reason": deed.reason,
    }


def _postings(replay: Replay) -> list[tuple[str, str, str]]:
    """Debit, credit and amount of each line of the entry that a replay posts."""
    if replay.entry is None:
        return []
    return [
        (
            line.debit.code,
            line.credit.code,
            f"{format_minor(line.amount_minor, line.debit.currency)} {line.debit.currency}",
        )
        for line in replay.entry.lines
    ]


def _outcome(replay: Replay, *, done: bool) -> dict[str, object]:
    return {
        "letter": replay.letter.name,
        "done": done,
        "effect": replay.effect,
        "failure": replay.failure,
        "journal_entry": [
            {"debit": debit, "credit": credit, "amount": amount}
            for debit, credit, amount in _postings(replay)
        ],
    }


def _tell(replay: Replay, *, dry: bool) -> None:
    if lines := _postings(replay):
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="quiet")
        for column in ("debit", "credit", "amount"):
            table.add_column(column, justify="right" if column == "amount" else "left")
        for line in lines:
            table.add_row(*line)
        out.print(table)
    if replay.failure:
        out.print(f"[bad]It still fails:[/bad] {escape(replay.failure)}", soft_wrap=True)
    elif dry:
        out.print(f"It would work: {replay.effect}.", markup=False)
        err.print("[quiet]Nothing was changed; --yes does it.[/quiet]")
    else:
        out.print(f"[good]Done:[/good] {escape(replay.effect)}.")
