"""Fee plans over a real database: which version counts, how volumes are counted, what is kept."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from tests.payments.rooms import BODY, KEY, LIMITS, NO_RULES, execution_service, settlement
from tests.wallets.days import Days

from clearhouse.kernel.errors import ConfigurationError, NotFound
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.money import Money
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.payments.audit import CHECKS
from clearhouse.payments.fees.model import EVERYONE, DefaultFee, FeeTerms, Tier
from clearhouse.payments.fees.service import Explained, FeeDesk
from clearhouse.payments.fees.store import forget_volumes
from clearhouse.payments.intake import IntakeService
from clearhouse.payments.model import Intake, NewOrder, NewPayment
from clearhouse.postgres.audit import run_check
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.psp.contract import Succeeded

DAY = timedelta(days=1)
START = datetime(2026, 3, 10, 12, tzinfo=UTC)
STEPPED = FeeTerms(300, tiers=(Tier(10_000, 200, 0), Tier(30_000, 100, 0)))


class Shop:
    """Sells under a clock that is moved, and asks what the fees were."""

    def __init__(self, pool: Pool, now: datetime = START) -> None:
        self.pool = pool
        self.clock = Days(now)
        ids = Ids(self.clock, SystemRandomness())
        self.desk = FeeDesk(pool, self.clock, ids, DefaultFee(290, {"USD": 30}))
        lifetime = timedelta(hours=24)
        self._intake = IntakeService(
            pool, self.clock, ids, idempotency_lifetime=lifetime, router=NO_RULES
        )
        self._execution = execution_service(pool)

    async def accept(
        self, name: str, *amounts: int, seller: str = "ann", code: str = "USD"
    ) -> None:
        orders = tuple(
            NewOrder(f"{name}-{n}", seller, Money(amount, code)) for n, amount in enumerate(amounts)
        )
        payment = NewPayment(name, "stripe", "pm_card_visa", "{}", orders)
        event = self._intake.prepare(payment)
        await self._intake.accept(Intake(KEY, name, BODY, payment, event, b"answer"))

    async def pay(self) -> None:
        """All that is accepted is paid, each order in a transaction of its own."""
        for order in await self._execution.claim("stripe", LIMITS, 100):
            paid = Succeeded(f"pi_{order.payment_order_id}", order.amount)
            await self._execution.settle(settlement(order, paid))

    async def sell(self, name: str, *amounts: int, seller: str = "ann", code: str = "USD") -> int:
        """The fee of the first order of a checkout that is accepted and paid at once."""
        await self.accept(name, *amounts, seller=seller, code=code)
        await self.pay()
        return await self.fee(f"{name}-0")

    async def fee(self, order: str) -> int:
        found = (await self.desk.explain(order)).fee_minor
        assert found is not None
        return found

    async def explained(self, order: str) -> Explained:
        return await self.desk.explain(order)

    async def plan(
        self, name: str, terms: FeeTerms, currency: str = "USD", at: datetime | None = None
    ) -> None:
        await self.desk.set_plan(name, currency, terms, by="eve", reason="agreed", valid_from=at)

    async def assign(self, seller: str, plan: str | None, at: datetime | None = None) -> None:
        await self.desk.assign(seller, plan, by="eve", reason="agreed", valid_from=at)


@pytest.mark.parametrize(
    ("plans", "assigned", "fee"),
    [
        ([], [], 59),
        ([("one", "USD", 7)], [], 59),
        ([("one", "USD", 7)], [("ann", "one")], 7),
        ([("one", "EUR", 7)], [("ann", "one")], 59),
        ([("one", "", 7)], [("ann", "one")], 7),
        ([("one", "", 7), ("one", "USD", 8)], [("ann", "one")], 8),
        ([("one", "USD", 7)], [("bob", "one")], 59),
        ([("one", "USD", 7)], [(EVERYONE, "one")], 7),
        ([("one", "USD", 7), ("two", "USD", 8)], [(EVERYONE, "one"), ("ann", "two")], 8),
        ([("one", "USD", 7), ("two", "EUR", 8)], [(EVERYONE, "one"), ("ann", "two")], 7),
        ([("one", "USD", 7), ("two", "USD", 8)], [("ann", "one"), ("ann", "two")], 8),
        ([("one", "USD", 7), ("one", "USD", 8)], [("ann", "one")], 8),
        ([("one", "USD", 7)], [("ann", "one"), ("ann", None)], 59),
        ([("one", "USD", 7)], [(EVERYONE, "one"), ("ann", "one"), ("ann", None)], 7),
    ],
)  # fmt: skip
async def test_the_most_particular_version_counts(
    pool: Pool,
    plans: list[tuple[str, str, int]],
    assigned: list[tuple[str, str | None]],
    fee: int,
) -> None:
    shop = Shop(pool)
    for name, currency, fixed in plans:
        shop.clock.pass_days(0.001)
        await shop.plan(name, FeeTerms(0, fixed), currency)
    for seller, plan in assigned:
        shop.clock.pass_days(0.001)
        await shop.assign(seller, plan)
    assert await shop.sell("a", 1_000) == fee


async def test_what_counted_when_a_payment_was_accepted_counts(pool: Pool) -> None:
    shop = Shop(pool)
    await shop.accept("early", 1_000)
    shop.clock.pass_days(1)
    await shop.plan("one", FeeTerms(0, 5))
    await shop.plan("one", FeeTerms(0, 6), at=START + 3 * DAY)
    await shop.assign("ann", "one")
    await shop.accept("middle", 1_000)
    await shop.assign("ann", None, at=START + 5 * DAY)
    shop.clock.pass_days(2)
    await shop.accept("late", 1_000)
    shop.clock.pass_days(2)
    await shop.accept("after", 1_000)
    await shop.pay()
    fees = [await shop.fee(f"{name}-0") for name in ("early", "middle", "late", "after")]
    assert fees == [59, 5, 6, 59]
    versions = [
        one.version.version if (one := await shop.explained(f"{name}-0")).version else None
        for name in ("early", "middle", "late", "after")
    ]
    assert versions == [None, 1, 2, None]


async def test_volumes_are_counted_by_the_month_of_acceptance(pool: Pool) -> None:
    shop = Shop(pool)
    # Before the plan, another seller, another currency: only the first is in ann's volume.
    await shop.sell("before", 4_000)
    await shop.sell("bob", 50_000, seller="bob")
    await shop.sell("euros", 50_000, code="EUR")
    shop.clock.pass_days(1)
    await shop.plan("steps", STEPPED)
    await shop.assign("ann", "steps")
    assert await shop.sell("a", 5_000) == 150
    assert (await shop.explained("a-0")).volume_minor == 4_000
    assert await shop.sell("b", 1_000) == 30
    # The volume has reached 100.00 by the sale before; a batch's sales meet each other.
    assert await shop.sell("c", 20_000, 1_000, 1_000) == 400
    await shop.accept("waits", 1_000)
    shop.clock.pass_days(30)
    assert await shop.sell("april", 1_000) == 30
    assert (await shop.explained("april-0")).volume_minor == 0
    explained = [await shop.explained(name) for name in ("c-0", "c-1", "c-2", "waits-0")]
    assert sorted(one.volume_minor or 0 for one in explained) == [10_000, 30_000, 31_000, 32_000]
    assert {one.fee_minor for one in explained[1:]} == {10}
    rows = await pool.fetch("select seller_account, month, volume_minor from payments.fee_volumes")
    assert sorted((row["month"].month, row["volume_minor"]) for row in rows) == [
        (3, 33_000),
        (4, 1_000),
    ]


async def test_a_seller_who_had_tiers_is_counted_on(pool: Pool) -> None:
    shop = Shop(pool)
    await shop.plan("steps", STEPPED)
    await shop.plan("flat", FeeTerms(0, 1))
    await shop.assign("ann", "steps")
    await shop.sell("a", 5_000)
    shop.clock.pass_days(1)
    await shop.assign("ann", "flat")
    assert await shop.sell("b", 8_000) == 1
    assert (await shop.explained("b-0")).volume_minor is None
    shop.clock.pass_days(1)
    await shop.assign("ann", "steps")
    assert await shop.sell("c", 1_000) == 20
    assert (await shop.explained("c-0")).volume_minor == 13_000


async def test_sales_in_the_same_moment_each_meet_a_volume_of_their_own(pool: Pool) -> None:
    shop = Shop(pool)
    await shop.plan("steps", STEPPED)
    await shop.assign("ann", "steps")
    names = [f"n{n}" for n in range(8)]
    for name in names:
        await shop.accept(name, 1_000)
    service = execution_service(pool)
    claimed = await service.claim("stripe", LIMITS, 100)
    await asyncio.gather(
        *(
            execution_service(pool).settle(
                settlement(one, Succeeded(f"pi_{one.payment_order_id}", one.amount))
            )
            for one in claimed
        )
    )
    met = [(await shop.explained(f"{name}-0")).volume_minor for name in names]
    assert sorted(volume or 0 for volume in met) == list(range(0, 8_000, 1_000))


async def test_an_order_that_waits_is_told_what_it_would_cost_now(pool: Pool) -> None:
    shop = Shop(pool)
    await shop.plan("steps", STEPPED)
    await shop.assign("ann", "steps")
    await shop.sell("a", 12_000)
    await shop.accept("b", 1_000)
    found = await shop.explained("b-0")
    assert (found.fee_minor, found.steps.fee_minor, found.volume_minor) == (None, 20, 12_000)
    assert found.agrees
    with pytest.raises(NotFound):
        await shop.explained("unknown")


async def test_settings_that_changed_since_are_noticed(pool: Pool) -> None:
    shop = Shop(pool)
    await shop.sell("a", 1_000)
    assert (await shop.explained("a-0")).agrees
    ids = Ids(shop.clock, SystemRandomness())
    later = FeeDesk(pool, shop.clock, ids, DefaultFee(100, {}))
    found = await later.explain("a-0")
    assert (found.fee_minor, found.steps.fee_minor, found.agrees) == (59, 10, False)


async def test_plans_are_shown_and_every_deed_is_kept(pool: Pool) -> None:
    shop = Shop(pool)
    await shop.plan("one", FeeTerms(100, 5, 10, 500))
    await shop.plan("one", FeeTerms(200), at=START + DAY)
    await shop.plan("one", FeeTerms(300), "")
    await shop.plan("later", STEPPED, at=START + DAY)
    await shop.assign("ann", "one")
    await shop.assign("bob", "one")
    await shop.assign(EVERYONE, "later", at=START + DAY)
    plans = await shop.desk.plans()
    assert [(one.plan, one.currency, one.version) for one in plans.versions] == [
        ("later", "USD", 1),
        ("one", "", 1),
        ("one", "USD", 1),
    ]
    assert (plans.sellers, plans.everyone) == ({"one": 2}, None)
    assert [one.terms for one in await shop.desk.plan("one")] == [
        FeeTerms(300),
        FeeTerms(100, 5, 10, 500),
        FeeTerms(200),
    ]
    shop.clock.pass_days(2)
    assert (await shop.desk.plans()).everyone == "later"
    assert (await shop.desk.plan("later"))[0].terms == STEPPED
    assert [one.plan for one in await shop.desk.assignments("ann")] == ["one"]
    deeds = await pool.fetch("select action, target from access.audit_log order by entry_id")
    assert len(deeds) == 7
    assert ("fees.set", "fee plan one in USD, version 2") in [tuple(deed) for deed in deeds]
    assert ("fees.assign", "fee plan of everyone") in [tuple(deed) for deed in deeds]


async def test_the_past_is_not_changed(pool: Pool, owner: PlainConnection) -> None:
    shop = Shop(pool)
    await shop.plan("one", STEPPED)
    await shop.assign("ann", "one")
    past = START - timedelta(seconds=1)
    for wrong in (
        shop.plan("one", FeeTerms(1), at=past),
        shop.assign("ann", None, at=past),
        shop.plan("", FeeTerms(1)),
        shop.plan(" x", FeeTerms(1)),
        shop.desk.set_plan("one", "USD", FeeTerms(1), by="eve", reason=" "),
    ):
        with pytest.raises(ConfigurationError):
            await wrong
    with pytest.raises(NotFound):
        await shop.assign("ann", "unknown")
    await shop.sell("a", 1_000)
    versions = "payments.fee_versions"
    unordered = (
        "plan, currency, 9, set_at, 1, 0, 0, null, '{5,5}', '{1,1}', '{1,1}', set_at, 'x', plan"
    )
    for sql in (
        "update payments.fee_versions set basis_points = 1",
        "delete from payments.fee_assignments",
        "truncate payments.fee_versions",
        "update payments.payment_orders set fee_version = gen_random_uuid()",
        "update payments.payment_orders set fee_volume_minor = 5",
        f"insert into {versions} select gen_random_uuid(), {unordered} from {versions}",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await owner.execute(sql)


async def test_verify_makes_every_fee_again(pool: Pool, owner: PlainConnection) -> None:
    [check] = [check for check in CHECKS if check.name == "payments.fees"]

    async def found() -> tuple[int, int]:
        result = await run_check(owner, check)
        return result.examined, len(result.offenders)

    shop = Shop(pool)
    await shop.sell("none", 1_000)
    assert await found() == (0, 0)
    await shop.plan("steps", STEPPED)
    await shop.plan("bound", FeeTerms(290, 30, 100, 500))
    await shop.assign("ann", "steps")
    await shop.assign("bob", "bound")
    await shop.sell("a", 9_999, 5, 30_000, 1_017)
    await shop.sell("b", 50, 100, 1_000, 10_050, 99_999, seller="bob")
    assert await found() == (9, 0)
    # One version to another fee: planted in a plan, since orders refuse it.
    await owner.execute("alter table payments.fee_versions disable trigger user")
    await owner.execute("update payments.fee_versions set cap_minor = 499 where plan = 'bound'")
    assert await found() == (9, 1)
    await owner.execute("update payments.fee_versions set valid_from = now() + interval '9 years'")
    assert await found() == (9, 9)


async def test_old_months_are_forgotten(pool: Pool) -> None:
    await pool.execute(
        "insert into payments.fee_volumes values ('ann', 'USD', '2020-01-01', 5),"
        " ('ann', 'USD', date_trunc('month', now())::date, 6)"
    )
    await forget_volumes(pool)
    assert await pool.fetchval("select sum(volume_minor)::int from payments.fee_volumes") == 6
