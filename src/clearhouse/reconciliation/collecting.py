"""Gets files in: fetched from the PSPs, given, or dropped into a folder.

A file is known by what is in it. What was dropped is moved on once it is read: into ``done``, or
into ``refused`` when nothing could be taken from it; the vault has its bytes either way.
"""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Final

import structlog

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp import registry
from clearhouse.psp.banks import camt053, csv_statements, mt940
from clearhouse.psp.banks.statements import StatementReader
from clearhouse.psp.settlements import Settlements
from clearhouse.reconciliation.files import Tell, unheard
from clearhouse.reconciliation.loading import Loader
from clearhouse.reconciliation.model import Collected, FileState
from clearhouse.reconciliation.statements import BANK, Statements
from clearhouse.reconciliation.vault import file_pieces

_MARKS: Final = (
    (b"balance_transaction_id", "stripe"),
    (b"Merchant Account ID", "braintree"),
    (b'{"payout"', "square"),
    (b"BkToCstmrStmt", "camt.053"),
    (b":60F:", "MT940"),
)
_HEAD: Final = 1 << 17
STILL_SECONDS: Final = 30
"""A dropped file that was written to so lately may still be written to."""
_log: Final[structlog.stdlib.BoundLogger] = structlog.get_logger("clearhouse.reconciliation")


def kind_of(head: bytes, name: str) -> str | None:
    """What a file is by its first bytes: a PSP's name, a statement format, or None.

    A CSV file that is no PSP's report is taken for a statement: only its mapping knows.
    """
    for mark, kind in _MARKS:
        if mark in head:
            return kind
    return "CSV" if name.lower().endswith(".csv") else None


class Collector:
    """Brings files to those who read them. ``mapping`` says where what is in CSV statements."""

    def __init__(self, loader: Loader, statements: Statements, mapping: str | None) -> None:
        self._loader = loader
        self._statements = statements
        self._mapping = mapping

    async def fetch(self, psp: str, adapter: Settlements, day: date, tell: Tell) -> list[Collected]:
        """Fetch a UTC day's reports and read them. Raises UnavailableError.

        No database transaction is open while the PSP is asked.
        """
        reader = registry.block_reader(psp)
        assert reader is not None
        found: list[Collected] = []
        async for report in adapter.reports(day):
            read = await self._loader.load(
                psp, report.name, report.content, reader, troubles=report.troubles, tell=tell
            )
            found.append(Collected(report.name, psp, read))
        return found

    async def read(self, path: Path, tell: Tell) -> Collected:
        """Read a file. Raises ConfigurationError for what cannot be read or is no such file."""
        try:
            with path.open("rb") as stream:
                kind = kind_of(stream.read(_HEAD), path.name)
            return await self._read(path, kind, tell)
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None

    async def _read(self, path: Path, kind: str | None, tell: Tell) -> Collected:
        reader = registry.block_reader(kind) if kind in registry.names() else None
        if kind is not None and reader is not None:
            read = await self._loader.load(kind, path.name, file_pieces(path), reader, tell=tell)
            return Collected(path.name, kind, read)
        statement = self._statement_reader(path, kind)
        read = await self._statements.load(path.name, file_pieces(path), statement, tell)
        return Collected(path.name, BANK, read)

    def _statement_reader(self, path: Path, kind: str | None) -> StatementReader:
        match kind:
            case "camt.053":
                return camt053.read_statement
            case "MT940":
                return mt940.read_statement
            case "CSV" if self._mapping is not None:
                return csv_statements.reader(csv_statements.Columns.parse(self._mapping))
            case "CSV":
                raise ConfigurationError(
                    f"{path.name} is a CSV statement, and nobody said what its columns are.",
                    hint="Set CLEARHOUSE_RECONCILIATION_STATEMENT_COLUMNS.",
                )
            case _:
                raise ConfigurationError(
                    f"{path} is no settlement report and no bank statement that is known.",
                    hint="See docs/reference/settlement-sources.md for what can be read.",
                )

    async def take_dropped(
        self, folder: Path, now: datetime, tell: Callable[[str], None]
    ) -> list[Collected]:
        """Read what lies in a folder and is not being written any more; oldest first."""
        found: list[Collected] = []
        for path in _lying(folder, now):
            tell(f"Reading {path.name}")
            try:
                one = await self.read(path, unheard)
            except ConfigurationError as error:
                _log.warning("dropped_file_refused", file=path.name, why=error.message)
                _move(path, folder / "refused")
                continue
            refused = one.read.state is FileState.REJECTED
            _move(path, folder / ("refused" if refused else "done"))
            found.append(one)
        return found


def _lying(folder: Path, now: datetime) -> list[Path]:
    """The files of a folder that nobody has written to lately, oldest first."""
    if not folder.is_dir():
        return []
    files = [path for path in folder.iterdir() if path.is_file() and path.name[0] != "."]
    written = {path: path.stat().st_mtime for path in files}
    still = [path for path in files if now.timestamp() - written[path] >= STILL_SECONDS]
    return sorted(still, key=lambda path: (written[path], path.name))


def _move(path: Path, folder: Path) -> None:
    """Out of the way, beside an older file of the same name where there is one."""
    folder.mkdir(exist_ok=True)
    place, number = folder / path.name, 2
    while place.exists():
        place = folder / f"{path.stem}-{number}{path.suffix}"
        number += 1
    path.rename(place)
