"""Statements as CSV, each bank in its own way: a mapping says which column is what.

::

    booked_on=Buchungstag, amount=Betrag, currency=Währung, text=Verwendungszweck,
    reference=Kundenreferenz, delimiter=;, dates=%d.%m.%Y, decimals=comma, encoding=latin-1

Where a bank tells the balance after each line, the lines are held against it.
"""

import codecs
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Final

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.kernel.money import EXPONENTS, MoneyError, parse_minor
from clearhouse.psp.banks.statements import Balance, BankLine, Keys, Said, StatementReader
from clearhouse.psp.csv_reports import read_csv
from clearhouse.psp.settlements import Trouble, TroubleKind

_DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", ";": ";", "|": "|"}
_DECIMALS: Final = {"point": ".", "comma": ","}
_HINT: Final = "Write for example booked_on=Date, amount=Amount, currency=EUR, text=Details."


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column is what. ``currency`` and ``account`` name a column, or say it for all lines.

    Amounts are in one column with a sign, or in ``credit`` and ``debit`` without one.
    """

    booked_on: str = ""
    value_on: str = ""
    amount: str = ""
    credit: str = ""
    debit: str = ""
    currency: str = ""
    account: str = ""
    reference: str = ""
    text: str = ""
    counterparty: str = ""
    key: str = ""
    returned: str = ""
    balance: str = ""
    delimiter: str = "comma"
    dates: str = "%Y-%m-%d"
    decimals: str = "point"
    encoding: str = "utf-8"

    @classmethod
    def parse(cls, setting: str) -> "Columns":
        """The mapping as a setting has it. Raises ConfigurationError."""
        known = {field.name for field in fields(cls)}
        given: dict[str, str] = {}
        for part in filter(None, (part.strip() for part in setting.split(","))):
            name, equals, value = (each.strip() for each in part.partition("="))
            if not equals or name not in known or not value:
                raise _unusable(f"it does not know {part[:60]!r}")
            given[name] = value
        made = cls(**given)
        made.check()
        return made

    def check(self) -> None:
        """Raises ConfigurationError for a mapping that cannot be read by."""
        if not self.booked_on or not (self.amount or (self.credit and self.debit)):
            raise _unusable("it needs booked_on, and amount or credit and debit")
        if not self.currency:
            raise _unusable("it needs currency: a column, or a code such as EUR")
        if self.delimiter not in _DELIMITERS or self.decimals not in _DECIMALS:
            raise _unusable("delimiter is comma, semicolon or tab, and decimals point or comma")
        try:
            codecs.lookup(self.encoding)
            datetime(2026, 2, 3, tzinfo=UTC).strftime(self.dates)
        except (LookupError, ValueError):
            raise _unusable("its encoding or its dates are unknown") from None


def _unusable(why: str) -> ConfigurationError:
    return ConfigurationError(f"The mapping of CSV statements cannot be used: {why}.", hint=_HINT)


def reader(columns: Columns) -> StatementReader:
    """What reads files of this mapping."""
    return _Reader(columns)


class _Reader:
    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        asked = {
            name: getattr(columns, name)
            for name in (
                *("booked_on", "value_on", "amount", "credit", "debit", "reference", "text"),
                *("counterparty", "key", "returned", "balance"),
            )
        }
        if columns.currency not in EXPONENTS:
            asked["currency"] = columns.currency
        if columns.account and not _is_account(columns.account):
            asked["account"] = columns.account
        self._asked = {name: column for name, column in asked.items() if column}

    def __call__(self, content: Iterable[bytes]) -> Iterator[Said]:
        names, wanted = list(self._asked), list(self._asked.values())
        keys, balances = Keys(), _Balances()
        delimiter = _DELIMITERS[self._columns.delimiter]
        try:
            for row in read_csv(
                _in_utf8(content, self._columns.encoding), wanted, delimiter=delimiter
            ):
                if isinstance(row, Trouble):
                    yield row
                    continue
                number, values = row
                cells = dict(zip(names, values, strict=True))
                try:
                    line = self._line(cells)
                    told = (
                        self._minor(cells["balance"], line.currency) if "balance" in cells else None
                    )
                except (MoneyError, ValueError) as error:
                    why = (
                        str(error)
                        if isinstance(error, MoneyError)
                        else "a date or an amount is none"
                    )
                    yield Trouble(
                        number, TroubleKind.UNREADABLE_LINE, f"The line cannot be read: {why}."
                    )
                    continue
                yield from balances.check(line, told, number)
                yield line._replace(key=line.key or keys.key(line))
        except UnicodeDecodeError:
            problem = f"The file is not {self._columns.encoding}."
            yield Trouble(0, TroubleKind.WRONG_ENCODING, problem)
            return
        yield from balances.told()

    def _line(self, cells: Mapping[str, str]) -> BankLine:
        currency = cells.get("currency", self._columns.currency).strip().upper()
        if currency not in EXPONENTS:
            raise ValueError
        if "amount" in cells:
            minor = self._minor(cells["amount"], currency)
        else:
            minor = abs(self._minor(cells["credit"], currency))
            minor -= abs(self._minor(cells["debit"], currency))
        booked = self._date(cells["booked_on"])
        valued = cells.get("value_on", "").strip()
        return BankLine(
            cells.get("key", "").strip(),
            cells.get("account", self._columns.account).replace(" ", ""),
            currency,
            minor,
            booked,
            self._date(valued) if valued else booked,
            cells.get("reference", "").strip(),
            cells.get("text", "").strip(),
            cells.get("counterparty", "").strip(),
            cells.get("returned", "").strip(),
        )

    def _minor(self, written: str, currency: str) -> int:
        """An amount with the thousands' marks and signs that banks write."""
        point = _DECIMALS[self._columns.decimals]
        marks = ",'’ \xa0\u202f" if point == "." else ".'’ \xa0\u202f"
        plain = written.strip().translate({ord(mark): None for mark in marks})
        negative = plain.startswith(("-", "\N{MINUS SIGN}")) or plain.endswith("-")
        plain = plain.strip("+-\N{MINUS SIGN}").replace(point, ".")
        whole, _, fraction = plain.partition(".")
        kept = fraction.rstrip("0")
        minor = parse_minor(f"{whole}.{kept}" if kept else whole or "0", currency)
        return -minor if negative else minor

    def _date(self, written: str) -> date:
        return datetime.strptime(written.strip(), self._columns.dates).replace(tzinfo=UTC).date()


