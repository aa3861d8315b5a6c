"""CSV reports read as a stream: columns by name, lines that cannot be read told one by one.

Why a file that does not end in a line feed is cut off: reports do end so, and a last amount of
``12.3`` may have been ``12.34``. Its last line is told as a trouble, and comes with the whole file.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import count
from operator import itemgetter
from typing import Any, Final, NamedTuple

from clearhouse.kernel.money import exponent, parse_minor
from clearhouse.psp.settlements import Trouble, TroubleKind

_BOM: Final = b"\xef\xbb\xbf"
_OTHER_ENCODINGS: Final = (b"\xff\xfe", b"\xfe\xff")
_LONGEST_LINE: Final = 1 << 20
_SHORT: Final = 13
_MARKS: Final = ('"', "\\", "\t", "\r", "\0")
"""What is in no plain line: quotes, and what a line of text for COPY would have to escape."""
_PLAIN_AMOUNTS: Final = re.compile(
    r"-?[0-9]{1,10}+[.][0-9][0-9](?:\n-?[0-9]{1,10}+[.][0-9][0-9])*+"
)
_PLAIN_TIME: Final = len("2026-11-21 12:00:00")

Row = tuple[int, tuple[str, ...]]
"""The number of a line, from 1 with the header, and the wanted columns in the wanted order."""


class Block(NamedTuple):
    """Many plain lines by column: as read one by one, and several times faster.

    ``first`` is the number of the first of them. No field holds a quote, a backslash, a tab, a
    line's end or a zero byte.
    """

    first: int
    columns: tuple[Sequence[str], ...]

    def rows(self) -> Iterator[Row]:
        """The same line by line."""
        return zip(count(self.first), zip(*self.columns, strict=True), strict=False)


def read_csv(
    content: Iterable[bytes],
    columns: Sequence[str],
    optional: Sequence[str] = (),
    *,
    delimiter: str = ",",
) -> Iterator[Row | Trouble]:
    """The wanted columns of each line; optional ones are empty where the file lacks them.

    At least two columns must be wanted. In constant memory, whatever the file's size.
    """
    for one in read_blocks(content, columns, optional, delimiter=delimiter):
        if isinstance(one, Block):
            yield from one.rows()
        else:
            yield one


def read_blocks(
    content: Iterable[bytes],
    columns: Sequence[str],
    optional: Sequence[str] = (),
    *,
    delimiter: str = ",",
) -> Iterator[Block | Row | Trouble]:
    """The same with plain lines in blocks, as they come: a million lines are no million steps."""
    lines = _Lines(content)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header = next(reader, None)
    if lines.trouble is not None or header is None:
        yield lines.trouble or Trouble(0, TroubleKind.NOT_THIS_REPORT, "The file is empty.")
        return
    names = [name.strip() for name in header]
    missing = [name for name in columns if name not in names]
    if missing:
        text = f"The first line lacks the column {missing[0]}"
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        yield Trouble(0, TroubleKind.NOT_THIS_REPORT, f"{text}{more}.")
        return
    width = len(names)
    places = [names.index(name) if name in names else width for name in (*columns, *optional)]
    pick = itemgetter(*places)
    while (piece := lines.unread()) is not None:
        plain = _plain(piece, width, delimiter)
        if plain is None:
            yield from _one_by_one(reader, lines, width, pick)
            continue
        fields, rows = plain
        empty = [""] * rows
        chosen = tuple(fields[n] if n < width else empty for n in places)
        yield Block(lines.number + 1, chosen)
        lines.skip(rows)
    yield from lines.troubles()


def _plain(piece: str, width: int, delimiter: str) -> tuple[tuple[Sequence[str], ...], int] | None:
    """The columns of whole lines, and how many these are; None where the slow way must look."""
    if "\r" in piece:
        piece = piece.replace("\r\n", "\n")
    if any(mark in piece for mark in _MARKS):
        return None
    # The end of each line becomes a field of its own: where all of them stand in one column, all
    # lines are even, and one split has told it.
    fields = piece.replace("\n", f"{delimiter}\n{delimiter}").split(delimiter)
    ends = fields[width :: width + 1]
    rows = piece.count("\n")
    if len(fields) != rows * (width + 1) + 1 or ends.count("\n") != rows:
        return None
    fields.pop()
    return tuple(fields[place :: width + 1] for place in range(width)), rows


def _one_by_one(
    reader: Iterator[list[str]], lines: "_Lines", width: int, pick: Callable[[list[str]], Any]
) -> Iterator[Row | Trouble]:
    """The lines of a piece, and of the next as far as a quoted field reaches into it."""
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            text = "A quoted field is not closed properly."
            yield Trouble(lines.number, TroubleKind.UNREADABLE_LINE, text)
            row = []
        if row is None:
            return
        if len(row) == width:
            row.append("")
            yield lines.number, pick(row)
        elif row:
            yield _uneven(lines.number, len(row), width)
        if lines.is_between_pieces:
            return


def plain_minors(column: Sequence[str]) -> tuple[list[str], list[int]] | None:
    """Amounts with two decimals in minor units, as digits and as numbers; None unless all of
    them are plain.

    Found with a few steps for the whole column, since a day has millions of them.
    """
    text = "\n".join(column)
    if _PLAIN_AMOUNTS.fullmatch(text) is None:
        return None
    digits = text.replace(".", "").split("\n")
    return digits, list(map(int, digits))


def report_minor(text: str, currency: str) -> int:
    """An amount of a report in minor units; empty is zero. Raises MoneyError.

    Reports may write more decimals than the currency has, as long as they are zeros: ``1000.00``
    of a currency without decimals is 1000. Anything else beyond the minor unit is refused.
    """
    if not text:
        return 0
    whole, point, fraction = text.partition(".")
    places = exponent(currency)
    digits = whole.removeprefix("-")
    if (
        len(fraction) == places
        and len(digits) < _SHORT
        and text.isascii()
        and digits.isdigit()
        and (fraction.isdigit() or not point)
    ):
        # As nearly all are: a day has millions of them.
        return int(whole + fraction)
    if point and len(fraction) > places and not fraction[places:].strip("0"):
        text = f"{whole}.{fraction[:places]}" if places else whole
    return parse_minor(text, currency)


@lru_cache(maxsize=131_072)
def report_time(text: str) -> str:
    """A date or a time of a report as ISO 8601 in UTC; without a zone it is UTC already.

    Raises ValueError for what is none. Remembered, since a day has only so many seconds.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None and len(text) == _PLAIN_TIME:
        return f"{text[:10]}T{text[11:]}+00:00"
    at = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return at.isoformat()


