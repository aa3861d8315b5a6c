"""Payouts that people ask for: covered, once, with four eyes, and taken back."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.books import CLOCK, IDS
from tests.payouts.house import (
    POLICY,
    an_account,
    ask,
    assert_sound,
    desk,
    details_desk,
    earn,
    left,
    seller,
    told,
    wanted,
)

from clearhouse.access.replay import IntakeAnswer
from clearhouse.kernel.errors import IdempotencyMismatch, KeyInUse, NotFound, PayoutRefused
from clearhouse.messaging.events import PayoutApproved, PayoutCancelled, PayoutCreated
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.wallets.holds.model import Hold, HoldKind
from clearhouse.wallets.holds.store import place
from clearhouse.wallets.maturing.model import Terms
from clearhouse.wallets.payouts import store
from clearhouse.wallets.payouts.model import PayoutFilter, PayoutStatus
from clearhouse.wallets.service import WalletService


async def test_the_money_leaves_available_with_the_payout(pool: Pool) -> None:
    await seller(pool)
    made = await ask(pool, wanted(amount=1_200))
    assert (made.status, made.amount.minor, made.version) == (PayoutStatus.APPROVED, 1_200, 1)
    assert await left(pool) == 3_800
    [event] = await told(pool, made.payout_id)
    assert isinstance(event, PayoutCreated)
    assert (event.amount_minor, event.needs_approval, event.version) == (1_200, False, 1)
    await assert_sound(pool)


async def test_without_an_amount_all_that_may_be_paid_is(pool: Pool) -> None:
    await seller(pool, available=70_000)
    assert (await ask(pool, wanted(amount=None))).amount.minor == 50_000
    assert (await ask(pool, wanted(amount=None))).amount.minor == 20_000
    with pytest.raises(PayoutRefused, match="nothing is available"):
        await ask(pool, wanted(amount=None))
    await assert_sound(pool)


# fmt: off
REFUSED = [
    # available  amount  words                                            free
    (5_000,      5_001,  "more than the seller has available",             "50.00"),
    (5_000,      99,     "less than the minimum",                          "50.00"),
    (90_000,     50_001, "more than the maximum",                          "900.00"),
    (-100,       100,    "more than the seller has available",             "0.00"),
    (-100,       None,   "owes the platform money",                        None),
    (99,         None,   "less than the minimum of a payout is available", None),
    (0,          None,   "nothing is available",                           None),
]
# fmt: on


@pytest.mark.parametrize(("available", "amount", "words", "free"), REFUSED)
async def test_what_is_not_there_is_refused(
    pool: Pool, available: int, amount: int | None, words: str, free: str | None
) -> None:
    await seller(pool, available=available)
    with pytest.raises(PayoutRefused, match=words) as refused:
        await ask(pool, wanted(amount=amount))
    if free is not None:
        assert refused.value.hint == f"Available: {free} EUR."
    assert await left(pool) == available
    assert (await desk(pool).list_payouts(PayoutFilter(), None, 10)).payouts == ()


async def test_a_seller_without_bank_details_is_refused(pool: Pool) -> None:
    await earn(pool, "ann", 5_000)
    with pytest.raises(PayoutRefused, match="no bank details for EUR"):
        await ask(pool, wanted())
    with pytest.raises(PayoutRefused, match="no bank details for EUR"):
        await ask(pool, wanted("nobody"))


async def test_new_bank_details_hold_payouts(pool: Pool) -> None:
    await seller(pool)
    other = an_account("Ann", "FR1420041010050500013M02606")
    await details_desk(pool).put("ann", "EUR", other, "key:office")
    with pytest.raises(PayoutRefused, match="are held"):
        await ask(pool, wanted())
    with pytest.raises(PayoutRefused, match="are held"):
        await ask(pool, wanted(amount=None))


@pytest.mark.parametrize(("currency", "is_held"), [(None, True), ("EUR", True), ("USD", False)])
async def test_a_hold_stops_payouts_in_its_currency(
    pool: Pool, currency: str | None, is_held: bool
) -> None:
    await seller(pool)
    since = CLOCK.now() - timedelta(hours=1)
    hold = Hold(IDS.new(), "ann", currency, HoldKind.PERSON, "", "looks odd", "key:a", since)
    async with pool.acquire() as connection:
        await place(connection, [hold])
    if is_held:
        with pytest.raises(PayoutRefused, match="are held"):
            await ask(pool, wanted())
    else:
        assert (await ask(pool, wanted())).status is PayoutStatus.APPROVED


async def test_the_same_key_pays_once(pool: Pool) -> None:
    await seller(pool)
    what = wanted(key="h:1")
    first = await desk(pool).accept(what)
    again = await desk(pool).accept(what)
    assert again == IntakeAnswer(first.body, replayed=True)
    assert await left(pool) == 4_000
    with pytest.raises(IdempotencyMismatch):
        await desk(pool).accept(wanted(key="h:1", body=b"c" * 32))


async def test_a_hundred_requests_with_one_key_pay_once(pool: Pool) -> None:
    await seller(pool)
    what = wanted(key="h:1", amount=100)
    answers = await asyncio.gather(
        *(desk(pool).accept(what) for _ in range(100)), return_exceptions=True
    )
    kinds = Counter(
        "replayed" if isinstance(one, IntakeAnswer) and one.replayed else type(one)
        for one in answers
    )
    assert kinds[IntakeAnswer] == 1
    assert set(kinds) <= {IntakeAnswer, "replayed", KeyInUse}
    assert await left(pool) == 4_900
    await assert_sound(pool)


async def test_many_requests_at_once_never_pay_more_than_is_there(pool: Pool) -> None:
    await seller(pool, available=1_000)
    answers = await asyncio.gather(
        *(desk(pool).accept(wanted(amount=300)) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(one, IntakeAnswer) for one in answers) == 3
    assert sum(isinstance(one, PayoutRefused) for one in answers) == 17
    assert await left(pool) == 100
    await assert_sound(pool)


async def test_above_the_limit_somebody_else_approves(pool: Pool) -> None:
    await seller(pool, available=20_000)
    made = await ask(pool, wanted(amount=10_001, by="key:office"))
    assert made.status is PayoutStatus.CREATED
    assert made.needs_approval
    with pytest.raises(PayoutRefused, match="cannot approve it"):
        await desk(pool).approve(made.public_id, "key:office")
    done = await desk(pool).approve(made.public_id, "key:treasurer")
    assert (done.status, done.approved_by) == (PayoutStatus.APPROVED, "key:treasurer")
    assert await desk(pool).payout(made.public_id) == done
    # Again, by whomever: nothing changes.
    assert await desk(pool).approve(made.public_id, "key:other") == done
    events = await told(pool, made.payout_id)
    assert [type(event) for event in events] == [PayoutCreated, PayoutApproved]
    assert [event.version for event in events] == [1, 2]
    await assert_sound(pool)


async def test_the_database_itself_wants_four_eyes(pool: Pool, owner: PlainConnection) -> None:
    await seller(pool, available=20_000)
    made = await ask(pool, wanted(amount=10_001))
    for change, wall in (
        ("status = 'approved', approved_by = created_by", "four_eyes"),
        ("status = 'approved'", "approved_first"),
        ("status = 'paid', finalized_at = now()", "illegal change"),
        ("amount_minor = 1", "illegal change"),
    ):
        with pytest.raises(asyncpg.CheckViolationError, match=wall):
            await owner.execute(
                f"update wallets.payouts set {change} where payout_id = $1", made.payout_id
            )


async def test_the_database_itself_refuses_more_than_is_available(pool: Pool) -> None:
    await seller(pool, available=100)
    too_much = replace(await ask(pool, wanted(amount=100)), payout_id=IDS.new())
    async with pool.acquire() as connection:
        service = WalletService(pool, IDS, CLOCK)
        with pytest.raises(asyncpg.CheckViolationError, match="a_payout_is_covered"):
            await store.create(connection, service, [too_much], CLOCK.now())


async def test_what_is_cancelled_is_available_again_once(pool: Pool) -> None:
    await seller(pool)
    made = await ask(pool, wanted())
    gone = await desk(pool).cancel(made.public_id, "key:office", "wrong seller")
    assert gone.status is PayoutStatus.CANCELLED
    assert gone.detail == "cancelled by key:office: wrong seller"
    assert await desk(pool).payout(made.public_id) == gone
    assert await desk(pool).cancel(made.public_id, "key:other", "") == gone
    assert await left(pool) == 5_000
    with pytest.raises(PayoutRefused, match="nothing to approve"):
        await desk(pool).approve(made.public_id, "key:treasurer")
    events = await told(pool, made.payout_id)
    assert [type(event) for event in events] == [PayoutCreated, PayoutCancelled]
    await assert_sound(pool)


async def test_approving_and_cancelling_at_once_do_one_of_both(pool: Pool) -> None:
    await seller(pool, available=40_000)
    for _ in range(5):
        made = await ask(pool, wanted(amount=10_500))
        await asyncio.gather(
            desk(pool).approve(made.public_id, "key:treasurer"),
            desk(pool).cancel(made.public_id, "key:office", ""),
            return_exceptions=True,
        )
        assert (await desk(pool).payout(made.public_id)).status is PayoutStatus.CANCELLED
    assert await left(pool) == 40_000
    await assert_sound(pool)


@pytest.mark.parametrize("name", ["po_", "po_1", "x", f"po_{'0' * 32}", f"po_{'G' * 32}"])
async def test_what_does_not_exist_is_not_found(pool: Pool, name: str) -> None:
    for verb in (
        desk(pool).payout(name),
        desk(pool).approve(name, "key:a"),
        desk(pool).cancel(name, "key:a", ""),
    ):
        with pytest.raises(NotFound):
            await verb


async def test_lists_go_page_by_page_and_by_filter(pool: Pool) -> None:
    await seller(pool)
    await seller(pool, "bob")
    made = [await ask(pool, wanted(name, 100)) for name in ("ann", "bob", "ann", "ann")]
    await desk(pool).cancel(made[0].public_id, "key:office", "")
    newest = [one.payout_id for one in reversed(made)]
    first = await desk(pool).list_payouts(PayoutFilter(), None, 3)
    assert [one.payout_id for one in first.payouts] == newest[:3]
    rest = await desk(pool).list_payouts(PayoutFilter(), first.next_before, 3)
    assert [one.payout_id for one in rest.payouts] == newest[3:]
    assert rest.next_before is None
    for filters, count in (
        (PayoutFilter("ann"), 3),
        (PayoutFilter(status=PayoutStatus.CANCELLED), 1),
        (PayoutFilter("bob", PayoutStatus.CANCELLED), 0),
        (PayoutFilter(currency="USD"), 0),
    ):
        assert len((await desk(pool).list_payouts(filters, None, 10)).payouts) == count


@settings(max_examples=100)
@given(st.integers(1, 10**12), st.integers(0, 10**6))
def test_limits_are_such_as_can_be_met(minimum: int, maximum: int) -> None:
    policy = type(POLICY)(minimum={"EUR": min(minimum, 10**9)}, maximum={"EUR": maximum})
    limits = policy.limits("EUR")
    assert 1 <= limits.minimum <= limits.maximum
    assert policy.details_wait == timedelta(days=3)


async def test_what_always_stays_is_never_paid_out(pool: Pool) -> None:
    await seller(pool, available=5_000)
    policy = replace(POLICY, terms=Terms(keep={"EUR": 1_000}))
    with pytest.raises(PayoutRefused, match="more than the seller has available"):
        await ask(pool, wanted(amount=4_001), policy)
    assert (await ask(pool, wanted(amount=None), policy)).amount.minor == 4_000
    assert await left(pool) == 1_000
    await assert_sound(pool)
