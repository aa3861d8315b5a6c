"""Whether a range of time is closed: nothing in it is on its way any more, in any service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clearhouse.messaging.consumer import Subscription
from clearhouse.postgres.archive import Range, Table
from clearhouse.postgres.connection import Connection
from clearhouse.postgres.queries import load_queries

_SQL: Final = load_queries("clearhouse.upkeep", "closed.sql")


@dataclass(frozen=True, slots=True)
class Finality:
    """When a row of a table that the application changes is final, as SQL over its columns;
    ``words`` name the others to people.
    """

    condition: str
    words: str


FINALITY: Final[Mapping[str, Finality]] = {
    "payments.payment_events": Finality("open_orders = 0", "checkouts that are not done"),
    "payments.payment_orders": Finality(
        "status = 'FAILED' or (status = 'SUCCESS' and ledger_updated and wallet_updated)",
        "orders that are not final and booked",
    ),
    "payments.disputes": Finality(
        "money in ('returned', 'taken') or stage = 'inquiry_closed'", "disputes that are open"
    ),
    "payments.dispute_answers": Finality("finalized_at is not null", "answers to disputes unsent"),
    "payments.attempts": Finality("true", "attempts, which are final with their order"),
    "payments.operations": Finality("finalized_at is not null", "operations that are not final"),
    "payments.pages": Finality("state in ('COMPLETED', 'EXPIRED')", "payment pages that are open"),
    "payments.page_attempts": Finality("true", "attempts, which are final with their page"),
    "wallets.sales": Finality("matured_at is not null", "sales whose money is still pending"),
    "wallets.payouts": Finality(
        "finalized_at is not null", "payouts that are not paid, back or cancelled"
    ),
    "wallets.reserves": Finality("released_at is not null", "reserves that are not released"),
    "webhooks.received": Finality("handled_at is not null", "notices that are not handled"),
    "webhooks.deliveries": Finality("state <> 'waiting'", "webhooks that are not delivered"),
    "webhooks.delivery_tries": Finality("true", "tries, which are final with their delivery"),
}
"""Every partitioned table whose rows change, as far as its service is installed. What is only
inserted is final as it is written; a table that changes and is missing here keeps every range in
which it has rows.
"""

_BETWEEN: Final = {
    "work": "orders that an executor has to do something about",
    "straddling": "orders apart from their checkout",
    "one_sided": "amounts that only one of ledger and wallet knows",
}


async def open_reasons(
    connection: Connection, one: Range, subscriptions: Sequence[Subscription]
) -> tuple[str, ...]:
    """Why a range cannot be archived, in words for people; empty when it is closed.

    ``subscriptions`` are all there are: an event that one of them has not passed stays.
    """
    reasons: list[str] = []

    async def count(sql: str, words: str, *values: object) -> None:
        number = int(await connection.fetchval(sql, *values))
        if number:
            reasons.append(f"{words}: {number:,}")

    for table in one.tables:
        if table.default is not None:
            default = f'"{table.schema}"."{table.default}"'
            words = f"rows of {table.label} in its default partition"
            await count(_stray(default, table), words, one.upper)
        if table.changes:
            rule = FINALITY.get(table.label, _UNKNOWN)
            words = rule.words.format(table=table.label)
            await count(_not_final(table, rule), words, one.lower, one.upper)
    for name, words in _BETWEEN.items():
        await count(_SQL[name], words, one.lower, one.upper)
    for row in await connection.fetch(_SQL["services_with_letters"]):
        words = f"dead letters of {row['schema']} that nobody has resolved"
        sql = _SQL["letters"].replace("{schema}", row["schema"])
        await count(sql, words, one.lower, one.upper)
    for reader in subscriptions:
        words = f"events of {reader.stream.name} unread by {reader.name}"
        await count(_unread(reader), words, one.lower, one.upper, reader.name)
    return tuple(reasons)


_UNKNOWN: Final = Finality("false", "rows of {table}, of which nobody has said when they are final")


def _stray(default: str, table: Table) -> str:
    return _SQL["stray"].replace("{table}", default).replace("{key}", f'"{table.key}"')


def _not_final(table: Table, rule: Finality) -> str:
    sql = _SQL["not_final"].replace("{table}", table.sql).replace("{key}", f'"{table.key}"')
    return sql.replace("{final}", rule.condition)


def _unread(reader: Subscription) -> str:
    sql = _SQL["unread"].replace("{publisher}", reader.stream.name)
    return sql.replace("{consumer}", reader.schema)
