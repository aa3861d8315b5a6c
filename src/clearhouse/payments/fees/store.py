"""The database side of fees: months that are counted, plans, and who has which."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from clearhouse.payments.fees.model import Assignment, FeeTerms, Month, PlanVersion, Tier
from clearhouse.payments.fees.rule import ids_of
from clearhouse.postgres.connection import Connection, Pool
from clearhouse.postgres.queries import load_queries

Reader: TypeAlias = "Pool | Connection"
"""What can be read from: any connection, or a pool that lends one."""

QUERIES: Final = load_queries("clearhouse.payments.fees")
_COUNTED_FOR: Final = timedelta(days=400)


def terms_of(row: asyncpg.Record) -> FeeTerms:
    """The terms in a row of a version, or of an order that a version counts for."""
    tiers = zip(
        row["tier_from"] or (),
        row["tier_basis_points"] or (),
        row["tier_fixed_minor"] or (),
        strict=True,
    )
    return FeeTerms(
        row["basis_points"],
        row["fixed_minor"],
        row["minimum_minor"],
        row["cap_minor"],
        tuple(Tier(*tier) for tier in tiers),
    )


async def count_volumes(
    connection: Connection, sales: Sequence[tuple[Month, int]], missing: Collection[Month]
) -> dict[Month, int]:
    """Count sales, in the caller's transaction; what each month had sold before them.

    ``missing`` are months that nobody has counted yet. Who counts the same month meanwhile waits.
    """
    if missing:
        bounds = {month: ids_of(month) for month in missing}
        await connection.execute(
            QUERIES["start_volumes"],
            *_columns(bounds),
            [first for first, _ in bounds.values()],
            [beyond for _, beyond in bounds.values()],
        )
    added: dict[Month, int] = {}
    for month, minor in sales:
        added[month] = added.get(month, 0) + minor
    rows = await connection.fetch(QUERIES["count_volumes"], *_columns(added), list(added.values()))
    return {
        Month(row["seller_account"], row["currency"], row["month"]): row["before_minor"]
        for row in rows
    }


async def volume_of(reader: Reader, month: Month) -> int | None:
    """What was sold in a month so far; None where it is not counted."""
    found: int | None = await reader.fetchval(
        QUERIES["volume_of"], month.seller_account, month.currency, month.begins
    )
    return found


async def forget_volumes(pool: Pool) -> None:
    """Forget what was sold in months so old that nothing accepted then is on its way any more."""
    await pool.execute(QUERIES["forget_volumes"], _COUNTED_FOR)


async def add_version(connection: Connection, one: PlanVersion) -> None:
    """Write a version down, under the number that ``next_version`` gave."""
    tiers = one.terms.tiers
    await connection.execute(
        QUERIES["add_version"],
        one.version_id,
        one.plan,
        one.currency,
        one.version,
        one.valid_from,
        one.terms.basis_points,
        one.terms.fixed_minor,
        one.terms.minimum_minor,
        one.terms.cap_minor,
        [tier.from_minor for tier in tiers] or None,
        [tier.basis_points for tier in tiers] or None,
        [tier.fixed_minor for tier in tiers] or None,
        one.set_at,
        one.set_by,
        one.reason,
    )


async def next_version(connection: Connection, plan: str, currency: str) -> int:
    """The next number of a plan's versions in a currency; nobody else gets it meanwhile."""
    await connection.execute(QUERIES["one_at_a_time"])
    number: int = await connection.fetchval(QUERIES["next_version"], plan, currency)
    return number


async def add_assignment(connection: Connection, one: Assignment) -> None:
    """Write down which plan a seller has from a moment on."""
    await connection.execute(
        QUERIES["add_assignment"],
        one.assignment_id,
        one.seller_account,
        one.plan,
        one.valid_from,
        one.set_at,
        one.set_by,
        one.reason,
    )


async def plan_exists(reader: Reader, plan: str) -> bool:
    """Whether a plan has any version, begun or not."""
    return bool(await reader.fetchval(QUERIES["plan_exists"], plan))


async def versions_of(reader: Reader, plan: str) -> list[PlanVersion]:
    """All versions of a plan, by currency, oldest first."""
    return [_version(row) for row in await reader.fetch(QUERIES["versions_of"], plan)]


async def version(reader: Reader, version_id: UUID) -> PlanVersion | None:
    """One version."""
    row = await reader.fetchrow(QUERIES["version"], version_id)
    return None if row is None else _version(row)


async def version_at(
    reader: Reader, seller_account: str, currency: str, moment: datetime
) -> PlanVersion | None:
    """The version for a payment that is accepted at a moment; None for the default fee."""
    row = await reader.fetchrow(QUERIES["version_at"], seller_account, currency, moment)
    return None if row is None else _version(row)


async def plans_at(reader: Reader, moment: datetime) -> list[PlanVersion]:
    """What each plan says of each currency at a moment, or will say first."""
    return [_version(row) for row in await reader.fetch(QUERIES["plans_at"], moment)]


async def sellers_at(reader: Reader, moment: datetime) -> Mapping[str, int]:
    """How many sellers have each plan of their own at a moment."""
    rows = await reader.fetch(QUERIES["sellers_at"], moment)
    return {row["plan"]: row["sellers"] for row in rows}


async def assignments_of(reader: Reader, seller_account: str) -> list[Assignment]:
    """All plans that a seller ever had or will have, oldest first."""
    rows = await reader.fetch(QUERIES["assignments_of"], seller_account)
    return [Assignment(*row) for row in rows]


async def order_fee(reader: Reader, payment_order_id: str) -> asyncpg.Record | None:
    """An order as far as its fee is concerned."""
    return await reader.fetchrow(QUERIES["order_fee"], payment_order_id)


def _version(row: asyncpg.Record) -> PlanVersion:
    return PlanVersion(
        version_id=row["version_id"],
        plan=row["plan"],
        currency=row["currency"],
        version=row["version"],
        valid_from=row["valid_from"],
        terms=terms_of(row),
        set_at=row["set_at"],
        set_by=row["set_by"],
        reason=row["reason"],
    )


def _columns(months: Collection[Month]) -> tuple[list[str], list[str], list[date]]:
    return (
        [month.seller_account for month in months],
        [month.currency for month in months],
        [month.begins for month in months],
    )
