"""Failover: another PSP is asked only after a definite no, and never while nobody knows."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from tests.payments.rooms import (
    LIMITS,
    POLICY,
    an_intake,
    execution_service,
    intake_service,
    settlement,
)

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.money import Money
from clearhouse.kernel.randomness import SeededRandomness, SystemRandomness
from clearhouse.payments import lifecycle
from clearhouse.payments.execution import ExecutionService
from clearhouse.payments.fees.model import DefaultFee
from clearhouse.payments.intake import IntakeService
from clearhouse.payments.learning import LearningService, RaisedStrays
from clearhouse.payments.learnt import Learnt, Source
from clearhouse.payments.lifecycle import Effect, OrderState, apply
from clearhouse.payments.model import (
    Alternative,
    ClaimedOrder,
    Intake,
    NewOrder,
    OrderStatus,
    Settlement,
)
from clearhouse.payments.model import StatusReason as R
from clearhouse.payments.routes import Router
from clearhouse.postgres.connection import Pool
from clearhouse.psp.contract import (
    Declined,
    DeclineReason,
    NotCharged,
    PspOutcome,
    Retry,
    Succeeded,
    Unknown,
)
from clearhouse.psp.routing import Rule

PSPS = ("stripe", "square", "braintree")
PRICE = Money(1000, "USD")
BUSY = NotCharged("busy")
REJECTED = Declined(DeclineReason.REJECTED_BY_PSP, Retry.HARD, "invalid_request")
STOLEN = Declined(DeclineReason.LOST_OR_STOLEN, Retry.HARD, "43")
FUNDS = Declined(DeclineReason.INSUFFICIENT_FUNDS, Retry.SOFT, "51")
USED_UP = Declined(DeclineReason.PAYMENT_METHOD_INVALID, Retry.CUSTOMER, "token_used")
LOST = Unknown("timeout")

# fmt: off
F, A, N, X = Effect.FAIL_OVER, Effect.RETRY, Effect.NEW_ATTEMPT, Effect.FAIL
TABLE = [
    # outcome reason             tries answered proven elsewhere  effect
    (BUSY,     None,              2,   True,    False, True,      F),
    (BUSY,     R.PSP_UNAVAILABLE, 2,   True,    False, True,      F),
    (BUSY,     R.PSP_UNAVAILABLE, 1,   True,    False, True,      A),
    (BUSY,     R.PSP_UNAVAILABLE, 2,   False,   False, True,      A),
    (BUSY,     R.PSP_UNAVAILABLE, 2,   True,    False, False,     A),
    (BUSY,     R.UNKNOWN_OUTCOME, 2,   True,    False, True,      A),
    (BUSY,     R.UNKNOWN_OUTCOME, 9,   False,   False, True,      A),
    (BUSY,     R.PROCESSING,      9,   True,    False, True,      A),
    (BUSY,     R.PROCESSING,      9,   True,    True,  True,      A),
    (BUSY,     R.UNKNOWN_OUTCOME, 9,   False,   True,  True,      F),
    (BUSY,     R.UNKNOWN_OUTCOME, 9,   False,   True,  False,     N),
    (LOST,     None,              9,   True,    False, True,      A),
    (LOST,     R.PSP_UNAVAILABLE, 9,   True,    True,  True,      A),
    (REJECTED, None,              1,   True,    False, True,      F),
    (REJECTED, None,              1,   True,    False, False,     X),
    (REJECTED, None,              2,   False,   False, True,      X),
    (REJECTED, R.UNKNOWN_OUTCOME, 2,   True,    False, True,      X),
    (REJECTED, R.CONTRADICTION,   2,   True,    False, True,      X),
    (REJECTED, R.REQUIRES_ACTION, 2,   True,    False, True,      F),
    (USED_UP,  None,              1,   True,    False, True,      F),
    (USED_UP,  None,              2,   False,   False, True,      X),
    (USED_UP,  R.UNKNOWN_OUTCOME, 2,   True,    False, True,      X),
    (STOLEN,   None,              1,   True,    False, True,      X),
    (FUNDS,    None,              1,   True,    False, True,      X),
]
# fmt: on


@pytest.mark.parametrize(
    ("outcome", "reason", "tries", "answered", "proven", "elsewhere", "effect"), TABLE
)
def test_when_another_psp_is_asked(
    outcome: PspOutcome,
    reason: R | None,
    tries: int,
    answered: bool,
    proven: bool,
    elsewhere: bool,
    effect: Effect,
) -> None:
    order = OrderState(
        OrderStatus.EXECUTING,
        reason,
        PRICE,
        tries,
        key_expired=proven,
        elsewhere=elsewhere,
        all_answered=answered,
    )
    assert apply(order, outcome, POLICY, 0.5).effect is effect


def test_failover_for_unavailability_can_be_switched_off() -> None:
    order = OrderState(OrderStatus.EXECUTING, None, PRICE, 50, elsewhere=True, all_answered=True)
    assert apply(order, BUSY, replace(POLICY, failover_tries=0), 0.5).effect is Effect.RETRY


def test_which_declines_may_go_elsewhere_is_a_setting() -> None:
    order = OrderState(OrderStatus.EXECUTING, None, PRICE, 1, elsewhere=True, all_answered=True)
    strict = replace(POLICY, failover_declines=frozenset({DeclineReason.PAYMENT_METHOD_INVALID}))
    assert apply(order, USED_UP, strict, 0.5).effect is Effect.FAIL_OVER
    assert apply(order, REJECTED, strict, 0.5).effect is Effect.FAIL


RULES = (Rule("square", frozenset({"USD"}), priority=1), Rule("stripe", priority=2))


@pytest.mark.parametrize(
    ("rules", "currency", "psps"),
    [
        ((), "USD", PSPS),
        (RULES, "USD", ("square", "stripe", "braintree")),
        (RULES, "EUR", ("stripe", "square", "braintree")),
    ],
)
def test_rules_order_the_alternatives(
    rules: Sequence[Rule], currency: str, psps: tuple[str, ...]
) -> None:
    router = Router(rules, SeededRandomness(1))
    route = router.route(PSPS, NewOrder("o", "s", Money(1000, currency)))
    assert sorted(route.psps) == sorted(psps)
    assert route.psps[0] == psps[0]
    assert route.reason


def with_alternatives(intake: IntakeService, name: str, orders: int, *psps: str) -> Intake:
    """A request whose card was tokenized at several PSPs."""
    plain = an_intake(intake, name, orders=orders, psp=psps[0])
    alternatives = tuple(Alternative(psp, f"token_of_{psp}") for psp in psps)
    payment = replace(plain.payment, alternatives=alternatives)
    return replace(plain, payment=payment, event=intake.prepare(payment))


async def one_order(pool: Pool, *psps: str) -> ExecutionService:
    intake = intake_service(pool)
    await intake.accept(with_alternatives(intake, "c", 1, *psps))
    return execution_service(pool)


async def stored(pool: Pool) -> dict[str, object]:
    row = await pool.fetchrow("select * from payments.payment_orders")
    assert row is not None
    return dict(row)


async def claimed(service: ExecutionService, psp: str) -> ClaimedOrder:
    for _ in range(200):
        found = await service.claim(psp, LIMITS, 10)
        if found:
            return found[0]
        await asyncio.sleep(0.005)
    raise AssertionError(f"nothing is due at {psp}")


async def test_each_psp_gets_its_own_token_and_key(pool: Pool) -> None:
    service = await one_order(pool, "stripe", "square")
    first = await claimed(service, "stripe")
    await service.settle(settlement(first, REJECTED))
    second = await claimed(service, "square")
    assert (first.payment_method, second.payment_method) == ("token_of_stripe", "token_of_square")
    assert first.idempotency_key != second.idempotency_key
    assert second.attempt == 2
    await service.settle(settlement(second, Succeeded("sq_1", second.amount)))
    order = await stored(pool)
    assert (order["status"], order["psp"], order["psp_reference"]) == ("SUCCESS", "square", "sq_1")
    told = await pool.fetchval(
        "select payload from payments.outbox where type = 'payment_order.succeeded'"
    )
    assert '"psp":"square"' in told


async def test_the_database_refuses_a_second_attempt_beside_the_first(pool: Pool) -> None:
    service = await one_order(pool, "stripe", "square")
    first = await claimed(service, "stripe")
    again = """insert into payments.attempts
        (order_id, attempt, psp, idempotency_key, started_at, charged_at, finished_at)
        values ($1, 2, 'square', 'k2', now(), now(), $2)"""
    with pytest.raises(asyncpg.UniqueViolationError, match="order_id"):
        await pool.execute(again, first.order_id, None)
    await pool.execute(again, first.order_id, datetime.now(UTC))


async def test_an_open_breaker_hands_on_what_was_never_sent(pool: Pool) -> None:
    service = await one_order(pool, "stripe", "square", "braintree")
    assert await service.move_on("stripe", 10) == 1
    assert await service.claim("stripe", LIMITS, 10) == []
    first = await claimed(service, "square")
    assert first.attempt == 1
    assert await service.move_on("square", 10) == 0
    await service.settle(settlement(first, LOST))
    await asyncio.sleep(0.02)
    assert await service.move_on("square", 10) == 0
    assert (await stored(pool))["route"] == ["braintree"]


async def test_without_alternatives_nothing_is_handed_on(pool: Pool) -> None:
    intake = intake_service(pool)
    await intake.accept(an_intake(intake, "c"))
    assert await execution_service(pool).move_on("stripe", 10) == 0


async def test_a_late_success_of_the_psp_that_was_left_is_believed_and_named(pool: Pool) -> None:
    service = await one_order(pool, "stripe", "square")
    first = await claimed(service, "stripe")
    await service.settle(settlement(first, REJECTED))
    second = await claimed(service, "square")
    learning = LearningService(
        SystemClock(),
        SystemRandomness(),
        policy=POLICY,
        default_fee=DefaultFee(290, {"USD": 30}),
        strays=RaisedStrays(),
    )
    paid = Learnt(first.order_id, Succeeded("pi_1", first.amount), Source.WEBHOOK, psp="stripe")
    async with pool.acquire() as connection, connection.transaction():
        await learning.learn(connection, [paid])
    order = await stored(pool)
    assert (order["status"], order["psp"], order["psp_reference"]) == ("SUCCESS", "stripe", "pi_1")
    late = replace(settlement(second, Succeeded("sq_1", second.amount)), psp="square")
    await service.settle(late)
    letter = await pool.fetchval("select payload from payments.dead_letters")
    assert letter == "square sq_1"


@dataclass
class World:
    """PSPs that charge each key once and answer as luck has it; executors that may die."""

    seed: int
    charged: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """The keys that were charged, by order."""

    def __post_init__(self) -> None:
        self.luck = random.Random(self.seed)

    def call(self, order: ClaimedOrder) -> PspOutcome | None:
        """The answer that arrives; None: the executor died before it could be settled."""
        keys = self.charged.setdefault(order.payment_order_id, set())
        drawn = self.luck.random()
        if drawn < 0.25:
            # Too busy even to look whether it knows the key.
            return BUSY
        if drawn < 0.35 and order.idempotency_key not in keys:
            return REJECTED
        if drawn < 0.85:
            keys.add(order.idempotency_key)
        paid = Succeeded(f"ch_{order.idempotency_key}", order.amount)
        told = self.luck.random()
        if told < 0.35:
            return LOST
        if told < 0.5:
            return None
        return paid if order.idempotency_key in keys else BUSY

    async def run(self, pool: Pool) -> None:
        """Execute everything to its end, or as long as it may take."""
        service = execution_service(pool, lease=timedelta(milliseconds=3))
        for _ in range(400):
            for psp in PSPS:
                if self.luck.random() < 0.2:
                    await service.move_on(psp, 10)
                orders = await service.claim(psp, LIMITS, 50)
                told = [(order, self.call(order)) for order in orders]
                answers = [
                    Settlement(order.order_id, order.fence, outcome, attempt=order.attempt, psp=psp)
                    for order, outcome in told
                    if outcome is not None
                ]
                await asyncio.gather(*(service.settle(answer) for answer in answers))
            if not await pool.fetchval("select exists (select from payments.work)"):
                return
            await asyncio.sleep(0.002)

    async def twice(self, pool: Pool) -> list[str]:
        """The orders that were charged more than once, or whose books and PSP disagree."""
        rows = await pool.fetch("select payment_order_id, status from payments.payment_orders")
        return [
            row["payment_order_id"]
            for row in rows
            if len(self.charged.get(row["payment_order_id"], ())) > 1
            or (row["status"] == "FAILED" and self.charged.get(row["payment_order_id"]))
        ]


async def accepted(pool: Pool, seed: int) -> None:
    intake = intake_service(pool)
    for number in range(6):
        await intake.accept(with_alternatives(intake, f"s{seed}-{number}", 5, *PSPS))


@pytest.mark.parametrize("seed", range(4))
async def test_no_sequence_of_answers_charges_twice(pool: Pool, seed: int) -> None:
    world = World(seed)
    await accepted(pool, seed)
    await world.run(pool)
    assert await world.twice(pool) == []
    assert await pool.fetchval("select count(distinct psp) from payments.attempts") > 1


def unproven(order: OrderState, policy: object) -> bool:
    """The planted bug: that this call did nothing is taken for proof that no call did."""
    return order.elsewhere and order.reason not in lifecycle.UNDECIDED


async def test_planted_failover_while_the_outcome_is_unknown_is_caught(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "_leaves", unproven)
    caught = False
    for seed in range(4):
        world = World(seed)
        await accepted(pool, seed)
        await world.run(pool)
        caught = caught or bool(await world.twice(pool))
    assert caught