def _is_account(text: str) -> bool:
    """Whether it is an account itself, as an IBAN or a number, and not the name of a column."""
    plain = text.replace(" ", "")
    return plain.isalnum() and plain.isupper() and any(each.isdigit() for each in plain)


def _in_utf8(content: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    if codecs.lookup(encoding).name == "utf-8":
        yield from content
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    for piece in content:
        yield decoder.decode(piece).encode()
    yield decoder.decode(b"", final=True).encode()


@dataclass(frozen=True, slots=True)
class _Stand:
    line: BankLine
    balance: int


class _Balances:
    """Holds each balance against the one before; files run forwards or backwards in time."""

    def __init__(self) -> None:
        self._first: _Stand | None = None
        self._last: _Stand | None = None
        self._ways = _WAYS

    def check(self, line: BankLine, balance: int | None, number: int) -> Iterator[Trouble]:
        """A trouble where a line does not lead from one balance to the next."""
        if balance is None:
            return
        before, self._last = self._last, _Stand(line, balance)
        self._first = self._first or self._last
        if before is None:
            return
        left = tuple(way for way in self._ways if way(before, self._last))
        if not left:
            problem = "The balance before this line and its amount do not add up to its balance."
            yield Trouble(number, TroubleKind.WRONG_TOTAL, problem)
        self._ways = left or self._ways

    def told(self) -> Iterator[Balance]:
        """What was on the account before and after the file's lines, where the file tells it."""
        if self._first is None or self._last is None:
            return
        forwards = self._ways[0] is _forwards
        early, late = (self._first, self._last) if forwards else (self._last, self._first)
        line = late.line
        opening = early.balance - early.line.amount_minor
        yield Balance(line.account, line.currency, line.booked_on, opening, late.balance)


def _forwards(before: _Stand, after: _Stand) -> bool:
    return before.balance + after.line.amount_minor == after.balance


def _backwards(before: _Stand, after: _Stand) -> bool:
    return after.balance + before.line.amount_minor == before.balance


_WAYS: Final[tuple[Callable[[_Stand, _Stand], bool], ...]] = (_forwards, _backwards)
