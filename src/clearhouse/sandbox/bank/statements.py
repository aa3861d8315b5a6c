"""The statement of a day in the three formats that banks have: camt.053, MT940 and CSV."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from textwrap import wrap
from typing import Final

import msgspec

from clearhouse.kernel.money import format_minor
from clearhouse.sandbox.bank import writing
from clearhouse.sandbox.bank.arriving import BANK
from clearhouse.sandbox.bank.writing import Entry
from clearhouse.sandbox.core import Core
from clearhouse.sandbox.objects import Shelf
from clearhouse.sandbox.spoils import Spoil

CSV_COLUMNS: Final = (
    *("booked_on", "value_on", "account", "amount", "currency", "reference", "text", "bank_id"),
    "balance",
)
_WIDTH: Final = 65


class Statements:
    """Writes a day's statements, with what the orders for the PSP ``bank`` do to the files."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def of_day(
        self, entries: Sequence[Entry], opening: int, account: str, currency: str, at: datetime
    ) -> Iterator[tuple[str, bytes]]:
        """Names and contents; kept, since tomorrow's may be today's once more."""
        spoils, now = self._core.spoils, self._core.now_us()
        place = f"{account[-8:]}-{currency}"
        shelf = Shelf("bank", account, "statement")
        before = self._core.objects.get(shelf, f"{currency}/{at - timedelta(days=1):%Y-%m-%d}")
        told = {"opening": opening, "entries": msgspec.to_builtins(entries)}
        self._core.objects.put(shelf, f"{currency}/{at:%Y-%m-%d}", told, created_at=now)
        if before is not None and spoils.has(Spoil.SAME_FILE_TWICE, BANK, now):
            opening, entries = before["opening"], _entries(before)
            at -= timedelta(days=1)
        elif before is not None and spoils.has(Spoil.OVERLAPPING, BANK, now):
            opening, entries = before["opening"], [*_entries(before), *entries]
        off = 1_00 if spoils.has(Spoil.WRONG_TOTAL, BANK, now) else 0
        for name, content in (
            (f"camt.053-{place}", writing.statement(entries, opening, account, currency, at, off)),
            (f"mt940-{place}", mt940(entries, opening, account, currency, at, off)),
            (f"csv-{place}", as_csv(entries, opening, off)),
        ):
            suffix = {"camt": "xml", "mt94": "sta", "csv-": "csv"}[name[:4]]
            yield f"{name}-{at:%Y-%m-%d}.{suffix}", spoils.file(content, BANK, now)


def mt940(
    entries: Sequence[Entry], opening: int, account: str, currency: str, at: datetime, off: int = 0
) -> bytes:
    """One MT940 message; ``off`` is how wrong its closing balance is."""
    closing = opening + sum(entry.amount_minor for entry in entries) + off
    lines = [
        f":20:STMT{at:%y%m%d}{currency}",
        f":25:{account}",
        f":28C:{at:%j}/1",
        f":60F:{_balance(opening, currency, at)}",
    ]
    for entry in entries:
        mark = "C" if entry.amount_minor >= 0 else "D"
        amount = format_minor(abs(entry.amount_minor), currency).replace(".", ",")
        amount = amount if "," in amount else f"{amount},"
        reference = "NONREF" if len(entry.key) > 16 or not entry.key else entry.key
        dates = f"{entry.booked_at:%y%m%d}{entry.booked_at:%m%d}"
        bank_id = f"BANK{entry.number:012d}"
        lines.append(f":61:{dates}{mark}{amount}NTRF{reference}//{bank_id}")
        details = f"/EREF/{entry.key or 'NOTPROVIDED'}/REMI/{entry.text}"
        details += f"/RTRN/{entry.returned}" if entry.returned else ""
        first, *more = wrap(details, _WIDTH, drop_whitespace=False)
        lines += [f":86:{first}", *more]
    lines += [f":62F:{_balance(closing, currency, at)}", "-"]
    return ("\r\n".join(lines) + "\r\n").encode()


def as_csv(entries: Sequence[Entry], opening: int, off: int = 0) -> bytes:
    """A line for each entry, with the balance after it; ``off`` is how wrong the last one is."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    balance = opening
    for place, entry in enumerate(entries, 1):
        balance += entry.amount_minor
        told = balance + (off if place == len(entries) else 0)
        writer.writerow(
            (
                f"{entry.booked_at:%Y-%m-%d}",
                f"{entry.booked_at:%Y-%m-%d}",
                entry.account,
                format_minor(entry.amount_minor, entry.currency),
                entry.currency,
                entry.key,
                entry.text,
                f"BANK{entry.number:012d}",
                format_minor(told, entry.currency),
            )
        )
    return out.getvalue().encode()


def _balance(minor: int, currency: str, at: datetime) -> str:
    amount = format_minor(abs(minor), currency).replace(".", ",")
    amount = amount if "," in amount else f"{amount},"
    return f"{'C' if minor >= 0 else 'D'}{at:%y%m%d}{currency}{amount}"


def _entries(before: dict[str, object]) -> list[Entry]:
    return msgspec.convert(before["entries"], list[Entry])
