"""MT940 statements, read as a stream.

Why not the package mt-940: it takes a whole file as one text and keeps every transaction in a
list before the first can be looked at, so its memory grows with the file; and what it cannot
match it leaves out without a word, where a line that was not understood must be told.

One field is in memory at a time. Banks write what SWIFT leaves open in two ways, and both are
read in ``:86:``: ``?20EREF+...`` with subfields, and ``/EREF/.../REMI/...``. Text is UTF-8, or
Latin-1 where it is not that.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from clearhouse.kernel.money import MoneyError, exponent, parse_minor
from clearhouse.psp.banks.statements import Balance, BankLine, Keys, Said, Sums
from clearhouse.psp.settlements import Trouble, TroubleKind

_TAG: Final = re.compile(r":(\d\d[A-Z]?):")
_LINE: Final = re.compile(
    r"(\d{6})(\d{4})?(R?[CD])([A-Z])?(\d{1,15},\d{0,3})[NFS][A-Z0-9]{3}(.*)", re.ASCII
)
_BALANCE: Final = re.compile(r"([CD])(\d{6})([A-Z]{3})(\d{1,15},\d{0,3})", re.ASCII)
_SUBFIELD: Final = re.compile(r"\?(\d\d)")
_PLUS: Final = re.compile(
    r"(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|IBAN|BIC)\+", re.ASCII
)
_SLASH: Final = re.compile(r"/(EREF|REMI|RTRN|NAME|ORDP|BENM|IBAN|BIC|MARF|CSID|ISDT|TRTP|KREF)/")
_PURPOSE: Final = frozenset([*range(20, 30), *range(60, 64)])
_OTHERS: Final = (b"\xff\xfe", b"\xfe\xff")
_LONGEST: Final = 1 << 16
_UNFINISHED: Final = "\0"
"""Stands for a last line without its end, which may be less than the bank wrote."""


def read_statement(content: Iterable[bytes]) -> Iterator[Said]:
    """All that a file of statements says."""
    file = _File()
    try:
        for number, text in enumerate(_lines(content), 1):
            yield from file.line(number, text)
    except _OtherEncoding:
        problem = "The file is UTF-16; it must be UTF-8 or Latin-1."
        yield Trouble(0, TroubleKind.WRONG_ENCODING, problem)
        return
    yield from file.end()


class _OtherEncoding(Exception):
    """The file begins with the mark of UTF-16."""


def _lines(content: Iterable[bytes]) -> Iterator[str]:
    rest, first = b"", True
    for piece in content:
        rest += piece
        if first and len(rest) >= 2:
            first = False
            if rest.startswith(_OTHERS):
                raise _OtherEncoding
            rest = rest.removeprefix(b"\xef\xbb\xbf")
        *whole, rest = rest.split(b"\n")
        if len(rest) > _LONGEST:
            rest = rest[:_LONGEST]
        yield from map(_text, whole)
    if rest.strip() in {b"-", b"-}"}:
        yield _text(rest)
    elif rest:
        yield _UNFINISHED


def _text(line: bytes) -> str:
    line = line.removesuffix(b"\r")
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


class _File:
    """Gathers the lines of one field, and hands the field on when the next one begins."""

    def __init__(self) -> None:
        self._tag = ""
        self._parts: list[str] = []
        self._began = 0
        self._number = 0
        self._open = False
        self._found = False
        self._cut = False
        self._statement = _Statement()

    def line(self, number: int, text: str) -> Iterator[Said]:
        """One line of text."""
        self._number = number
        if text == _UNFINISHED:
            self._cut = True
            return
        if text.startswith("{"):
            text = text.rpartition("{4:")[2]
        match = _TAG.match(text)
        if match is None and text.strip() not in {"-", "-}", ""}:
            if self._tag and len(self._parts) < 100:
                self._parts.append(text)
            return
        if match is None:
            yield from self._close()
            return
        yield from self._close()
        self._tag, self._began = match[1], number
        self._parts = [text[match.end() :]]

    def end(self) -> Iterator[Said]:
        """The end of the file: a statement that has no closing balance is cut off."""
        whole = not self._cut
        if whole:
            yield from self._close()
        if self._open or (self._cut and self._found):
            yield from self._statement.last_line()
            problem = "The statement does not come to its end: the file is cut off."
            yield Trouble(self._number, TroubleKind.CUT_OFF, problem)
        elif not self._found:
            problem = "The file has no MT940 statement." if self._number else "The file is empty."
            yield Trouble(0, TroubleKind.NOT_THIS_REPORT, problem)

    def _close(self) -> Iterator[Said]:
        tag, self._tag = self._tag, ""
        if not tag:
            return
        value = self._parts
        if tag == "20":
            self._statement = _Statement()
        if tag[:2] == "60":
            self._open = self._found = True
        try:
            yield from self._statement.field(tag, value, self._began)
        except (MoneyError, ValueError):
            problem = f"The field :{tag}: cannot be read."
            yield Trouble(self._began, TroubleKind.UNREADABLE_LINE, problem)
        if tag[:2] == "62":
            self._open = False


class _Statement:
    """One message: its balances and lines."""

    def __init__(self) -> None:
        self._account = ""
        self._currency = ""
        self._opening: int | None = None
        self._keys = Keys()
        self._sums = Sums()
        self._pending: BankLine | None = None

    def field(self, tag: str, value: list[str], number: int) -> Iterator[Said]:
        """What a field says; a line is told once it is known that no ``:86:`` follows."""
        if tag == "86" and self._pending is not None:
            self._pending = _told(self._pending, value)
        elif tag == "25":
            self._account = value[0].strip().rpartition("/")[2].split(" ")[0]
        elif tag in {"60F", "60M"}:
            self._opening, self._currency, _ = _balance(value[0])
        elif tag == "61":
            yield from self.last_line()
            self._pending = self._line(value)
        elif tag in {"62F", "62M"}:
            yield from self.last_line()
            closing, currency, day = _balance(value[0])
            balance = Balance(self._account, currency, day, self._opening, closing)
            yield from self._sums.check(balance, number)

    def last_line(self) -> Iterator[Said]:
        """The line that waited for its details."""
        line, self._pending = self._pending, None
        if line is not None:
            self._sums.add(line.amount_minor)
            yield line._replace(key=line.key or self._keys.key(line))

    def _line(self, value: list[str]) -> BankLine:
        match = _LINE.fullmatch(value[0].strip())
        if match is None:
            raise ValueError
        valued, entered, mark, _, amount, rest = match.groups()
        value_on = _date(valued)
        booked_on = value_on if entered is None else _near(value_on, entered)
        minor = _minor(amount, self._currency)
        reference, _, bank_reference = rest.partition("//")
        key = "" if bank_reference.strip() in {"", "NONREF"} else bank_reference.strip()
        return BankLine(
            key,
            self._account,
            self._currency,
            minor if mark in {"C", "RD"} else -minor,
            booked_on,
            value_on,
            "" if reference.strip() in {"NONREF", "NOTPROVIDED"} else reference.strip(),
            " ".join(part.strip() for part in value[1:]),
            "",
            "",
        )


def _told(line: BankLine, value: list[str]) -> BankLine:
    """The line with what ``:86:`` says of it."""
    whole = "".join(value)
    fields: dict[str, str] = {}
    if _SUBFIELD.search(whole):
        _, *pieces = _SUBFIELD.split(whole)
        numbered = list(zip(map(int, pieces[::2]), pieces[1::2], strict=True))
        fields["NAME"] = "".join(part for number, part in numbered if number in {32, 33})
        whole = "".join(part for number, part in numbered if number in _PURPOSE)
    for pattern in (_PLUS, _SLASH):
        _, *pieces = pattern.split(whole)
        fields |= dict(zip(pieces[::2], (part.strip(" /") for part in pieces[1::2]), strict=True))
    reference = fields.get("EREF", "")
    return line._replace(
        reference=line.reference if reference in {"", "NOTPROVIDED"} else reference,
        text=fields.get("SVWZ") or fields.get("REMI") or line.text or whole.strip(),
        counterparty=fields.get("NAME", ""),
        returned=fields.get("RTRN", ""),
    )


def _balance(value: str) -> tuple[int, str, date]:
    match = _BALANCE.fullmatch(value.strip())
    if match is None:
        raise ValueError
    minor = _minor(match[4], match[3])
    return (minor if match[1] == "C" else -minor), match[3], _date(match[2])


def _minor(written: str, currency: str) -> int:
    whole, _, fraction = written.partition(",")
    if not fraction.strip("0") or len(fraction) <= exponent(currency):
        fraction = fraction[: exponent(currency)]
    return parse_minor(f"{whole}.{fraction}" if fraction else whole, currency)


def _date(text: str) -> date:
    return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:6]))


def _near(value_on: date, entered: str) -> date:
    """The entry date has no year: it is the one nearest to the value date."""
    month, day = int(entered[:2]), int(entered[2:])
    years = (value_on.year - 1, value_on.year, value_on.year + 1)
    leap = (month, day) == (2, 29)
    dates = [date(y, month, day) for y in years if not leap or y % 4 == 0]
    return min(dates, key=lambda each: abs(each - value_on))
