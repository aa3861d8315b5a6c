"""Named checks over a whole service: how many rows were looked at, and which break a promise.

Why in SQL, set-wise: a promise is kept by every row or by none, and five million rows are
read in seconds where they lie.
"""

from dataclasses import dataclass
from typing import Final

from clearhouse.postgres.connection import Connection, row_value

SHOWN: Final = 20
"""How many offenders a result names; the count has them all."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise. ``sql_count`` returns one row with ``examined`` and ``violations``;
    ``sql_offenders`` takes a limit as ``$1`` and returns rows with a text ``offender``.
    """

    name: str
    title: str
    sql_count: str
    sql_offenders: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found: the promise holds if and only if ``violations`` is zero."""

    name: str
    title: str
    examined: int
    violations: int
    offenders: list[str]


def check_of(name: str, title: str, *, examined: str, offenders: str) -> Check:
    """A check from two queries fixed in the code: a count, and all rows that offend."""
    return Check(
        name,
        title,
        f"select ({examined}) as examined, (select count(*) from ({offenders}) o) as violations",  # noqa: S608 - from the room's own SQL file
        f"select offender from ({offenders}) o limit $1",  # noqa: S608 - the same
    )


async def run_check(connection: Connection, check: Check) -> CheckResult:
    """Run one check; names at most SHOWN offenders. For several checks that must agree with each
    other, hand in a connection inside one REPEATABLE READ transaction.
    """
    row = await connection.fetchrow(check.sql_count)
    violations = int(row_value(row, "violations"))
    rows = await connection.fetch(check.sql_offenders, SHOWN) if violations else []
    return CheckResult(
        check.name,
        check.title,
        int(row_value(row, "examined")),
        violations,
        [row["offender"] for row in rows],
    )
