"""The lines of a report as text for COPY: one piece is read while the last one is sent."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from datetime import date
from typing import Final

from clearhouse.postgres.connection import Connection
from clearhouse.psp.settlements import LineBlock, LineKind, SettlementLine, Trouble, TroubleKind
from clearhouse.reconciliation.files import SourceFile, Tell
from clearhouse.reconciliation.matching import FACT_KINDS, Cause, judge_alone

_PIECE: Final = 1 << 18
_COLUMNS: Final = (
    *("line_key", "kind", "verdict", "found_by", "reference", "charge_reference", "order_hint"),
    *("currency", "gross_minor", "fee_minor", "occurred_at", "occurred_on", "settlement"),
    "card_tail",
)
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_DAY: Final = len("2026-11-21")


def _plainly(kind: LineKind) -> str:
    """A kind, and what such a line is when nothing contradicts it: verdict and how it was found."""
    if kind in FACT_KINDS:
        return f"{kind.value}\tmatched\treference"
    cause: Cause | None = judge_alone(_example(kind), None, charge_is_known=False)
    return f"{kind.value}\t{cause.word if cause else 'stands_alone'}\t\\N"


def _example(kind: LineKind) -> SettlementLine:
    return SettlementLine("", kind, "", "", "", "", 0, 0, "", "", "")


_KINDS: Final = {kind: _plainly(kind) for kind in LineKind}


class LineSource:
    """The lines of one file; counts them with their days, and puts troubles aside."""

    def __init__(
        self,
        content: Iterable[LineBlock | SettlementLine | Trouble],
        file: SourceFile,
        tell: Tell,
    ) -> None:
        self._content = content
        self._tell = tell
        self._days: set[str] = set()
        self.file = file

    @property
    def days(self) -> list[date]:
        """The days of the lines that were read, sorted."""
        return [date.fromisoformat(day) for day in sorted(self._days)]

    async def copy(self, connection: Connection, table: str, *, is_new: bool = False) -> None:
        """Write all lines into a table that has their columns.

        ``is_new`` says that this transaction made it: its rows then need no second look by the
        server, since whoever sees the table sees all of them.
        """
        schema = "reconciliation" if is_new else None
        await connection.copy_to_table(
            table,
            schema_name=schema,
            source=self._pieces(),
            columns=_COLUMNS,
            format="text",
            freeze=is_new,
        )

    async def _pieces(self) -> AsyncIterator[bytes]:
        texts = self._texts()
        ahead = asyncio.ensure_future(asyncio.to_thread(next, texts, None))
        try:
            while (text := await ahead) is not None:
                ahead = asyncio.ensure_future(asyncio.to_thread(next, texts, None))
                self._tell(self.file.lines)
                yield text
        finally:
            # A thread that reads cannot be stopped; it ends with its piece.
            with suppress(Exception):
                await ahead

    def _texts(self) -> Iterator[bytes]:
        """Pieces of some hundred kilobytes."""
        parts: list[str] = []
        size = rows = 0
        for one in self._content:
            if isinstance(one, Trouble):
                self.file.put_aside(one)
                continue
            if isinstance(one, LineBlock):
                text, count = self._block(one), len(one.keys)
            else:
                text, count = _row(one), 1
                self._days.add(one.occurred_at[:_DAY])
            if "\0" in text:
                problem = "The line holds a zero byte."
                self.file.put_aside(Trouble(0, TroubleKind.UNREADABLE_LINE, problem))
                continue
            parts.append(text)
            size += len(text)
            rows += count
            if size >= _PIECE:
                self.file.lines += rows
                yield "".join(parts).encode()
                parts, size, rows = [], 0, 0
        if parts:
            self.file.lines += rows
            yield "".join(parts).encode()

    def _block(self, block: LineBlock) -> str:
        moments = {at: f"{at}\t{at[:_DAY]}" for at in set(block.occurred_ats)}
        self._days.update({at[:_DAY] for at in moments})
        rows = zip(
            block.keys,
            map(_KINDS.__getitem__, block.kinds),
            *block[2:8],
            map(moments.__getitem__, block.occurred_ats),
            *block[9:],
            strict=True,
        )
        return "\n".join(map("\t".join, rows)) + "\n"


def _row(line: SettlementLine) -> str:
    (key, kind, reference, charge, hint, currency, gross, fee, at, settlement, tail) = line
    told = (key, reference, charge, hint, currency, settlement, tail)
    if any(mark in field for field in told for mark in "\\\t\n\r"):
        escaped = (field.translate(_ESCAPES) for field in told)
        key, reference, charge, hint, currency, settlement, tail = escaped
    return (
        f"{key}\t{_KINDS[kind]}\t{reference}\t{charge}\t{hint}\t{currency}\t{gross}\t{fee}"
        f"\t{at}\t{at[:_DAY]}\t{settlement}\t{tail}\n"
    )
