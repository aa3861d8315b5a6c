"""Alerts: told when too much does not agree or for too long, once for a day and cause."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.reconciliation.days import DAY, charge_of, report, sold, store
from tests.workers.test_nightly import Night, ToldPsp

from clearhouse.messaging.events import ReconciliationAlert
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.reconciliation.alerts import AlertKind, Limits, alerts_of
from clearhouse.reconciliation.matching import Cause
from clearhouse.reconciliation.report import Figures, OpenBreaks, Report
from clearhouse.webhooks.outgoing.messages import message_of

TODAY = DAY + timedelta(days=9)
LIMITS = Limits(basis_points=10, age_days=3)
FIGURES = Figures("stripe", "USD", 10, 9, 99_900, 0, 0, 0, 0, 0, 100)
"""Ten basis points, which is the limit and not above it."""
OLD = OpenBreaks("stripe", Cause.BANK_SHORT, "USD", 2, 500, DAY, 9)


def a_report(figures: list[Figures], breaks: list[OpenBreaks]) -> Report:
    return Report(DAY, DAY, TODAY, tuple(figures), tuple(breaks), (), ())


MORE = replace(FIGURES, unmatched_minor=101)
LATER = replace(OLD, cause=Cause.NOT_SETTLED_YET)
# fmt: off
CASES = [
    # figures                           breaks                        what is told
    ([FIGURES],                         [],                           []),
    ([MORE],                            [],              [("unmatched_value", "", DAY, 11)]),
    ([replace(MORE, psp="square")],     [],                           []),
    ([],                                [OLD],             [("age", "bank_short", TODAY, 9)]),
    ([],                                [replace(OLD, age_days=3)],   []),
    ([],                                [replace(OLD, psp="")],       []),
    ([],                                [LATER],                      []),
]
# fmt: on


@pytest.mark.parametrize(("figures", "breaks", "told"), CASES)
def test_what_is_above_its_limit_is_told(
    figures: list[Figures], breaks: list[OpenBreaks], told: list[tuple[str, str, date, int]]
) -> None:
    found = alerts_of(a_report(figures, breaks), "stripe", LIMITS)
    assert [(one.kind.value, one.cause, one.day, one.over) for one in found] == told


async def test_a_night_tells_once_and_again_on_the_next_day_what_is_still_old(
    pool: Pool, owner: PlainConnection, tmp_path: Path
) -> None:
    orders = sold(10)
    await store(owner, orders)
    wrong = replace(charge_of(orders[0]), gross=orders[0].amount_minor + 9_000)
    lines = [wrong, *(charge_of(order) for order in orders[1:])]
    night = Night(pool, tmp_path, ToldPsp({DAY: report(lines)}))

    async def told() -> list[ReconciliationAlert]:
        rows = await pool.fetch(
            "select payload from reconciliation.outbox where type = 'reconciliation.alert'"
            " order by position"
        )
        return [msgspec.json.decode(row["payload"], type=ReconciliationAlert) for row in rows]

    for _ in range(2):
        await night.job.round()
        await night.another(6).round()
    [first] = await told()
    assert (first.kind, first.day, first.amount_minor) == ("unmatched_value", str(DAY), 9_000)
    assert first.basis_points is not None
    assert first.basis_points > first.limit == 10

    for days in (5, 6):
        night.clock.at += timedelta(days=days)
        for _ in range(2):
            await night.job.round()
    later = (await told())[1:]
    assert [(one.kind, one.cause) for one in later] == [("age", "amount_differs")] * 2
    assert len({one.day for one in later}) == 2
    message = message_of(later[0])
    assert message is not None
    assert (message.type, message.seller_account) == ("reconciliation.alert", None)
    assert AlertKind.AGE in message.payload
