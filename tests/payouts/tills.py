"""A rail in memory whose answers get lost, and the worker that pays over it."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from tests.ledger.books import CLOCK, IDS
from tests.payouts.house import CIPHER, POLICY

from clearhouse.postgres.connection import Pool
from clearhouse.psp.contract import Unknown
from clearhouse.psp.rails import (
    BankAccount,
    Batch,
    Failed,
    FailureReason,
    Instruction,
    NotSent,
    PaidOut,
    PayoutNews,
    PayoutOutcome,
    Rail,
    Returned,
    Submitted,
)
from clearhouse.wallets.payouts.batching import Batching, ClaimedBatch
from clearhouse.wallets.payouts.learning import PayoutLearning
from clearhouse.wallets.payouts.policy import PayoutPolicy
from clearhouse.wallets.payouts.sending import Call, Patience
from clearhouse.wallets.service import WalletService
from clearhouse.workers.payouts import PayoutWorker

AT = datetime(2026, 11, 25, 6, tzinfo=UTC)
AT_ONCE = Patience(timedelta(0), timedelta(0), timedelta(0), timedelta(0), timedelta(0))


class Till:
    """The protocol Rail, with a truth: what was paid, by key, and how often.

    Holders named ``fails`` and ``returns`` are treated so. ``fates`` say what becomes of the next
    calls: ``ok``, ``lost before`` (nothing is sent and no answer), ``lost after``, ``raises``.
    """

    def __init__(self, name: str = "sepa", max_batch: int = 100) -> None:
        self.name, self.max_batch = name, max_batch
        self.fates: list[str] = []
        self.calls: list[tuple[str, str]] = []
        self.paid: Counter[str] = Counter()
        self.batches: dict[str, tuple[str, ...]] = {}
        self.state: dict[str, str] = {}
        self.told: list[PayoutNews] = []

    def refusal(self, instruction: Instruction) -> str | None:
        account = instruction.destination
        if isinstance(account, BankAccount) and account.holder == "refused":
            return "It pays nobody of this name."
        return None

    async def submit(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        fate = self._fate("submit", batch)
        if fate != "lost before":
            self._send(batch)
        return self._answer(fate, batch)

    async def inquire(self, batch: Batch) -> Mapping[str, PayoutOutcome]:
        return self._answer(self._fate("inquire", batch), batch)

    async def news(self, cursor: str | None) -> tuple[Sequence[PayoutNews], str | None]:
        start = int(cursor or 0)
        return self.told[start:], str(len(self.told)) if len(self.told) > start else cursor

    async def close(self) -> None:
        pass

    def tell(self, key: str, outcome: PayoutOutcome) -> None:
        """News about a payout."""
        self.told.append(PayoutNews(key, outcome, f"file {len(self.told)}"))

    def everything_arrives(self) -> None:
        """What was sent reaches its sellers, or does not."""
        for key, state in list(self.state.items()):
            if state == "sent":
                self.state[key] = "paid"
                self.tell(key, self.outcome(key))
            if state == "returns":
                self.tell(key, PaidOut("x", AT))
                self.tell(key, Returned(FailureReason.ACCOUNT_CLOSED, "AC04", AT))
                self.state[key] = "returned"

    def outcome(self, key: str) -> PayoutOutcome:
        """What the rail knows of a payout now."""
        match self.state.get(key):
            case None:
                return NotSent("nothing of it left")
            case "failed":
                return Failed(FailureReason.ACCOUNT_CLOSED, "AC04")
            case "paid":
                return PaidOut(f"ref-{key[:8]}", AT)
            case "returned":
                return Returned(FailureReason.ACCOUNT_CLOSED, "AC04", AT)
            case _:
                return Submitted("file-1")

    def _send(self, batch: Batch) -> None:
        for each in batch.instructions:
            # The contract: the same again is harmless.
            if each.key not in self.state:
                account = each.destination
                holder = account.holder if isinstance(account, BankAccount) else ""
                self.paid[each.key] += 1
                self.state[each.key] = {"fails": "failed", "returns": "returns"}.get(holder, "sent")
                if holder == "fails":
                    self.paid[each.key] -= 1

    def _fate(self, call: str, batch: Batch) -> str:
        keys = tuple(each.key for each in batch.instructions)
        first = self.batches.setdefault(batch.batch_id, keys)
        assert set(keys) <= set(first), "a batch has got new members"
        self.calls.append((call, batch.batch_id))
        return self.fates.pop(0) if self.fates else "ok"

    def _answer(self, fate: str, batch: Batch) -> Mapping[str, PayoutOutcome]:
        if fate == "raises":
            raise RuntimeError("a bug in the rail")
        lost = Unknown("timeout")
        return {
            each.payout_id: self.outcome(each.key) if fate == "ok" else lost
            for each in batch.instructions
        }


class Hands:
    """The steps of a worker, to be taken one by one, or by the worker itself."""

    def __init__(
        self,
        pool: Pool,
        rail: Rail,
        policy: PayoutPolicy = POLICY,
        *,
        lease: timedelta = timedelta(0),
        patience: Patience = AT_ONCE,
    ) -> None:
        wallets = WalletService(pool, IDS, CLOCK)
        self.rail = rail
        self.batching = Batching(pool, CLOCK, IDS, wallets, CIPHER, policy, lease=lease)
        self.learning = PayoutLearning(pool, CLOCK, wallets, CIPHER, patience=patience)
        self.worker = PayoutWorker(
            self.batching, self.learning, rail, CLOCK, lease=lease, news_every=timedelta(0)
        )

    async def call(self, claimed: ClaimedBatch) -> Mapping[str, PayoutOutcome]:
        if claimed.call is Call.SUBMIT:
            return await self.rail.submit(claimed.batch)
        return await self.rail.inquire(claimed.batch)

    async def rounds(self, count: int = 4) -> None:
        for _ in range(count):
            await self.worker.round()


class Luck:
    """Which step is taken next, from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def of(self, *words: str) -> str:
        return self._random.choice(words)
