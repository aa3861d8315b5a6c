"""Gets files in: fetched from the PSPs, or given as files, which are known by what is in them."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp import registry
from clearhouse.psp.settlements import ReportReader, Settlements
from clearhouse.reconciliation.loading import Loader
from clearhouse.reconciliation.model import Collected
from clearhouse.reconciliation.vault import file_pieces

_MARKS: Final = (
    (b"balance_transaction_id", "stripe"),
    (b"Merchant Account ID", "braintree"),
    (b'{"payout"', "square"),
    (b"BkToCstmrStmt", "camt.053"),
    (b":60F:", "MT940"),
)

Tell = Callable[[int], None]
"""Hears how many lines of a file were read so far."""


def kind_of(head: bytes, name: str) -> str | None:
    """What a file is by its first bytes: a PSP's name, a statement format, or None.

    A CSV file that is no PSP's report is taken for a statement: only its mapping knows.
    """
    for mark, kind in _MARKS:
        if mark in head:
            return kind
    return "CSV" if name.lower().endswith(".csv") else None


class Collector:
    """Brings settlement files to the loader."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    async def fetch(self, psp: str, adapter: Settlements, day: date, tell: Tell) -> list[Collected]:
        """Fetch a UTC day's reports and read them. Raises UnavailableError.

        No database transaction is open while the PSP is asked.
        """
        reader = registry.report_reader(psp)
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
        psp, reader = self._known(path)
        try:
            read = await self._loader.load(psp, path.name, file_pieces(path), reader, tell=tell)
        except OSError as error:
            raise _unreadable(path, error) from None
        return Collected(path.name, psp, read)

    def _known(self, path: Path) -> tuple[str, ReportReader]:
        try:
            with path.open("rb") as stream:
                kind = kind_of(stream.read(1 << 17), path.name)
        except OSError as error:
            raise _unreadable(path, error) from None
        reader = registry.report_reader(kind) if kind in registry.names() else None
        if kind is None or reader is None:
            raise ConfigurationError(
                f"{path} is no settlement report that is known.",
                hint="See docs/reference/settlement-sources.md for what can be read.",
            )
        return kind, reader


def _unreadable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{path} cannot be read: {error.strerror}.")
