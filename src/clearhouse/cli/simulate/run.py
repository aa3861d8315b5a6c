"""A whole simulation: day by day, checked at the end of every month, summed up at its end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from clearhouse.cli.simulate.checking import Findings, check
from clearhouse.cli.simulate.time import DAY
from clearhouse.cli.simulate.town import open_town
from clearhouse.cli.simulate.year import Year
from clearhouse.kernel.money import Money
from clearhouse.ledger.funds import Funds
from clearhouse.postgres.connection import open_pool


@dataclass(frozen=True, slots=True)
class Month:
    """Where things stand at the end of a month, counted from the first day on."""

    ends: date
    payments: int
    refunds: int
    disputes: int
    payouts: int
    came_back: int
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a simulation came to; every cent is accounted for if there are no ``faults``."""

    days: int
    seed: int
    months: tuple[Month, ...]
    funds: tuple[Funds, ...]
    written_off: tuple[tuple[str, Money], ...]

    @property
    def faults(self) -> list[str]:
        """All that did not agree, at the end of any month."""
        return [fault for month in self.months for fault in month.faults]


async def run(
    url: str,
    directory: Path,
    *,
    begins: date,
    days: int,
    seed: int,
    each_day: Callable[[date], None] = lambda _: None,
    each_month: Callable[[Month], None] = lambda _: None,
) -> Outcome:
    """Simulate ``days`` days on an empty, migrated database.

    ``directory`` keeps the encryption key. Raises UnavailableError.
    """
    months: list[Month] = []
    scans = await open_pool(url, size=1, name="verify", scans=True)
    try:
        async with open_town(url, directory, seed=seed, begins=begins) as town:
            year = Year(town, begins, days)
            await year.open()
            found: Findings | None = None
            for number in range(days):
                day = begins + number * DAY
                each_day(day)
                await year.live(day)
                if (day + DAY).day == 1 or number == days - 1:
                    found = await check(town, year, scans)
                    months.append(_month(day, year, found))
                    each_month(months[-1])
            assert found is not None
            written_off = tuple(year.counts.written_off)
            return Outcome(days, seed, tuple(months), found.funds, written_off)
    finally:
        await scans.close()


def _month(day: date, year: Year, found: Findings) -> Month:
    counts = year.counts
    return Month(
        day, counts.payments, counts.refunds, counts.disputes, found.payouts, found.came_back,
        found.faults,
    )  # fmt: skip
