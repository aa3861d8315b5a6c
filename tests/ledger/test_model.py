"""The set-based posting agrees with a ledger that books one entry after the other, in Python."""

import random
from uuid import UUID

import pytest
from tests.ledger.books import assert_sound, asset, entry, kept, liability, outcomes, post

from clearhouse.ledger import store
from clearhouse.ledger.model import Account, JournalEntry, Line, Outcome
from clearhouse.postgres.connection import Pool

FREE = [asset("a0"), liability("l0"), liability("l1")]
FLOORED = [liability("f0", floor=0), asset("f1", floor=0), liability("f2", floor=-500)]


class Reference:
    """What posting means, said as plainly as possible."""

    def __init__(self) -> None:
        self.balances: dict[str, int] = {}
        self.booked: set[tuple[UUID, str]] = set()
        self.after: dict[UUID, list[tuple[int, int]]] = {}

    def post(self, entry: JournalEntry) -> Outcome:
        if (entry.source_id, entry.kind) in self.booked:
            return Outcome.DUPLICATE
        balances = dict(self.balances)
        after: list[tuple[int, int]] = []
        for line in entry.lines:
            for account, sign in ((line.debit, 1), (line.credit, -1)):
                change = sign * line.amount_minor * (1 if account.type.grows_by_debit else -1)
                balances[account.code] = balances.get(account.code, 0) + change
            after.append((balances[line.debit.code], balances[line.credit.code]))
        for line in entry.lines:
            for account in (line.debit, line.credit):
                if account.floor_minor is not None and balances[account.code] < account.floor_minor:
                    return Outcome.OVERDRAWN
        self.booked.add((entry.source_id, entry.kind))
        self.balances = balances
        self.after[entry.source_id] = after
        return Outcome.POSTED


def random_entry(chance: random.Random, accounts: list[Account]) -> JournalEntry:
    lines: list[Line] = []
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        debit, credit = chance.sample(accounts, 2)
        lines.append(Line(debit, credit, chance.randint(1, 300)))
    return entry(*lines)


def random_batch(chance: random.Random, earlier: list[JournalEntry]) -> list[JournalEntry]:
    batch: list[JournalEntry] = []
    for _ in range(chance.randint(1, 30)):
        what = chance.random()
        if what < 0.1 and earlier:
            batch.append(chance.choice(earlier))
        elif what < 0.3:
            batch.append(random_entry(chance, FREE))
            if chance.random() < 0.3:
                batch.append(batch[-1])
        else:
            batch.append(random_entry(chance, FREE + FLOORED))
    return batch


@pytest.mark.parametrize("seed", range(3))
async def test_a_batch_means_what_its_entries_mean_one_by_one(pool: Pool, seed: int) -> None:
    chance, reference = random.Random(seed), Reference()
    booked: list[JournalEntry] = []
    seen: set[Outcome] = set()
    for _ in range(25):
        batch = random_batch(chance, booked)
        expected = [reference.post(entry) for entry in batch]
        answers = await post(pool, batch)
        assert outcomes(answers) == expected
        seen.update(expected)
        booked += [found.entry for found in answers if found.outcome is Outcome.POSTED]
    assert seen == {Outcome.POSTED, Outcome.DUPLICATE, Outcome.OVERDRAWN}
    balances = await kept(pool)
    assert balances == {code: reference.balances.get(code, 0) for code in balances}
    for one in chance.sample(booked, 40):
        postings = await store.entries_of(pool, one.source_id)
        found = [posting.balance_after.minor for posting in postings]
        assert list(zip(found[::2], found[1::2], strict=True)) == reference.after[one.source_id]
    await assert_sound(pool)
