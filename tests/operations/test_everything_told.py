"""All that a PSP tells of one charge, shuffled and repeated: the end is always the same.

Fifty notifications of a charge, of refunds made in the PSP's dashboard, of one that the bank sent
back, and of a dispute, in any order, in batches of any size. Those that come before what they are
about wait and are told again, as parked webhooks are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.operations.desk import CLOCK, IDS, Desk, usd
from tests.payments.rooms import POLICY
from tests.proof.flow import consume, pay
from tests.proof.test_money_back import findings

from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.payments.disputes.learning import DisputeLearning
from clearhouse.payments.disputes.model import BorneBy
from clearhouse.payments.fees.model import DefaultFee
from clearhouse.payments.learning import LearningService, RaisedStrays
from clearhouse.payments.notices import Missing, NoticeService
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.psp.contract import Pending, PendingReason, PspOutcome, Succeeded
from clearhouse.psp.disputes import DisputeFacts, DisputeStage
from clearhouse.psp.notices import (
    ChargeNotice,
    DisputeNotice,
    Notice,
    Notification,
    RefundNotice,
)
from clearhouse.psp.operations import Done, OperationOutcome, RefusalReason, Refused, Waiting

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
MOST = 50
BANK = Refused(RefusalReason.REJECTED_BY_BANK, "account_closed")


@dataclass(frozen=True)
class Story:
    """What happened to one order at its PSP, and how it is told: ``charge`` names all of it."""

    charge: str

    def paid(self) -> list[Notice]:
        outcomes: list[PspOutcome] = [
            Pending(PendingReason.PROCESSING, self.charge),
            Succeeded(self.charge, usd(1000)),
        ]
        return [ChargeNotice(self.charge, one) for one in outcomes]

    def refund(self, name: str, amount: int, *outcomes: OperationOutcome) -> list[Notice]:
        reference = f"{name}_{self.charge}"
        return [RefundNotice(reference, self.charge, usd(amount), one) for one in outcomes]

    def returned(self) -> list[Notice]:
        """A refund that is done, and one that the bank sends back after it was done."""
        kept, lost = f"rf1_{self.charge}", f"rf2_{self.charge}"
        return [
            *self.refund("rf1", 200, Waiting(kept), Done(kept, usd(200))),
            *self.refund("rf2", 150, Waiting(lost), Done(lost, usd(150)), BANK),
        ]

    def disputed(self, *stages: str) -> list[Notice]:
        return [
            DisputeNotice(
                DisputeFacts(
                    f"du_{self.charge}", self.charge, usd(500), DisputeStage(stage), "fraudulent"
                )
            )
            for stage in stages
        ]

    def told(self, *ends: str) -> list[Notification]:
        notices = [*self.paid(), *self.returned(), *self.disputed(*ends)]
        return [
            Notification((one,), NOON + timedelta(hours=hour)) for hour, one in enumerate(notices)
        ]


class World:
    """One order at a time, heard of by webhooks only."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        learning = LearningService(
            CLOCK,
            SystemRandomness(),
            policy=POLICY,
            default_fee=DefaultFee(290, {"USD": 30}),
            strays=RaisedStrays(),
        )
        self.notices = NoticeService(
            learning,
            refunds=Desk(pool).learning,
            disputes=DisputeLearning(CLOCK, IDS, BorneBy.SELLER),
        )

    async def hear(self, batch: Sequence[Notification]) -> list[Missing | None]:
        async def work(connection: Connection) -> list[Missing | None]:
            return await self.notices.take(connection, "stripe", batch)

        return await in_transaction(self.pool, CLOCK, work)

    async def hear_all(self, told: Sequence[Notification], sizes: Sequence[int]) -> None:
        """In batches of these sizes, in turn; what comes too early waits for the next round."""
        waiting, turn = list(told), 0
        while waiting:
            early: list[Notification] = []
            before = len(waiting)
            while waiting:
                size = sizes[turn % len(sizes)]
                batch, waiting, turn = waiting[:size], waiting[size:], turn + 1
                answers = await self.hear(batch)
                early += [one for one, it in zip(batch, answers, strict=True) if it is not None]
            assert len(early) < before, "nothing more can be taken"
            waiting = early

    async def end(self, order: str) -> tuple[object, ...]:
        """All that is known of it in the end, without names."""
        [row] = await self.pool.fetch(
            "select order_id, status, status_reason, captured_minor, refunded_minor,"
            " disputed_minor, reversed_at is not null from payments.payment_orders"
            " where payment_order_id = $1",
            order,
        )
        order_id = row["order_id"]
        operations = await self.pool.fetch(
            "select kind, status, reason, amount_minor from payments.operations"
            " where order_id = $1 order by amount_minor",
            order_id,
        )
        disputes = await self.pool.fetch(
            "select stage, amount_minor from payments.disputes where order_id = $1", order_id
        )
        lines = await self.pool.fetch(
            "select account, sum(change_minor)::bigint as minor from ledger.postings"
            " where reference = $1 or reference in"
            " (select public_id from payments.operations where order_id = $2"
            "  union all select public_id from payments.disputes where order_id = $2)"
            " group by account having sum(change_minor) <> 0 order by account",
            order,
            order_id,
        )
        return (tuple(row)[1:], *(tuple(map(tuple, one)) for one in (operations, disputes, lines)))


@pytest.fixture
def world(pool: Pool) -> World:
    return World(pool)


_numbers = count(1)


@settings(
    max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.sampled_from([("needs_response", "under_review", end) for end in ("won", "lost")]),
    st.lists(st.integers(1, 12), min_size=1, max_size=5),
    st.data(),
)
async def test_any_order_and_number_of_everything_ends_alike(
    world: World, database: str, ends: tuple[str, ...], sizes: list[int], data: st.DataObject
) -> None:
    names = [f"told{next(_numbers)}" for _ in range(2)]
    await pay(world.pool, names, held=frozenset(names))
    straight, shuffled = (Story(f"pi_{name}-0").told(*ends) for name in names)
    repeats = st.lists(
        st.integers(0, len(straight) - 1),
        min_size=MOST - len(straight),
        max_size=MOST - len(straight),
    )
    places = data.draw(st.permutations([*range(len(straight)), *data.draw(repeats)]))
    await world.hear_all(straight, [1])
    await world.hear_all([shuffled[place] for place in places], sizes)
    await consume(world.pool)
    first, second = [await world.end(f"{name}-0") for name in names]
    assert first == second
    assert await findings(database) == {}
    assert await world.pool.fetch("select error from payments.dead_letters") == []
