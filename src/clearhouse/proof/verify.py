"""``clearhouse verify``: every invariant over the whole database, set-wise, in one snapshot.

Where PSPs can be asked, their own books are part of it (``psp_books``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from clearhouse.kernel.clock import Clock, SystemClock
from clearhouse.ledger import audit as ledger_audit
from clearhouse.payments import audit as payments_audit
from clearhouse.postgres.archive import books_held
from clearhouse.postgres.audit import Check, CheckResult, check_of, run_check
from clearhouse.postgres.connection import Connection, Pool, row_value
from clearhouse.postgres.queries import load_queries
from clearhouse.proof import psp_books
from clearhouse.proof.psp_books import PspReading, Tell, read_psps
from clearhouse.wallets import audit as wallets_audit

_SQL: Final = load_queries("clearhouse.proof", "audit.sql")
_TITLES: Final = {
    "booked": "An order succeeded if and only if its sale is booked once, to the cent (I3)",
    "credited": "An order succeeded if and only if its seller was credited once, to the cent (I3)",
    "moved": "Every refund, reversal and stray charge is booked once, to the cent",
    "disputes": "Every dispute is booked as its money lies: held, returned or lost",
    "payouts": "Every payout is booked as it took, left and came back, to the cent",
    "reserves": "Every reserve is booked as it was kept and released, to the cent",
    "write_offs": "Every debt that was written off is booked as a loss once, to the cent",
    "wallets": "Every wallet equals its ledger accounts, reserved apart from the rest (I2)",
    "letters": "Nothing was laid aside that nobody has looked at",
}

CHECKS: Final[tuple[Check, ...]] = (
    *payments_audit.CHECKS,
    *ledger_audit.CHECKS,
    *wallets_audit.CHECKS,
    *(
        check_of(
            f"proof.{name}",
            title,
            examined=_SQL[f"{name}_examined"],
            offenders=_SQL[f"{name}_offenders"],
        )
        for name, title in _TITLES.items()
    ),
)
"""All checks of the database, in the order in which people read them."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What was still on its way when the snapshot was taken; no violation.

    Orders by where they are, ``operations`` (captures, voids and refunds), and ``payouts``.
    """

    not_started: int
    executing: int
    booking: int
    operations: int = 0
    payouts: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.not_started + self.executing + self.booking + self.operations + self.payouts


@dataclass(frozen=True, slots=True)
class Verdict:
    """What ``verify`` found. The books hold if and only if ``violations`` is zero.

    ``psps`` says of each PSP whether its own books were compared; empty when none was to be.
    """

    results: tuple[CheckResult, ...]
    unfinished: Unfinished
    psps: tuple[PspReading, ...] = ()

    @property
    def violations(self) -> int:
        """The number of offending rows over all checks."""
        return sum(result.violations for result in self.results)

    @property
    def holds(self) -> bool:
        """True when every promise is kept."""
        return self.violations == 0


async def verify(
    pool: Pool,
    *,
    checks: Sequence[Check] = CHECKS,
    psps: Mapping[str, object] | None = None,
    since: datetime | None = None,
    clock: Clock | None = None,
    progress: Callable[[CheckResult], None] = lambda _: None,
    tell: Tell = lambda _psp, _charges, _until: None,
) -> Verdict:
    """Run all checks in one read-only snapshot, so that they agree with each other.

    ``pool`` must be opened with ``scans=True``: whole tables are read. ``psps`` are adapters
    by name, whose books are read before the snapshot is taken (``since``: for orders accepted
    from then on, in UTC); None leaves the PSPs out. ``progress`` hears of each check as it
    ends, ``tell`` of the reading. Writers are not disturbed; archiving waits.
    """
    async with pool.acquire() as connection, books_held(connection):
        readings: list[PspReading] = []
        if psps is not None:
            readings = await read_psps(
                connection, clock or SystemClock(), psps, since=since, tell=tell
            )
        wanted = [*checks]
        if any(reading.asked for reading in readings):
            wanted += psp_books.CHECKS
        results: list[CheckResult] = []
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            for check in wanted:
                result = await run_check(connection, check)
                results.append(result)
                progress(result)
            return Verdict(tuple(results), await _unfinished(connection), tuple(readings))


async def _unfinished(connection: Connection) -> Unfinished:
    row = await connection.fetchrow(_SQL["unfinished"])
    return Unfinished(**{each.name: row_value(row, each.name) for each in fields(Unfinished)})
