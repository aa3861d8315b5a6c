"""Stripe Connect and NACHA through the payout worker, with the sandbox: each is paid once."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.ledger.books import CLOCK
from tests.payouts.house import CIPHER, ask, desk, details_desk, left, seller, told, wanted
from tests.payouts.sandbox_bank import Bank, core_over
from tests.payouts.tills import Hands
from tests.proof.flow import consume
from tests.proof.test_money_back import findings
from tests.psp.rails.files import NACHA, Stopped

from clearhouse.messaging.events import PayoutCorrected, PayoutFailed, PayoutPaid
from clearhouse.postgres.connection import PlainConnection, Pool
from clearhouse.psp import rail_registry
from clearhouse.psp.contract import PspConfig
from clearhouse.psp.rails import (
    Batch,
    ConnectedAccount,
    Destination,
    Instruction,
    PayoutNews,
    PayoutOutcome,
    Rail,
    RailConfig,
    UsAccount,
)
from clearhouse.psp.stripe.rail import StripeRail
from clearhouse.sandbox.server import Running, running
from clearhouse.wallets.payouts.details import correction_place
from clearhouse.wallets.payouts.model import PayoutStatus, SendingReason
from clearhouse.wallets.payouts.sending import Patience

P = PayoutStatus
NOW = timedelta(0)
WATCHING = Patience(NOW, NOW, NOW, NOW, timedelta(days=8))
"""Asks at once, and what was paid as well."""


class Killed(BaseException):
    """The worker's process is gone; no handler of it runs any more."""


