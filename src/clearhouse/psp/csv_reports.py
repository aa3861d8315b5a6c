"""CSV reports read as a stream: columns by name, lines that cannot be read told one by one.

Why a file that does not end in a line feed is cut off: reports do end so, and a last amount of
``12.3`` may have been ``12.34``. Its last line is told as a trouble, and comes with the whole file.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Final

from clearhouse.kernel.money import exponent, parse_minor
from clearhouse.psp.settlements import Trouble, TroubleKind

_BOM: Final = b"\xef\xbb\xbf"
_OTHER_ENCODINGS: Final = (b"\xff\xfe", b"\xfe\xff")
_LONGEST_LINE: Final = 1 << 20
_SHORT: Final = 13
_PLAIN_TIME: Final = len("2026-11-21 12:00:00")

Row = tuple[int, tuple[str, ...]]
"""The number of a line, from 1 with the header, and the wanted columns in the wanted order."""


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
    while True:
        try:
            for row in reader:
                if len(row) != width:
                    if row:
                        yield _uneven(reader.line_num, len(row), width)
                    continue
                row.append("")
                yield reader.line_num, pick(row)
        except csv.Error:
            yield Trouble(
                reader.line_num,
                TroubleKind.UNREADABLE_LINE,
                "A quoted field is not closed properly.",
            )
            continue
        yield from lines.troubles()
        return


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
    """Text lines of a stream of bytes; lines that are no UTF-8 are put aside."""

    def __init__(self, content: Iterable[bytes]) -> None:
        self._chunks = iter(content)
        self._number = 0
        self._aside: list[Trouble] = []
        self.trouble: Trouble | None = None
        self._lines = self._read()

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def troubles(self) -> list[Trouble]:
        """What was put aside."""
        return self._aside

    def _read(self) -> Iterator[str]:
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
                self._aside.append(Trouble(self._number + 1, TroubleKind.NOT_THIS_REPORT, text))
                return
            yield from self._decoded(whole)
        if rest.removeprefix(_BOM):
            text = "The file ends in the middle of a line; its last line was not read."
            self._aside.append(Trouble(self._number + 1, TroubleKind.CUT_OFF, text))

    def _decoded(self, whole: bytes) -> Iterator[str]:
        try:
            lines = io.StringIO(whole.decode(), newline="\n").readlines()
        except UnicodeDecodeError:
            for line in whole.splitlines(keepends=True):
                self._number += 1
                try:
                    yield line.decode()
                except UnicodeDecodeError:
                    text = "The line is not UTF-8."
                    self._aside.append(Trouble(self._number, TroubleKind.WRONG_ENCODING, text))
                    yield "\n"
            return
        self._number += len(lines)
        yield from lines
