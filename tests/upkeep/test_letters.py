"""Dead letters: a dry run that leaves no trace, a replay that is done once, and who did it."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest
from tests.operations.desk import Desk, RefundingPsp, sold
from tests.proof.flow import pay

from clearhouse.access.audit_log import deeds_on
from clearhouse.bootstrap import Role, Runtime, consumers
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.errors import Conflict, NotFound
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.upkeep.letters import DeadLetters, fields_of

CLOCK = SystemClock()
IDS = Ids(CLOCK, SystemRandomness())
ADA = {"actor": "ada", "reason": "mended"}


def letters_of(pool: Pool) -> DeadLetters:
    runtime = Runtime(pool, CLOCK, IDS, SystemRandomness())
    readers = [one.subscription for one in consumers(runtime, Role)]
    return DeadLetters(pool, CLOCK, IDS, readers)


async def bury(
    owner: PlainConnection, order_id: UUID, payload: str, *, reader: str = "ledger.payments"
) -> str:
    """A letter as a consumer of the ledger leaves it; returns its name."""
    number = await owner.fetchval(
        "insert into ledger.dead_letters (consumer, type, aggregate_id, version, payload, error)"
        " values ($1, 'payment_order.succeeded', $2, 3, $3, 'ValueError: broken') returning id",
        reader, order_id, payload,
    )  # fmt: skip
    return f"ledger:{number}"


async def buried_sale(pool: Pool, owner: PlainConnection) -> tuple[str, UUID]:
    """A sale that the ledger could not book."""
    await pay(pool, ["a"])
    row = await owner.fetchrow(
        "select aggregate_id, payload from payments.outbox where type = 'payment_order.succeeded'"
    )
    assert row is not None
    return await bury(owner, row["aggregate_id"], row["payload"]), row["aggregate_id"]


async def booked(owner: PlainConnection) -> int:
    count: int = await owner.fetchval("select count(*) from ledger.journal_entries")
    return count


async def test_a_dry_run_shows_the_entry_and_leaves_no_trace(
    pool: Pool, owner: PlainConnection
) -> None:
    name, order_id = await buried_sale(pool, owner)
    shown = await letters_of(pool).replay(name, **ADA, dry=True)
    assert shown.failure is None
    assert shown.entry is not None
    assert shown.entry.source_id == order_id
    assert await booked(owner) == 0
    assert [one.name for one in await letters_of(pool).list(resolved=False, limit=9)] == [name]
    assert await deeds_on(pool, f"dead letter {name}") == []


async def test_a_replay_books_resolves_and_is_written_down_once(
    pool: Pool, owner: PlainConnection
) -> None:
    name, _ = await buried_sale(pool, owner)
    letters = letters_of(pool)
    assert (await letters.replay(name, **ADA, dry=False)).failure is None
    assert await booked(owner) == 1
    assert await letters.list(resolved=False, limit=9) == []
    letter, deeds = await letters.show(name)
    assert letter.resolution == "replay by ada: mended"
    assert [(d.actor, d.action, d.reason) for d in deeds] == [
        ("ada", "dead-letters replay", "mended")
    ]
    with pytest.raises(Conflict, match="resolved already"):
        await letters.replay(name, **ADA, dry=False)
    assert await booked(owner) == 1


@pytest.mark.parametrize("dry", [True, False])
async def test_a_letter_that_still_fails_stays(
    pool: Pool, owner: PlainConnection, dry: bool
) -> None:
    name = await bury(owner, IDS.new(), "no json")
    done = await letters_of(pool).replay(name, **ADA, dry=dry)
    assert done.failure is not None
    assert [one.name for one in await letters_of(pool).list(resolved=False, limit=9)] == [name]
    assert await deeds_on(pool, f"dead letter {name}") == []


async def test_a_letter_about_an_open_order_has_its_psp_asked_at_once(
    pool: Pool, owner: PlainConnection
) -> None:
    await pay(pool, ["a"])
    order_id = await owner.fetchval("select order_id from payments.payment_orders limit 1")
    raised = (
        "insert into payments.dead_letters (consumer, type, aggregate_id, version, payload, error)"
        " values ('lifecycle', 'outcome', $1, $2, 'Unknown()', 'waits') returning id"
    )
    final = await owner.fetchval(raised, order_id, 1)
    letters = letters_of(pool)
    with pytest.raises(Conflict, match="is final"):
        await letters.replay(f"payments:{final}", **ADA, dry=False)
    open_order = IDS.new()
    await owner.execute(
        "insert into payments.work (order_id, psp, next_at) values ($1, 'stripe', 'infinity')",
        open_order,
    )
    number = await owner.fetchval(raised, open_order, 1)
    await letters.replay(f"payments:{number}", **ADA, dry=False)
    assert await owner.fetchval(
        "select next_at <= now() from payments.work where order_id = $1", open_order
    )


async def test_a_letter_about_a_refund_under_way_has_its_psp_asked_at_once(
    pool: Pool, owner: PlainConnection
) -> None:
    desk = Desk(pool)
    refund = await desk.refund(await sold(pool), 400)
    await owner.execute("update payments.operation_work set next_at = 'infinity'")
    number = await owner.fetchval(
        "insert into payments.dead_letters (consumer, type, aggregate_id, version, payload, error)"
        " values ('time_limit.operation.processing', 'outcome', $1, 1, 'Waiting()', 'waits')"
        " returning id",
        refund.operation_id,
    )
    letters = letters_of(pool)
    shown = await letters.replay(f"payments:{number}", **ADA, dry=True)
    assert "about the operation at once" in shown.effect
    assert await owner.fetchval("select next_at = 'infinity' from payments.operation_work")
    await letters.replay(f"payments:{number}", **ADA, dry=False)
    assert await owner.fetchval("select next_at <= now() from payments.operation_work")
    await desk.settled(RefundingPsp())


async def test_a_discarded_letter_is_kept_with_its_reason(
    pool: Pool, owner: PlainConnection
) -> None:
    name = await bury(owner, IDS.new(), "{}")
    letters = letters_of(pool)
    await letters.discard(name, actor="grace", reason="booked by hand")
    assert await letters.list(resolved=False, limit=9) == []
    [kept] = await letters.list(resolved=True, limit=9)
    assert kept.resolution == "discard by grace: booked by hand"
    with pytest.raises(Conflict):
        await letters.discard(name, actor="grace", reason="again")


async def test_a_consumer_that_is_gone_replays_nothing(pool: Pool, owner: PlainConnection) -> None:
    name = await bury(owner, IDS.new(), "{}", reader="ledger.old")
    with pytest.raises(Conflict, match=r"ledger\.old"):
        await letters_of(pool).replay(name, **ADA, dry=True)


@pytest.mark.parametrize("name", ["", "ledger", "ledger:", "ledger:1", "nobody:1", "ledger:²", "1"])
async def test_what_is_no_letter_is_not_found(pool: Pool, name: str) -> None:
    with pytest.raises(NotFound):
        await letters_of(pool).show(name)


@pytest.mark.parametrize(
    "statement",
    ["update access.audit_log set actor = 'x'", "delete from access.audit_log",
     "truncate access.audit_log"],
)  # fmt: skip
async def test_the_audit_log_only_grows(pool: Pool, owner: PlainConnection, statement: str) -> None:
    name = await bury(owner, IDS.new(), "{}")
    await letters_of(pool).discard(name, actor="ada", reason="x")
    with pytest.raises(asyncpg.CheckViolationError, match="append-only"):
        await owner.execute(statement)


async def test_a_payload_that_is_no_event_has_no_fields(pool: Pool, owner: PlainConnection) -> None:
    found: Sequence[object] = []
    for payload in ("Unknown('x')", "[1]", '{"payment_order_id": "a"}'):
        await bury(owner, IDS.new(), payload)
    found = [fields_of(one) for one in await letters_of(pool).list(resolved=False, limit=9)]
    assert found == [{}, {}, {"payment_order_id": "a"}]