def _uneven(line: int, found: int, wanted: int) -> Trouble:
    text = f"The line has {found} columns where the header has {wanted}."
    return Trouble(line, TroubleKind.UNREADABLE_LINE, text)


class _Lines:
    """Text lines of a stream of bytes; lines that are no UTF-8 are put aside.

    What is not read yet of a piece can be looked at, and skipped.
    """

    def __init__(self, content: Iterable[bytes]) -> None:
        self._chunks = iter(content)
        self._read_so_far = 0
        self._aside: list[Trouble] = []
        self.trouble: Trouble | None = None
        self._pieces = self._read()
        self._piece = ""
        self._place = 0
        self.number = 0
        """Of the line that was read last."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while self.is_between_pieces:
            self._piece, self._place = next(self._pieces), 0
        start, self._place = self._place, self._piece.index("\n", self._place) + 1
        self.number += 1
        return self._piece[start : self._place]

    @property
    def is_between_pieces(self) -> bool:
        """Whether nothing is left of the piece at hand."""
        return self._place == len(self._piece)

    def unread(self) -> str | None:
        """The lines that are left of the piece at hand, or of the next one; None at the end."""
        while self.is_between_pieces:
            piece = next(self._pieces, None)
            if piece is None:
                return None
            self._piece, self._place = piece, 0
        return self._piece[self._place :]

    def skip(self, lines: int) -> None:
        """Go on with the next piece; so many lines were left of this one."""
        self._place = len(self._piece)
        self.number += lines

    def troubles(self) -> list[Trouble]:
        """What was put aside."""
        return self._aside

    def _read(self) -> Iterator[str]:
        """Pieces of whole lines, each with its end."""
        rest = b""
        first = True
        for chunk in self._chunks:
            piece = rest + chunk
            if first and len(piece) >= len(_BOM):
                first = False
                if piece.startswith(_OTHER_ENCODINGS):
                    text = "The file is UTF-16; it must be UTF-8."
                    self.trouble = Trouble(0, TroubleKind.WRONG_ENCODING, text)
                    return
                piece = piece.removeprefix(_BOM)
            end = piece.rfind(b"\n") + 1
            whole, rest = piece[:end], piece[end:]
            if len(rest) > _LONGEST_LINE:
                text = "A line is longer than a mebibyte: no such report."
                self._aside.append(
                    Trouble(self._read_so_far + 1, TroubleKind.NOT_THIS_REPORT, text)
                )
                return
            yield self._decoded(whole)
        if rest.removeprefix(_BOM):
            text = "The file ends in the middle of a line; its last line was not read."
            self._aside.append(Trouble(self._read_so_far + 1, TroubleKind.CUT_OFF, text))

    def _decoded(self, whole: bytes) -> str:
        try:
            text = whole.decode()
        except UnicodeDecodeError:
            return "".join(self._readable(whole))
        self._read_so_far += text.count("\n")
        return text

    def _readable(self, whole: bytes) -> Iterator[str]:
        for line in whole.splitlines(keepends=True):
            self._read_so_far += 1
            try:
                yield line.decode()
            except UnicodeDecodeError:
                text = "The line is not UTF-8."
                self._aside.append(Trouble(self._read_so_far, TroubleKind.WRONG_ENCODING, text))
                yield "\n"