class Mortal:
    """A rail whose caller dies at one moment, once."""

    def __init__(self, rail: Rail, moment: str) -> None:
        self._rail, self._moment = rail, moment
        self.name, self.max_batch = rail.name, rail.max_batch

    def refusal(self, instruction: Instruction) -> str | None:
        return self._rail.refusal(instruction)

    async def submit(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        self._die("called")
        answer = await self._rail.submit(batch)
        self._die("answered")
        return answer

    async def inquire(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        answer = await self._rail.inquire(batch)
        self._die("asked")
        return answer

    async def news(self, cursor: str | None) -> tuple[Sequence[PayoutNews], str | None]:
        news, following = await self._rail.news(cursor)
        if news:
            self._die("read")
        return news, following

    async def close(self) -> None:
        await self._rail.close()

    def _die(self, moment: str) -> None:
        if self._moment == moment:
            self._moment = ""
            raise Killed


async def payouts(pool: Pool, destinations: Sequence[Destination]) -> list[str]:
    """A payout of 10.00, 10.01, ... USD to each of some accounts."""
    names: list[str] = []
    for number, account in enumerate(destinations):
        await seller(pool, f"seller-{number}", 5_000, currency="USD", account=account)
        what = wanted(f"seller-{number}", 1_000 + number, currency="USD")
        names.append((await ask(pool, what)).public_id)
    return names


async def statuses(pool: Pool, names: Sequence[str]) -> list[PayoutStatus]:
    return [(await desk(pool).payout(name)).status for name in names]


async def balances(pool: Pool, count: int) -> list[int]:
    return [await left(pool, f"seller-{number}", "USD") for number in range(count)]


async def all_agree(pool: Pool, database: str) -> None:
    await consume(pool)
    assert await findings(database) == {}
    assert await pool.fetchval("select count(*) from wallets.dead_letters") == 0


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running() as box:
        yield box


@pytest.fixture
async def connect(sandbox: Running) -> AsyncIterator[StripeRail]:
    psp = PspConfig({"secret_key": "sk_test_worker"}, sandbox.base_url, 30.0, 4)
    rail = rail_registry.create("stripe", RailConfig({}, psp))
    assert isinstance(rail, StripeRail)
    yield rail
    await rail.close()


def pass_days(box: Running, days: int) -> None:
    address = f"{box.base_url}/_sandbox/clock"
    assert httpx.post(address, json={"days": days}, trust_env=False).status_code == 200


def at_stripe(box: Running, kind: str) -> list[dict[str, Any]]:
    rows = box.core.truth.execute("SELECT body FROM objects WHERE kind = ? ORDER BY seq", (kind,))
    return [json.loads(row[0]) for row in rows]


def accounts(*names: str) -> list[Destination]:
    return [ConnectedAccount(f"acct_{name}") for name in names]


async def test_stripe_pays_and_takes_back_what_it_said_was_paid(
    pool: Pool, database: str, sandbox: Running, connect: StripeRail
) -> None:
    names = await payouts(pool, accounts("seller_1", "1_fails", "1_fails_late", "1_refuses"))
    hands = Hands(pool, connect, patience=WATCHING)
    lives: list[list[PayoutStatus]] = []
    for days in (0, 1, 2, 3, 1):
        pass_days(sandbox, days)
        await hands.rounds(2)
        lives.append(await statuses(pool, names))
    assert lives == [
        [P.SUBMITTED, P.SUBMITTED, P.SUBMITTED, P.FAILED],
        [P.SUBMITTED, P.FAILED,    P.SUBMITTED, P.FAILED],
        [P.PAID,      P.FAILED,    P.PAID,      P.FAILED],
        [P.PAID,      P.FAILED,    P.FAILED,    P.FAILED],
        [P.PAID,      P.FAILED,    P.FAILED,    P.FAILED],
    ]  # fmt: skip
    assert await balances(pool, 4) == [4_000, 5_000, 5_000, 5_000]
    late = await told(pool, (await desk(pool).payout(names[2])).payout_id)
    assert [type(event) for event in late[-2:]] == [PayoutPaid, PayoutFailed]
    assert [event.was_paid for event in late if isinstance(event, PayoutFailed)] == [True]
    await all_agree(pool, database)
    books = await pool.fetch("select code, balance_minor from ledger.accounts order by 1")
    found = {row["code"]: row["balance_minor"] for row in books}
    assert found["psp_receivable:stripe:USD"] == -1_000
    transfers = at_stripe(sandbox, "transfer")
    assert sorted(each["reversed"] for each in transfers) == [False, True, True, True]
    assert len(at_stripe(sandbox, "transfer_reversal")) == 3


@pytest.mark.parametrize("moment", ["formed", "called", "transferred", "answered", "asked"])
async def test_whenever_the_worker_dies_stripe_is_asked_for_one_transfer(
    pool: Pool, database: str, sandbox: Running, connect: StripeRail,
    moment: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    names = await payouts(pool, accounts("seller_1", "1_fails_late"))
    dying = Hands(pool, Mortal(connect, moment), patience=WATCHING)
    if moment == "formed":
        await dying.batching.form(connect)
        await dying.batching.claim("stripe", 1)
    else:
        if moment == "transferred":

            async def die(_each: Instruction) -> None:
                raise Killed

            monkeypatch.setattr(connect, "_send_payout", die)
        with pytest.raises(Killed):
            await dying.rounds(3)
        monkeypatch.undo()
    survivor = Hands(pool, connect, patience=WATCHING)
    for days in (0, 2, 3, 1):
        pass_days(sandbox, days)
        await survivor.rounds(3)
    assert await statuses(pool, names) == [P.PAID, P.FAILED]
    assert await balances(pool, 2) == [4_000, 5_000]
    keys = [each["transfer_group"] for each in at_stripe(sandbox, "transfer")]
    assert Counter(keys) == Counter({name.removeprefix("po_"): 1 for name in names})
    assert len(at_stripe(sandbox, "payout")) == 2
    await all_agree(pool, database)


@pytest.mark.parametrize("operation", ["transfer", "payout"])
async def test_what_stripe_did_not_answer_is_asked_about(
    pool: Pool, sandbox: Running, connect: StripeRail, operation: str
) -> None:
    [name] = await payouts(pool, accounts("seller_1"))
    order = {"fault": "lost-answer", "psp": "stripe", "operation": operation, "times": 1}
    address = f"{sandbox.base_url}/_sandbox/faults"
    assert httpx.post(address, json=order, trust_env=False).status_code == 200
    hands = Hands(pool, connect, patience=WATCHING)
    await hands.rounds(1)
    assert (await desk(pool).payout(name)).reason is SendingReason.UNKNOWN_OUTCOME
    await hands.rounds(2)
    assert (await desk(pool).payout(name)).reason is SendingReason.UNDER_WAY
    assert len(at_stripe(sandbox, "transfer")) == len(at_stripe(sandbox, "payout")) == 1


@dataclass
class AmericanBank(Bank):
    """The sandbox's bank, and the rail that shares its folder and its clock."""

    rail: Rail
    clock: Stopped

    def pass_days(self, days: float) -> None:
        self.clock.time += timedelta(days=days)
        self.work(days=days)


def american_bank(folder: Path) -> AmericanBank:
    clock = Stopped(CLOCK.now())
    return AmericanBank(core_over(folder), NACHA.rail(folder / "nacha", clock), clock)


def people(*holders: str) -> list[Destination]:
    return [UsAccount("021000021", f"1234567{n}", holder) for n, holder in enumerate(holders)]


async def live(pool: Pool, bank: AmericanBank, hands: Hands) -> None:
    """Ten days, each with its files."""
    for days in (0, 0, 1, 1, 1, 1, 2, 2, 2):
        bank.pass_days(days)
        await hands.rounds(3)


async def test_nacha_pays_in_silence_and_brings_returns_and_corrections(
    pool: Pool, database: str, owner: PlainConnection, tmp_path: Path
) -> None:
    bank = american_bank(tmp_path)
    names = await payouts(pool, people("Ann Seller", "Return R02", "Change C01"))
    hands = Hands(pool, bank.rail)
    await hands.rounds(2)
    assert await statuses(pool, names) == [P.SUBMITTED] * 3
    await live(pool, bank, hands)
    assert await statuses(pool, names) == [P.PAID, P.RETURNED, P.PAID]
    assert await balances(pool, 3) == [4_000, 5_000, 3_998]
    corrected = await desk(pool).payout(names[2])
    events = await told(pool, corrected.payout_id)
    assert [type(event) for event in events].count(PayoutCorrected) == 1
    [details] = await details_desk(pool).of("seller-2")
    assert details.correction == "C01"
    sealed = await owner.fetchval("select sealed from wallets.bank_corrections")
    assert CIPHER.open(sealed, correction_place(corrected.payout_id))
    assert sorted(one["status"] for one in bank.payments()) == ["paid", "paid", "returned"]
    await all_agree(pool, database)


@pytest.mark.parametrize("moment", ["formed", "called", "answered", "asked", "read"])
async def test_whenever_the_worker_dies_the_american_bank_pays_once(
    pool: Pool, database: str, tmp_path: Path, moment: str
) -> None:
    bank = american_bank(tmp_path)
    names = await payouts(pool, people("Ann Seller", "Return R02", "Change C01"))
    dying = Hands(pool, Mortal(bank.rail, moment))
    if moment == "formed":
        await dying.batching.form(bank.rail)
        await dying.batching.claim("nacha", 1)
    else:
        with pytest.raises(Killed):
            await live(pool, bank, dying)
    await live(pool, bank, Hands(pool, bank.rail))
    assert await statuses(pool, names) == [P.PAID, P.RETURNED, P.PAID]
    assert await balances(pool, 3) == [4_000, 5_000, 3_998]
    keys = [one["key"] for one in bank.payments()]
    assert len(keys) == len(set(keys)) == 3
    assert len(list((tmp_path / "nacha" / "kept").iterdir())) == 1
    assert await pool.fetchval("select count(*) from wallets.bank_corrections") == 1
    await all_agree(pool, database)
