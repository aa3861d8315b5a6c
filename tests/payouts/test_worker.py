"""The payout worker: one identity for ever, whatever is lost, dies or is told twice."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from tests.ledger.books import CLOCK, IDS
from tests.payouts.house import (
    CIPHER,
    an_account,
    ask,
    assert_sound,
    desk,
    details_desk,
    left,
    seller,
    told,
    wanted,
)
from tests.payouts.tills import AT, Hands, Luck, Till
from tests.proof.flow import consume
from tests.proof.test_money_back import findings

from clearhouse.messaging.events import (
    PayoutCorrected,
    PayoutCreated,
    PayoutFailed,
    PayoutPaid,
    PayoutReturned,
    PayoutSubmitted,
)
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.psp.rails import Corrected, Failed, FailureReason, PaidOut, PayoutNews, Submitted
from clearhouse.wallets.holds.model import Hold, HoldKind
from clearhouse.wallets.holds.store import place
from clearhouse.wallets.payouts.details import correction_place
from clearhouse.wallets.payouts.model import PayoutStatus, SendingReason

P = PayoutStatus


async def payouts(pool: Pool, *holders: str, amount: int = 1_000) -> list[str]:
    """A payout to each of some sellers, who are called as they shall be treated."""
    names: list[str] = []
    for number, holder in enumerate(holders):
        name = f"seller-{number}"
        await seller(pool, name, 5_000, account=an_account(holder))
        names.append((await ask(pool, wanted(name, amount))).public_id)
    return names


async def statuses(pool: Pool, names: list[str]) -> list[PayoutStatus]:
    return [(await desk(pool).payout(name)).status for name in names]


async def test_payouts_go_out_in_a_batch_and_arrive(pool: Pool, database: str) -> None:
    names = await payouts(pool, "Ann", "fails", "returns", "Bob")
    till = Till()
    hands = Hands(pool, till)
    await hands.rounds(1)
    assert await statuses(pool, names) == [P.SUBMITTED, P.FAILED, P.SUBMITTED, P.SUBMITTED]
    till.everything_arrives()
    await hands.rounds(3)
    assert await statuses(pool, names) == [P.PAID, P.FAILED, P.RETURNED, P.PAID]
    assert len(till.batches) == 1
    assert till.calls[0][0] == "submit"
    assert {call for call, _ in till.calls[1:]} <= {"inquire"}
    assert [await left(pool, f"seller-{n}") for n in range(4)] == [4_000, 5_000, 5_000, 4_000]
    await consume(pool)
    assert await findings(database) == {}
    assert await pool.fetchval("select count(*) from wallets.payout_batch_work") == 0


async def test_the_events_tell_the_whole_life(pool: Pool) -> None:
    [name] = await payouts(pool, "returns")
    till = Till()
    await Hands(pool, till).rounds(1)
    till.everything_arrives()
    await Hands(pool, till).rounds(2)
    events = await told(pool, (await desk(pool).payout(name)).payout_id)
    assert [type(event) for event in events] == [
        PayoutCreated, PayoutSubmitted, PayoutPaid, PayoutReturned,
    ]  # fmt: skip
    assert [event.version for event in events] == [1, 2, 3, 4]


async def test_what_a_rail_can_never_send_is_the_sellers_again(pool: Pool) -> None:
    names = await payouts(pool, "refused", "Ann")
    await Hands(pool, Till()).rounds(1)
    assert await statuses(pool, names) == [P.CANCELLED, P.SUBMITTED]
    assert "It pays nobody of this name" in (await desk(pool).payout(names[0])).detail
    assert await left(pool, "seller-0") == 5_000
    await assert_sound(pool)


async def test_a_batch_is_no_larger_than_its_rail_takes(pool: Pool) -> None:
    await payouts(pool, *("Ann",) * 5)
    till = Till(max_batch=2)
    await Hands(pool, till).rounds(4)
    assert sorted(len(keys) for keys in till.batches.values()) == [1, 2, 2]
    await assert_sound(pool)


async def test_held_payouts_and_new_details_wait(pool: Pool) -> None:
    names = await payouts(pool, "Ann", "Bob", "Cid")
    since = CLOCK.now() - timedelta(hours=1)
    hold = Hold(IDS.new(), "seller-0", None, HoldKind.PERSON, "", "looks odd", "key:a", since)
    async with pool.acquire() as connection:
        await place(connection, [hold])
    other = an_account("Bob", "FR1420041010050500013M02606")
    await details_desk(pool).put("seller-1", "EUR", other, "key:office")
    await Hands(pool, Till()).rounds(2)
    assert await statuses(pool, names) == [P.APPROVED, P.APPROVED, P.SUBMITTED]


async def test_each_rail_takes_its_own(pool: Pool) -> None:
    names = await payouts(pool, "Ann")
    await Hands(pool, Till("nacha")).rounds(2)
    assert await statuses(pool, names) == [P.APPROVED]
    await Hands(pool, Till("sepa")).rounds(1)
    assert await statuses(pool, names) == [P.SUBMITTED]


@pytest.mark.parametrize("fate", ["lost before", "lost after", "raises"])
async def test_a_lost_answer_is_asked_about_first(pool: Pool, fate: str) -> None:
    [name] = await payouts(pool, "Ann")
    till = Till()
    till.fates = [fate]
    hands = Hands(pool, till)
    await hands.rounds(1)
    assert (await desk(pool).payout(name)).reason is SendingReason.UNKNOWN_OUTCOME
    await hands.rounds(3)
    assert [call for call, _ in till.calls][:2] == ["submit", "inquire"]
    till.everything_arrives()
    await hands.rounds(2)
    assert (await desk(pool).payout(name)).status is P.PAID
    assert set(till.paid.values()) == {1}
    assert len(till.batches) == 1


async def test_a_worker_that_lost_its_lease_cannot_write(pool: Pool) -> None:
    [name] = await payouts(pool, "Ann")
    till = Till()
    slow, quick = Hands(pool, till), Hands(pool, till)
    await slow.batching.form(till)
    [held] = await slow.batching.claim("sepa", 1)
    [taken] = await quick.batching.claim("sepa", 1)
    assert taken.fence > held.fence
    assert await quick.learning.settle(taken, await quick.call(taken))
    assert not await slow.learning.settle(held, {name: Failed(FailureReason.OTHER, "late")})
    assert (await desk(pool).payout(name)).status is P.SUBMITTED
    await assert_sound(pool)


async def test_two_workers_at_once_make_one_batch_of_each_payout(pool: Pool) -> None:
    await payouts(pool, *("Ann",) * 12)
    till = Till(max_batch=5)
    both = [Hands(pool, till, lease=timedelta(minutes=1)) for _ in range(2)]
    for _ in range(4):
        await asyncio.gather(*(one.worker.round() for one in both))
    members = [key for keys in till.batches.values() for key in keys]
    assert len(members) == len(set(members)) == 12
    assert set(till.paid.values()) == {1}
    await assert_sound(pool)


async def test_news_in_any_order_and_of_others_change_nothing_twice(
    pool: Pool, database: str
) -> None:
    [name] = await payouts(pool, "returns")
    till = Till()
    hands = Hands(pool, till)
    await hands.rounds(1)
    [key] = till.state
    till.tell("0" * 32, PaidOut("foreign", AT))
    till.tell("not a key of ours", PaidOut("foreign", AT))
    till.everything_arrives()
    till.tell(key, Submitted("late"))
    till.tell(key, PaidOut("late", AT))
    till.told += till.told
    await hands.rounds(3)
    assert (await desk(pool).payout(name)).status is P.RETURNED
    assert await left(pool, "seller-0") == 5_000
    assert await pool.fetchval("select count(*) from wallets.dead_letters") == 0
    await consume(pool)
    assert await findings(database) == {}


async def test_another_amount_is_put_before_a_person(pool: Pool) -> None:
    [name] = await payouts(pool, "Ann")
    till = Till()
    hands = Hands(pool, till)
    await hands.rounds(1)
    made = await desk(pool).payout(name)
    other = type(made.amount)(999, "EUR")
    till.told.append(PayoutNews(made.payout_id.hex, PaidOut("x", AT), "file", other))
    await hands.rounds(1)
    found = await desk(pool).payout(name)
    assert (found.status, found.reason) == (P.SUBMITTED, SendingReason.CONTRADICTION)
    letter = await pool.fetchrow("select * from wallets.dead_letters")
    assert letter is not None
    assert (letter["consumer"], letter["aggregate_id"]) == ("payouts", made.payout_id)
    assert await left(pool, "seller-0") == 4_000


async def test_a_correction_is_kept_sealed_and_shown_by_its_code(
    pool: Pool, owner: PlainConnection
) -> None:
    [name] = await payouts(pool, "Ann")
    till = Till()
    hands = Hands(pool, till)
    await hands.rounds(1)
    made = await desk(pool).payout(name)
    for _ in range(2):
        corrected = Corrected("C01", "account 987654")
        till.told.append(PayoutNews(made.payout_id.hex, corrected, "file"))
    await hands.rounds(2)
    row = await owner.fetchrow("select * from wallets.bank_corrections")
    assert row is not None
    assert "987654" not in str(dict(row))
    assert CIPHER.open(row["sealed"], correction_place(made.payout_id)) == "account 987654"
    [details] = await details_desk(pool).of("seller-0")
    assert details.correction == "C01"
    events = await told(pool, made.payout_id)
    assert [type(event) for event in events] == [PayoutCreated, PayoutSubmitted, PayoutCorrected]
    await assert_sound(pool)


async def test_a_psp_that_takes_back_what_it_said_was_paid_is_believed(
    pool: Pool, database: str
) -> None:
    [name] = await payouts(pool, "Ann")
    till = Till()
    hands = Hands(pool, till)
    await hands.rounds(1)
    [key] = till.state
    till.tell(key, PaidOut("x", AT))
    till.tell(key, Failed(FailureReason.ACCOUNT_CLOSED, "account_closed"))
    await hands.rounds(2)
    assert (await desk(pool).payout(name)).status is P.FAILED
    assert await left(pool, "seller-0") == 5_000
    *_, paid, failed = await told(pool, (await desk(pool).payout(name)).payout_id)
    assert isinstance(paid, PayoutPaid)
    assert isinstance(failed, PayoutFailed)
    assert failed.was_paid
    await consume(pool)
    assert await findings(database) == {}


async def test_a_batch_is_never_changed(pool: Pool, owner: PlainConnection) -> None:
    await payouts(pool, "Ann")
    await Hands(pool, Till()).rounds(1)
    for statement, wall in (
        ("update wallets.payout_batches set total_minor = 1", "append-only"),
        ("update wallets.payouts set batch_id = gen_random_uuid()", "illegal change"),
        ("update wallets.payouts set details_id = gen_random_uuid()", "illegal change"),
    ):
        with pytest.raises(asyncpg.PostgresError, match=wall):
            await owner.execute(statement)


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_lost_and_whoever_dies_nobody_is_paid_twice(
    pool: Pool, database: str, seed: int
) -> None:
    """Random steps of two workers, whose calls are lost and who die between any two of them."""
    names = await payouts(pool, "Ann", "fails", "returns", "Bob", "Cid", "fails")
    luck, till = Luck(seed), Till(max_batch=3)
    hands = Hands(pool, till)
    for _ in range(25):
        till.fates = [luck.of("ok", "ok", "lost before", "lost after", "raises")]
        match luck.of("form", "claim and die", "call and die", "round", "arrive"):
            case "form":
                await hands.batching.form(till)
            case "claim and die":
                await hands.batching.claim("sepa", 2)
            case "call and die":
                for claimed in await hands.batching.claim("sepa", 2):
                    try:
                        await hands.call(claimed)
                    except RuntimeError:
                        continue
            case "round":
                await hands.worker.round()
            case _:
                till.everything_arrives()
    till.fates = []
    for _ in range(4):
        await hands.rounds(3)
        till.everything_arrives()
    assert await statuses(pool, names) == [
        P.PAID, P.FAILED, P.RETURNED, P.PAID, P.PAID, P.FAILED,
    ]  # fmt: skip
    assert max(till.paid.values()) == 1
    assert len({key for keys in till.batches.values() for key in keys}) == 6
    balances = [await left(pool, f"seller-{n}") for n in range(6)]
    assert balances == [4_000, 5_000, 5_000, 4_000, 4_000, 5_000]
    await consume(pool)
    assert await findings(database) == {}
