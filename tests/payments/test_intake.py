"""Intake: each key once, each bad request its own answer, nothing half stored."""

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from tests.payments.rooms import KEY, an_intake, intake_service

from clearhouse.access.replay import IntakeAnswer
from clearhouse.kernel.errors import Conflict, IdempotencyMismatch, KeyInUse
from clearhouse.messaging.events import PaymentEventAccepted, decode
from clearhouse.payments.model import OrderFilter, OrderStatus
from clearhouse.payments.service import PaymentService
from clearhouse.postgres.connection import PlainConnection, Pool


async def test_everything_of_a_payment_is_stored_together(
    pool: Pool, owner: PlainConnection
) -> None:
    service = intake_service(pool)
    intake = an_intake(service, "one", orders=3)
    assert await service.accept(intake) == IntakeAnswer(intake.answer, replayed=False)
    event = await PaymentService(pool, service).checkout("one")
    assert event == intake.event
    assert [o.status for o in event.orders] == [OrderStatus.NOT_STARTED] * 3
    [row] = await owner.fetch("select payload from payments.outbox")
    accepted = decode(row["payload"])
    assert isinstance(accepted, PaymentEventAccepted)
    assert [o.payment_order_id for o in accepted.orders] == ["one-0", "one-1", "one-2"]
    assert await owner.fetchval("select count(*) from payments.work") == 3


async def test_the_same_key_replays_its_answer_byte_for_byte(pool: Pool) -> None:
    first = intake_service(pool)
    answer = await first.accept(an_intake(first, "one"))
    other = intake_service(pool)  # another process, or the same after a crash
    for _ in range(3):
        again = await other.accept(an_intake(other, "one"))
        assert again == IntakeAnswer(answer.body, replayed=True)


async def test_another_body_under_the_same_key_is_refused_without_effect(
    pool: Pool, owner: PlainConnection
) -> None:
    service = intake_service(pool)
    await service.accept(an_intake(service, "one"))
    with pytest.raises(IdempotencyMismatch):
        await service.accept(an_intake(service, "two", key="c:one", body=b"y" * 32))
    assert await owner.fetchval("select count(*) from payments.payment_events") == 1


async def test_keys_are_scoped_by_api_key(pool: Pool) -> None:
    service = intake_service(pool)
    one = await service.accept(an_intake(service, "one", key="h:k"))
    two = await service.accept(an_intake(service, "two", key="h:k", api_key=UUID(int=2)))
    assert one.body != two.body


async def test_used_ids_are_named_by_pointer(pool: Pool) -> None:
    service = intake_service(pool)
    await service.accept(an_intake(service, "one"))
    with pytest.raises(Conflict) as caught:
        await service.accept(an_intake(service, "two", order_ids=("new", "one-1", "one-0")))
    assert [fault.pointer for fault in caught.value.faults] == [
        "/payment_orders/1/payment_order_id",
        "/payment_orders/2/payment_order_id",
    ]
    with pytest.raises(Conflict) as caught:
        await service.accept(an_intake(service, "one", key="h:other", order_ids=("x",)))
    assert [fault.pointer for fault in caught.value.faults] == ["/checkout_id"]
    await service.accept(an_intake(service, "two", order_ids=("new",)))


async def test_a_bad_request_in_a_batch_harms_only_itself(
    pool: Pool, owner: PlainConnection
) -> None:
    service = intake_service(pool)
    await service.accept(an_intake(service, "old"))
    requests = [an_intake(service, f"new{n}") for n in range(10)]
    requests.insert(5, an_intake(service, "clash", order_ids=("old-0",)))
    requests.insert(7, an_intake(service, "twin", order_ids=("new0-1", "mine")))
    answers = await asyncio.gather(*(service.accept(r) for r in requests), return_exceptions=True)
    conflicts = [n for n, answer in enumerate(answers) if isinstance(answer, Conflict)]
    assert conflicts == [5, 7]
    assert await owner.fetchval("select count(*) from payments.payment_events") == 11
    assert await owner.fetchval("select count(*) from payments.order_keys") == 22
    assert await owner.fetchval("select count(*) from payments.idempotency_keys") == 11


