"""``clearhouse inspect``: what settlement reports and bank statements say."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter
from rich.table import Table

from clearhouse.cli.console import out, print_data
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.kernel.money import format_minor
from clearhouse.psp import registry
from clearhouse.psp.banks import camt053, csv_statements, mt940
from clearhouse.psp.banks.statements import Balance, BankLine, StatementReader
from clearhouse.psp.settlements import SettlementLine, Trouble
from clearhouse.reconciliation.banking import Found, Verdict, match
from clearhouse.reconciliation.collecting import kind_of
from clearhouse.reconciliation.sent import Sent

_PIECE: Final = 1 << 17
_SHOWN: Final = 20
_GOOD: Final = frozenset({Verdict.MATCHED, Verdict.ON_ITS_WAY})


@dataclass(slots=True)
class _Told:
    """What one file says; sums are net, by currency."""

    name: str
    kind: str
    lines: int = 0
    sums: Counter[str] = field(default_factory=Counter[str])
    troubles: list[Trouble] = field(default_factory=list[Trouble])


def inspect(
    *files: Path,
    mapping: Annotated[
        str | None, Parameter(help="The columns of CSV statements: booked_on=Date, amount=...")
    ] = None,
    json: Annotated[bool, Parameter(help="One JSON object, for scripts.")] = False,
) -> int:
    """Read settlement reports and bank statements, and say what they hold. Nothing is stored.

    Reports of Stripe, Braintree and Square, camt.053 and MT940 are known by what is in them; CSV
    statements need a mapping. Where both payouts of PSPs and bank lines are among the files,
    they are matched. Ends with 1 when something is wrong.

    **Examples**

    ```shell
    clearhouse inspect payment-level-fees-2026-11-21.csv
    clearhouse inspect payouts-*.jsonl camt.053-*.xml --json
    ```
    """
    if not files:
        raise ConfigurationError("There is no file to read.", hint="Name one or more files.")
    sent, booked, keys = Sent(), dict[str, BankLine](), set[str]()
    told = [_read(file, mapping, sent, booked, keys) for file in files]
    found: tuple[Found, ...] = ()
    if booked and (payouts := sent.payouts()):
        found = match(payouts, booked.values(), SystemClock().now().date())
    if json:
        print_data(_as_data(told, found))
    else:
        _show(told, found)
    wrong = any(one.troubles for one in told) or any(one.verdict not in _GOOD for one in found)
    return 1 if wrong else 0


def _read(
    file: Path, mapping: str | None, sent: Sent, booked: dict[str, BankLine], keys: set[str]
) -> _Told:
    try:
        with file.open("rb") as stream:
            kind = _kind_of(stream.read(_PIECE), file)
        told = _Told(file.name, kind)
        reader = registry.report_reader(kind) if kind in registry.names() else None
        if reader is None:
            for said in _statements(kind, mapping)(_pieces(file)):
                if isinstance(said, BankLine):
                    booked[f"{said.account} {said.key}"] = said
                    _count(told, said.currency, said.amount_minor)
                elif not isinstance(said, Balance):
                    told.troubles.append(said)
            return told
        for said in reader(_pieces(file)):
            if isinstance(said, Trouble):
                told.troubles.append(said)
                continue
            _count(told, said.currency, said.net_minor)
            _gather(kind, said, sent, keys)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from None
    return told


def _gather(psp: str, line: SettlementLine, sent: Sent, keys: set[str]) -> None:
    """Files may overlap, and a line counts once."""
    name = f"{psp} {line.key}"
    if name not in keys:
        keys.add(name)
        sent.add(psp, line)


def _count(told: _Told, currency: str, minor: int) -> None:
    told.lines += 1
    told.sums[currency] += minor


def _kind_of(head: bytes, file: Path) -> str:
    kind = kind_of(head, file.name)
    if kind is not None:
        return kind
    raise ConfigurationError(
        f"{file} is no report and no statement that is known.",
        hint="See docs/reference/settlement-sources.md for what can be read.",
    )


def _statements(kind: str, mapping: str | None) -> StatementReader:
    if kind == "camt.053":
        return camt053.read_statement
    if kind == "MT940":
        return mt940.read_statement
    if mapping is None:
        raise ConfigurationError(
            "A CSV statement needs --mapping.",
            hint="Write for example --mapping 'booked_on=Date, amount=Amount, currency=EUR'.",
        )
    return csv_statements.reader(csv_statements.Columns.parse(mapping))


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece


def _sums(told: _Told) -> list[str]:
    return [f"{format_minor(minor, code)} {code}" for code, minor in sorted(told.sums.items())]


def _show(told: list[_Told], found: tuple[Found, ...]) -> None:
    table = Table("file", "what it is", "lines", "net", "troubles", box=None)
    for one in told:
        troubles = str(len(one.troubles)) if one.troubles else "none"
        table.add_row(one.name, one.kind, f"{one.lines:,}", ", ".join(_sums(one)), troubles)
    out.print(table)
    for one in told:
        for trouble in one.troubles[:_SHOWN]:
            place = f"{one.name}:{trouble.line}" if trouble.line else one.name
            out.print(f"{place}: {trouble.text}", style="bad", markup=False)
        if len(one.troubles) > _SHOWN:
            more = len(one.troubles) - _SHOWN
            out.print(f"{one.name}: and {more} more.", style="bad", markup=False)
    if found:
        matches = Table("PSP", "payouts", "bank lines", "is", "by", "sure", "differs", box=None)
        for each in found:
            matches.add_row(*_row(each))
        out.print(matches)


def _row(found: Found) -> tuple[str, ...]:
    currency = (*found.payouts, *found.lines)[0].currency
    return (
        found.payouts[0].psp if found.payouts else "",
        " ".join(one.reference for one in found.payouts),
        " ".join(line.key for line in found.lines),
        found.verdict.value,
        found.basis.value if found.basis else "",
        f"{found.confidence} %" if found.basis else "",
        f"{format_minor(found.difference_minor, currency)} {currency}",
    )


def _as_data(told: list[_Told], found: tuple[Found, ...]) -> dict[str, object]:
    names = ("psp", "payouts", "bank_lines", "verdict", "basis", "confidence", "difference")
    return {
        "files": [
            {
                "name": one.name,
                "kind": one.kind,
                "lines": one.lines,
                "net": _sums(one),
                "troubles": one.troubles,
            }
            for one in told
        ],
        "payouts": [dict(zip(names, _row(each), strict=True)) for each in found],
    }
