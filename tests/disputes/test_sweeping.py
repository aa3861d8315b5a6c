"""Disputes that no webhook told of are found in the PSP's own list."""

import asyncio
from datetime import timedelta

import pytest
from tests.disputes.rooms import DisputedBank, execution, learn, learning, only, service, told
from tests.operations.desk import CLOCK, sold
from tests.proof.flow import consume
from tests.proof.test_money_back import findings

from clearhouse.kernel.errors import UnavailableError
from clearhouse.payments.disputes.sweeping import EVERY, DisputeSweep
from clearhouse.postgres.connection import Pool
from clearhouse.psp.disputes import DisputeStage
from clearhouse.workers.disputes import DisputeSweeper, DisputeWorker

TRIED_SOON = (
    "select from payments.dispute_sweeps where next_at between now() and now() + interval '2 min'"
)


def sweep_of(pool: Pool) -> DisputeSweep:
    return DisputeSweep(pool, CLOCK, learning())


async def swept(pool: Pool, bank: DisputedBank) -> int | None:
    """One reading of the list, if it is due; how many disputes were new to us."""
    service_ = sweep_of(pool)
    claimed = await service_.claim("stripe")
    return None if claimed is None else await DisputeSweeper(service_, bank, CLOCK).sweep(claimed)


async def due(pool: Pool) -> None:
    await pool.execute("update payments.dispute_sweeps set next_at = now() - interval '1 second'")


async def test_what_no_webhook_told_of_is_found_once(pool: Pool, database: str) -> None:
    await sold(pool)
    strange = told("lost", reference="du_2", charge="of another").facts
    bank = DisputedBank(listed=[told("lost").facts, strange])
    assert await swept(pool, bank) == 1
    found = await only(pool)
    assert (found.stage, found.psp_reference) == (DisputeStage.LOST, "du_1")
    assert await swept(pool, bank) is None, "it is read once in a while"
    await due(pool)
    assert await swept(pool, bank) == 0
    await consume(pool)
    assert await findings(database) == {}


async def test_the_first_reading_goes_far_back_and_later_ones_overlap(pool: Pool) -> None:
    bank = DisputedBank()
    await swept(pool, bank)
    before = CLOCK.now()
    await due(pool)
    await swept(pool, bank)
    first, second = bank.since
    assert before - first > timedelta(days=180)
    assert timedelta(days=2) < before - second < timedelta(days=4)
    at = await pool.fetchval("select next_at from payments.dispute_sweeps where psp = 'stripe'")
    assert at > before + EVERY / 2


async def test_one_that_moved_on_is_asked_about_by_itself(pool: Pool) -> None:
    await sold(pool)
    await learn(pool, told("needs_response"), told("won", 1))
    assert await pool.fetchval("select count(*) from payments.dispute_work") == 0
    lost = told("lost").facts
    assert await swept(pool, DisputedBank(listed=[lost])) == 0
    assert (await only(pool)).stage is DisputeStage.WON, "the list may be older than the webhook"
    assert await DisputeWorker(execution(pool), DisputedBank(facts=lost), CLOCK).round() == 1
    assert (await only(pool)).stage is DisputeStage.LOST


async def test_a_list_that_breaks_off_is_read_again_from_its_start(pool: Pool) -> None:
    await sold(pool)
    facts = [told("needs_response", reference=f"du_{n}").facts for n in range(150)]
    bank = DisputedBank(listed=facts, unreadable=True)
    with pytest.raises(UnavailableError):
        await swept(pool, bank)
    await due(pool)
    sweeper = DisputeSweeper(sweep_of(pool), bank, CLOCK)
    working = asyncio.create_task(sweeper.run(asyncio.Event()))
    while not await pool.fetch(TRIED_SOON):
        await asyncio.sleep(0.01)
    working.cancel()
    bank.unreadable = False
    await due(pool)
    assert await swept(pool, bank) == 150
    assert bank.since[0] == bank.since[1]


async def test_two_who_read_at_once_make_each_dispute_once(pool: Pool) -> None:
    await sold(pool)
    facts = [told("needs_response", reference=f"du_{n}", amount=5).facts for n in range(20)]
    takers = [sweep_of(pool).take("stripe", facts) for _ in range(4)]
    told_too = [learn(pool, told("needs_response", reference="du_7", amount=5))]
    await asyncio.gather(*takers, *told_too)
    assert len((await service(pool).list_disputes(None, None, 50)).disputes) == 20
    claims = await asyncio.gather(*(sweep_of(pool).claim("stripe") for _ in range(5)))
    assert sum(one is not None for one in claims) == 1
