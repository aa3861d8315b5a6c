"""What moved the balances at the PSPs: the lines that settlement reports are made of.

Written where it happens, in the same transaction; paid out to the bank once a day, for each
account, place (Square's location, Braintree's merchant account) and currency.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from clearhouse.sandbox.agenda import Agenda
from clearhouse.sandbox.truth import Truth

_DAY_US: Final = 86_400_000_000
_COLUMNS: Final = (
    "psp, account, id, kind, source, charge, reference, currency, gross_minor, fee_minor, at,"
    " place, tail, due, payout"
)
_PAGE: Final = 1_000


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One movement of a balance, in ISO minor units; times in microseconds since 1970.

    ``kind`` is Stripe's word for it (``charge``, ``refund``, ``refund_failure``, ``dispute``,
    ``dispute_reversal``, ``payout``, ``payout_reversal``), since it has one for everything.
    ``source`` is the id of what moved it, ``charge`` of the charge that this is about, and
    ``reference`` ours. From ``due`` on it can be paid out; ``payout`` is the one it went with.
    """

    psp: str
    account: str
    id: str
    kind: str
    source: str
    charge: str = ""
    reference: str = ""
    currency: str
    gross_minor: int
    fee_minor: int = 0
    at: int
    place: str = ""
    tail: str = ""
    due: int
    payout: str = ""

    @property
    def net_minor(self) -> int:
        """What is left of it after the fee."""
        return self.gross_minor - self.fee_minor


class Movements:
    """The movements of all accounts; write within ``truth.transaction()``."""

    def __init__(self, truth: Truth, agenda: Agenda) -> None:
        self._truth = truth
        self._agenda = agenda

    def record(self, movement: Movement, *, pays_out: str | None = None) -> None:
        """Write one down. ``pays_out`` is the kind of work on the agenda that pays it out.

        That is noted for the midnight after it is due, once for all that is due by then.
        """
        self._truth.execute(
            f"INSERT INTO movements ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608, E501 - names are ours
            msgspec.structs.astuple(movement),
        )
        if pays_out is None:
            return
        midnight = (movement.due // _DAY_US + 1) * _DAY_US
        payday = (movement.psp, movement.account, movement.place, movement.currency, midnight)
        told = self._truth.execute("INSERT OR IGNORE INTO paydays VALUES (?, ?, ?, ?, ?)", payday)
        if told.rowcount:
            payload = {
                "account": movement.account,
                "place": movement.place,
                "currency": movement.currency,
            }
            self._agenda.at(pays_out, midnight, payload)

    def pay_out(
        self, psp: str, account: str, place: str, currency: str, payout: str, until: int
    ) -> int:
        """Put all that is due by ``until`` into a payout; says its net sum in minor units.

        What adds up to nothing or less is left for the next time, and the answer is 0.
        """
        values = {
            "psp": psp,
            "account": account,
            "place": place,
            "currency": currency,
            "payout": payout,
            "until": until,
        }
        unpaid = (
            "psp = :psp AND account = :account AND payout = '' AND place = :place"
            " AND currency = :currency AND due <= :until"
        )
        total = self._truth.execute(
            f"SELECT coalesce(sum(gross_minor - fee_minor), 0) FROM movements WHERE {unpaid}",  # noqa: S608 - names are ours
            values,
        ).fetchone()[0]
        if total <= 0:
            return 0
        self._truth.execute(f"UPDATE movements SET payout = :payout WHERE {unpaid}", values)  # noqa: S608 - names are ours
        return int(total)

    def mark_paid(self, psp: str, account: str, identifier: str, payout: str) -> None:
        """Say by which payout a movement was paid out, where the PSP decides that by itself."""
        self._truth.execute(
            "UPDATE movements SET payout = ? WHERE psp = ? AND account = ? AND id = ?",
            (payout, psp, account, identifier),
        )

    def withdraw(self, psp: str, account: str, source: str) -> None:
        """Forget what something moved, which was undone before it was paid out."""
        self._truth.execute(
            "DELETE FROM movements WHERE psp = ? AND account = ? AND source = ? AND payout = ''",
            (psp, account, source),
        )

    def between(
        self, psp: str, account: str, start: int, end: int, place: str | None = None
    ) -> Iterator[Movement]:
        """All from one moment to before another, in the order of time."""
        where = "at >= :start AND at < :end AND (:place IS NULL OR place = :place)"
        values: dict[str, object] = {"start": start, "end": end, "place": place}
        return self._walk(psp, account, where, values)

    def of_payout(self, psp: str, account: str, payout: str) -> Iterator[Movement]:
        """All that went with a payout, the payout's own movement among them."""
        return self._walk(psp, account, "payout = :payout", {"payout": payout})

    def all(self, psp: str | None, after: int, limit: int) -> tuple[list[Movement], int | None]:
        """A page of all movements, oldest first, and the ``after`` of the next page."""
        rows = self._truth.execute(
            f"SELECT seq, {_COLUMNS} FROM movements WHERE seq > :after"  # noqa: S608 - names are ours
            " AND (:psp IS NULL OR psp = :psp) ORDER BY seq LIMIT :limit",
            {"after": after, "psp": psp, "limit": limit},
        ).fetchall()
        following = rows[-1][0] if len(rows) == limit else None
        return [_movement(row[1:]) for row in rows], following

    def _walk(
        self, psp: str, account: str, where: str, values: dict[str, object]
    ) -> Iterator[Movement]:
        cursor = self._truth.execute(
            f"SELECT {_COLUMNS} FROM movements WHERE psp = :psp AND account = :account AND {where}"  # noqa: S608 - names are ours
            " ORDER BY at, seq",
            {"psp": psp, "account": account, **values},
        )
        while page := cursor.fetchmany(_PAGE):
            yield from map(_movement, page)


def _movement(row: tuple[object, ...]) -> Movement:
    names = Movement.__struct_fields__
    return msgspec.convert(dict(zip(names, row, strict=True)), Movement)


def day_of(micros: int) -> str:
    """The UTC day of a moment, as reports write it."""
    return f"{moment_of(micros):%Y-%m-%d}"


def moment_of(micros: int) -> datetime:
    """A moment of the truth as a time in UTC."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)


def day_bounds(day: str) -> tuple[int, int]:
    """The first moment of a UTC day and of the next one. Raises ValueError for no date."""
    start = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    micros = int(start.timestamp()) * 1_000_000
    return micros, micros + _DAY_US