@pytest.mark.parametrize("processes", [1, 4])
async def test_a_hundred_simultaneous_requests_execute_once(
    pool: Pool, owner: PlainConnection, processes: int
) -> None:
    services = [intake_service(pool) for _ in range(processes)]

    async def post(number: int) -> IntakeAnswer:
        service = services[number % processes]
        return await service.accept(an_intake(service, "one"))

    answers = await asyncio.gather(*(post(n) for n in range(100)), return_exceptions=True)
    bodies = {answer.body for answer in answers if isinstance(answer, IntakeAnswer)}
    others = [a for a in answers if not isinstance(a, IntakeAnswer)]
    assert len(bodies) == 1
    assert {type(other) for other in others} <= {KeyInUse}
    fresh = [a for a in answers if isinstance(a, IntakeAnswer) and not a.replayed]
    assert len(fresh) == 1
    assert await owner.fetchval("select count(*) from payments.payment_orders") == 2


async def test_processes_that_race_for_order_ids_never_both_win(
    pool: Pool, owner: PlainConnection
) -> None:
    services = [intake_service(pool) for _ in range(4)]

    async def post(number: int) -> IntakeAnswer:
        service = services[number % 4]
        intake = an_intake(
            service, f"checkout-{number}", order_ids=(f"o{number // 4}", f"p{number}")
        )
        return await service.accept(intake)

    answers = await asyncio.gather(*(post(n) for n in range(80)), return_exceptions=True)
    winners = [answer for answer in answers if isinstance(answer, IntakeAnswer)]
    assert len(winners) == 20
    assert {type(a) for a in answers} == {IntakeAnswer, Conflict}
    assert await owner.fetchval("select count(*) from payments.payment_orders") == 40
    assert await owner.fetchval("select count(*) from payments.order_keys") == 40


async def test_an_expired_key_is_free_again_but_its_checkout_is_not(pool: Pool) -> None:
    service = intake_service(pool, lifetime=timedelta(0))
    await service.accept(an_intake(service, "one", key="h:k"))
    await service.accept(an_intake(service, "two", key="h:k", body=b"z" * 32))
    with pytest.raises(Conflict):
        await service.accept(an_intake(service, "one", key="h:k"))


async def test_lists_are_newest_first_in_pages_and_filtered(pool: Pool) -> None:
    service = intake_service(pool)
    for name in ("a", "b", "c"):
        await service.accept(an_intake(service, name, orders=3))
    payments = PaymentService(pool, service)
    seen: list[str] = []
    before = None
    while True:
        page = await payments.list_orders(OrderFilter(), before, 2)
        seen += [order.payment_order_id for order in page.orders]
        before = page.next_before
        if before is None:
            break
    assert seen == [f"{name}-{n}" for name in "cba" for n in (2, 1, 0)]
    one = await payments.list_orders(OrderFilter(seller_account="seller-1"), None, 10)
    assert [order.payment_order_id for order in one.orders] == ["c-1", "b-1", "a-1"]
    none = await payments.list_orders(OrderFilter(status=OrderStatus.SUCCESS), None, 10)
    assert not none.orders
    created = (await payments.checkout("b")).created_at
    later = await payments.list_orders(OrderFilter(created_from=created), None, 10)
    assert {order.checkout_id for order in later.orders} == {"b", "c"}
    checkout = await payments.list_orders(OrderFilter(checkout_id="a", psp="stripe"), None, 10)
    assert len(checkout.orders) == 3


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ("status = 'EXECUTING', attempt = 1", True),
        (
            (
                "status = 'SUCCESS', attempt = 1, psp_reference = 'x', fee_minor = 0,"
                " finalized_at = now()"
            ),
            False,
        ),
        ("status = 'FAILED', failure_code = 'x', attempt = 1, finalized_at = now()", False),
        ("status = 'PAID'", False),
        ("amount_minor = 1", False),
        ("currency = 'EUR'", False),
        ("fee_minor = 1", False),
        ("finalized_at = now()", False),
        ("ledger_updated = true", False),
        ("attempt = 1", False),
    ],
)
async def test_the_database_refuses_impossible_orders(
    pool: Pool, change: str, allowed: bool
) -> None:
    service = intake_service(pool)
    await service.accept(an_intake(service, "one", orders=1))
    statement = f"update payments.payment_orders set {change}"
    if allowed:
        await pool.execute(statement)
        return
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute(statement)


async def test_payments_cannot_be_deleted_by_the_application(pool: Pool) -> None:
    for table in ("payment_orders", "payment_events", "attempts", "order_keys"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(f"delete from payments.{table}")
    assert KEY.int == 1
