"""Payment pages on PostgreSQL: one payment for a whole checkout, once."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from tests.payments.pages import (
    DECLINED,
    OPENED,
    OURS,
    RANDOMNESS,
    accept,
    page_service,
    paid,
    states,
)
from tests.payments.rooms import LIMITS, execution_service

from clearhouse.kernel.errors import NotFound
from clearhouse.payments.audit import CHECKS
from clearhouse.payments.pages.lifecycle import PAGE_EXPIRED
from clearhouse.payments.pages.model import ClaimedPage, PageCall, PageState, new_token
from clearhouse.payments.pages.service import PageService
from clearhouse.postgres.audit import run_check
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.psp.contract import NotCharged, Pending, PendingReason, Reversed, Unknown

WAITING = ("EXECUTING", "awaiting_buyer")


async def claim(service: PageService, pool: Pool, *, ours: bool = False) -> ClaimedPage:
    """The one page there is, whenever it is due."""
    await pool.execute("update payments.page_work set next_at = now()")
    [claimed] = await service.claim("stripe", LIMITS, 10, ours=ours)
    return claimed


async def opened(service: PageService, pool: Pool, *, ours: bool = False) -> ClaimedPage:
    """The page after it was opened, claimed again."""
    await service.settle(await claim(service, pool, ours=ours), OURS if ours else OPENED)
    return await claim(service, pool, ours=ours)


async def offenders(owner: PlainConnection) -> list[str]:
    """What the audit of payments says."""
    return [
        f"{check.name}: {offender}"
        for check in CHECKS
        for offender in (await run_check(owner, check)).offenders
    ]


async def test_orders_of_a_page_wait_for_it_and_no_executor_takes_them(pool: Pool) -> None:
    intake = await accept(pool, "cart")
    assert await execution_service(pool).claim("stripe", LIMITS, 10) == []
    claimed = await claim(page_service(pool), pool)
    assert claimed.call is PageCall.OPEN
    assert claimed.page.total.minor == 2001
    assert [item.payment_order_id for item in claimed.items] == ["cart-0", "cart-1"]
    assert intake.page is not None
    assert claimed.page.page_id == intake.page.page_id
    assert await states(pool) == [WAITING, WAITING]


async def test_one_payment_pays_all_orders_each_its_own_amount(
    pool: Pool, owner: PlainConnection
) -> None:
    await accept(pool, "cart")
    service = page_service(pool)
    page = await opened(service, pool)
    assert page.call is PageCall.OUTCOME
    assert page.page.url == OPENED.url
    assert await offenders(owner) == []
    assert await service.settle(page, Pending(PendingReason.PROCESSING, "cs_1")) is PageState.OPEN
    assert await service.settle(await claim(service, pool), paid()) is PageState.COMPLETED
    rows = await pool.fetch(
        "select status, captured_minor, psp_reference from payments.payment_orders"
        " order by order_id"
    )
    assert [tuple(row) for row in rows] == [("SUCCESS", 1000, "pi_1"), ("SUCCESS", 1001, "pi_1")]
    assert await offenders(owner) == []
    assert await pool.fetchval("select count(*) from payments.page_work") == 0


async def test_orders_know_that_they_are_paid_on_a_page(pool: Pool, owner: PlainConnection) -> None:
    """Also those that a process of the version before this one has stored, which tells nothing."""
    await accept(pool, "cart")
    told = "select bool_and(has_page) from payments.payment_orders"
    assert await owner.fetchval(told)
    await owner.execute("create table public.page as select * from payments.pages")
    await owner.execute("delete from payments.pages")
    await owner.execute("update payments.payment_orders set has_page = false")
    await owner.execute("insert into payments.pages select * from public.page")
    assert await owner.fetchval(told)
    await owner.execute("drop table public.page")


async def test_a_page_that_expires_lets_its_orders_go(pool: Pool, owner: PlainConnection) -> None:
    await accept(pool, "cart")
    service = page_service(pool)
    page = await opened(service, pool)
    assert await service.settle(page, PAGE_EXPIRED) is PageState.EXPIRED
    assert await states(pool) == [("FAILED", "expired")] * 2
    assert await pool.fetchval("select is_payment_done from payments.payment_events")
    assert await offenders(owner) == []


async def test_a_page_whose_time_is_over_is_closed_at_the_psp_first(pool: Pool) -> None:
    await accept(pool, "cart")
    service = page_service(pool)
    await opened(service, pool)
    await pool.execute("update payments.pages set expires_at = now() - interval '1 second'")
    page = await claim(service, pool)
    assert page.call is PageCall.CLOSE
    await service.settle(page, Unknown("timeout"))
    assert await states(pool) == [WAITING, WAITING]
    await service.settle(await claim(service, pool), paid())
    assert await states(pool) == [("SUCCESS", None)] * 2


async def test_another_sum_is_put_before_a_person_and_nothing_is_guessed(
    pool: Pool, owner: PlainConnection
) -> None:
    await accept(pool, "cart")
    service = page_service(pool)
    page = await opened(service, pool)
    # As much as one of its orders, so that taking it for that order would be easy.
    assert await service.settle(page, paid(1001)) is PageState.OPEN
    assert await service.settle(await claim(service, pool), paid(1001)) is PageState.OPEN
    assert await states(pool) == [WAITING, WAITING]
    [letter] = await pool.fetch("select error from payments.dead_letters")
    assert letter["error"] == "asked for 20.01 USD, the PSP charged 10.01 USD"
    assert await offenders(owner) == []


async def test_what_was_taken_back_before_we_knew_is_success_and_reversal(
    pool: Pool, owner: PlainConnection
) -> None:
    await accept(pool, "cart")
    service = page_service(pool)
    outcome = Reversed("pi_1", paid().charged, "settlement_declined")
    assert await service.settle(await opened(service, pool), outcome) is PageState.COMPLETED
    assert await states(pool) == [("SUCCESS", "reversed")] * 2
    assert await offenders(owner) == []


async def test_a_lost_lease_writes_nothing(pool: Pool) -> None:
    await accept(pool, "cart")
    service = page_service(pool)
    stale = await opened(service, pool)
    fresh = await claim(service, pool)
    assert await service.settle(stale, paid()) is None
    assert await states(pool) == [WAITING, WAITING]
    assert await service.settle(fresh, paid()) is PageState.COMPLETED
    assert await service.settle(fresh, paid()) is None


async def test_a_second_card_is_taken_only_when_the_first_was_declined(
    pool: Pool, owner: PlainConnection
) -> None:
    intake = await accept(pool, "cart")
    service = page_service(pool)
    await opened(service, pool, ours=True)
    assert intake.page is not None
    page = await service.page(intake.page.token)
    assert await service.try_card(page, "nonce-1", LIMITS)
    assert not await service.try_card(page, "nonce-2", LIMITS)
    first = await claim(service, pool, ours=True)
    assert first.call is PageCall.CHARGE
    assert first.card is not None
    assert (first.card.payment_method, first.card.idempotency_key) == (
        "nonce-1",
        str(page.page_id),
    )
    await service.settle(first, Unknown("timeout"))
    assert not await service.try_card(page, "nonce-2", LIMITS)
    again = await claim(service, pool, ours=True)
    assert again.card is not None
    assert again.card.idempotency_key == first.card.idempotency_key
    assert await service.settle(again, DECLINED) is PageState.OPEN
    assert (await service.page(page.token)).declined_for == "insufficient_funds"
    assert await states(pool) == [WAITING, WAITING]
    assert await service.try_card(page, "nonce-2", LIMITS)
    second = await claim(service, pool, ours=True)
    assert second.card is not None
    assert second.card.idempotency_key != first.card.idempotency_key
    assert await service.settle(second, paid()) is PageState.COMPLETED
    assert not await service.try_card(page, "nonce-3", LIMITS)
    assert await states(pool) == [("SUCCESS", None)] * 2
    assert await offenders(owner) == []


async def test_of_many_that_press_at_once_one_card_is_taken(pool: Pool) -> None:
    intake = await accept(pool, "cart")
    service = page_service(pool)
    await opened(service, pool, ours=True)
    assert intake.page is not None
    page = await service.page(intake.page.token)
    taken = await asyncio.gather(*(service.try_card(page, f"nonce-{n}", LIMITS) for n in range(20)))
    assert sum(taken) == 1


async def test_a_card_that_comes_as_the_page_expires_is_settled_first(pool: Pool) -> None:
    intake = await accept(pool, "cart")
    service = page_service(pool)
    stale = await opened(service, pool, ours=True)
    assert intake.page is not None
    page = await service.page(intake.page.token)
    assert await service.try_card(page, "nonce-1", LIMITS)
    # Whoever held the lease meant to let the page expire; the card came in between.
    assert await service.settle(stale, PAGE_EXPIRED) is None
    await pool.execute("update payments.pages set expires_at = now() - interval '1 second'")
    charge = await claim(service, pool, ours=True)
    assert charge.call is PageCall.CHARGE
    assert await service.settle(charge, DECLINED) is PageState.OPEN
    assert not await service.try_card(page, "nonce-2", LIMITS)
    last = await claim(service, pool, ours=True)
    assert last.call is PageCall.EXPIRE
    assert await service.settle(last, PAGE_EXPIRED) is PageState.EXPIRED


async def test_a_page_that_was_never_opened_expires(pool: Pool, owner: PlainConnection) -> None:
    await accept(pool, "cart", lifetime=timedelta(seconds=-1))
    service = page_service(pool)
    page = await claim(service, pool)
    assert await service.settle(page, NotCharged("busy")) is PageState.EXPIRED
    assert await states(pool) == [("FAILED", "expired")] * 2
    assert await offenders(owner) == []


async def test_only_the_whole_token_opens_a_page(pool: Pool) -> None:
    intake = await accept(pool, "cart")
    service = page_service(pool)
    assert intake.page is not None
    assert (await service.page(intake.page.token)).checkout_id == "cart"
    for token in (new_token(intake.page.page_id, RANDOMNESS), "", "x" * 43, "\x00"):
        with pytest.raises(NotFound):
            await service.page(token)


async def test_a_psps_words_lead_to_a_page(pool: Pool) -> None:
    intake = await accept(pool, "cart")
    service = page_service(pool)
    await service.settle(await claim(service, pool), OPENED)
    assert intake.page is not None
    async with pool.acquire() as connection:
        found = [
            await service.ask_now(connection, "stripe", references=["cs_1"]),
            await service.ask_now(connection, "stripe", page_ids=[str(intake.page.page_id)]),
            await service.ask_now(connection, "square", references=["cs_1"]),
            await service.ask_now(connection, "stripe", page_ids=["cart-0", "é"]),
        ]
    assert found == [True, True, False, False]
    [due] = await service.claim("stripe", LIMITS, 10, ours=False)
    assert due.call is PageCall.OUTCOME


async def test_the_database_refuses_a_page_that_comes_back(
    pool: Pool, owner: PlainConnection
) -> None:
    await accept(pool, "cart")
    service = page_service(pool)
    await service.settle(await opened(service, pool), paid())
    with pytest.raises(asyncpg.CheckViolationError, match="illegal change of payment page"):
        await owner.execute("update payments.pages set state = 'OPEN', charge_reference = null")
