"""The morning after the demo's nights: what was planted, found as what, and mended how."""

from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clearhouse.cli.console import amount
from clearhouse.cli.demo.findings import Differs, Findings
from clearhouse.cli.demo.summary import Check, indented
from clearhouse.reconciliation.matching import Cause, Mender

_MENDED: Final = {
    Cause.DUPLICATE_CHARGE: "by itself: given back",
    Cause.CHARGED_BUT_FAILED: "by itself: given back",
    Cause.UNKNOWN_REFUND: "by itself: booked",
    Cause.NOT_SETTLED_YET: "by the next report",
}


def tell(console: Console, findings: Findings) -> None:
    """Print the table, and below it what is proposed to the person who decides."""
    table = _table("what went wrong, and no webhook told", "found as", "at stake", "mended")
    proposals = _table("", "")
    for planted, found in findings.found:
        one = found[0] if found else None
        table.add_row(
            f"[name]{planted.where}[/name]: {escape(planted.what)}",
            one.cause if one else "[bad]not found[/bad]",
            f"{amount(one.at_stake_minor, one.currency)} {one.currency}" if one else "",
            _mended(planted.cause, one) if one else "",
        )
        if one is not None and one.state == "open":
            proposals.add_row(one.cause, f"[quiet]{escape(planted.cause.proposal)}[/quiet]")
    console.print(indented(table))
    if proposals.row_count:
        console.print("\n  [quiet]What is proposed to the person:[/quiet]")
        console.print(indented(proposals))


def check(findings: Findings) -> list[Check]:
    """Whether each fault was found once and for what it is, and what is left of each."""
    return [_found(findings), _agreed(findings)]


def _found(findings: Findings) -> Check:
    wrong = [planted.what for planted, found in findings.found if len(found) != 1]
    if wrong:
        return Check(False, f"Not found once, and for what it is: {'; '.join(wrong)}.")
    if findings.invented:
        named = ", ".join(f"{one.cause} {one.reference}" for one in findings.invented[:5])
        count = len(findings.invented)
        return Check(False, f"{count} differences were found that nobody planted: {named}.")
    left = [planted.what for planted, [one] in findings.found if not _is_as_it_should(one)]
    if left:
        return Check(False, f"Not mended as it should be: {'; '.join(left)}.")
    waiting = sum(one.state == "open" for _, [one] in findings.found)
    return Check(
        True,
        f"{len(findings.found)} faults were planted: each was found once, for what it is, and none"
        f" was invented; {len(findings.found) - waiting} are mended, {waiting} wait for a person.",
    )


def _agreed(findings: Findings) -> Check:
    if findings.apart != findings.explained:
        return Check(
            False,
            f"The PSPs took {dict(findings.apart)} more than the books say, and open breaks explain"
            f" {dict(findings.explained)}.",
        )
    return Check(
        True,
        "After mending, the PSPs took and gave back what the books say, to the cent, but for what"
        " waits for a person.",
    )


def _is_as_it_should(found: Differs) -> bool:
    if found.mender is Mender.PERSON:
        return found.state == "open"
    return found.state == "settled" and (found.mender is Mender.TIME or found.was_told)


def _mended(cause: Cause, found: Differs) -> str:
    if found.state == "open":
        return "[warn]a person decides[/warn]"
    return f"[good]{_MENDED.get(cause, found.state)}[/good]"


def _table(*columns: str) -> Table:
    has_header = any(columns)
    table = Table(
        box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="quiet", show_header=has_header
    )
    for place, column in enumerate(columns):
        wraps = place == 0 if has_header else place == 1
        justify = "right" if column == "at stake" else "left"
        table.add_column(column, justify=justify, no_wrap=not wraps)
    return table
