"""Disputes for the tests of the room: services on a pool, and a PSP of our own making."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tests.operations.desk import CLOCK, IDS, SOLD
from tests.payments.rooms import KEY, POLICY

from clearhouse.kernel.errors import UnavailableError
from clearhouse.kernel.money import Money
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.payments.disputes.answering import AnswerKind, NewAnswer
from clearhouse.payments.disputes.answers import AnswerIntake, DisputeExecution
from clearhouse.payments.disputes.learning import DisputeLearning
from clearhouse.payments.disputes.model import BorneBy, Dispute, LearntDispute
from clearhouse.payments.disputes.service import DisputeService
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.psp.disputes import DisputeFacts, DisputeStage, Evidence
from clearhouse.psp.operations import Done, OperationOutcome

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
DELIVERED = Evidence("It was delivered.", {"tracking_number": "LX 44"})


def told(
    stage: str,
    hour: int = 0,
    *,
    amount: int = SOLD,
    reference: str = "du_1",
    charge: str = "pi_cart-0",
    due: datetime | None = None,
) -> LearntDispute:
    """A dispute as a webhook of that hour tells it."""
    facts = DisputeFacts(
        reference, charge, Money(amount, "USD"), DisputeStage(stage), "fraudulent", MOMENT, due
    )
    return LearntDispute("stripe", facts, MOMENT + timedelta(hours=hour))


def learning(borne_by: BorneBy = BorneBy.SELLER) -> DisputeLearning:
    return DisputeLearning(CLOCK, IDS, borne_by)


async def learn(
    pool: Pool, *facts: LearntDispute, borne_by: BorneBy = BorneBy.SELLER
) -> list[bool]:
    async def work(connection: Connection) -> list[bool]:
        return await learning(borne_by).learn(connection, facts)

    return await in_transaction(pool, CLOCK, work)


def service(pool: Pool) -> DisputeService:
    return DisputeService(pool, AnswerIntake(pool, CLOCK, IDS, lifetime=timedelta(hours=1)))


def execution(pool: Pool, *, lease: timedelta = timedelta(seconds=30)) -> DisputeExecution:
    return DisputeExecution(pool, CLOCK, SystemRandomness(), learning(), policy=POLICY, lease=lease)


async def only(pool: Pool) -> Dispute:
    [found] = (await service(pool).list_disputes(None, None, 10)).disputes
    assert await service(pool).dispute(found.public_id) == found
    return found


def an_answer(
    dispute_id: str,
    kind: AnswerKind = AnswerKind.EVIDENCE,
    *,
    key: str | None = None,
    body: bytes = b"x" * 32,
    api_key: UUID = KEY,
) -> NewAnswer:
    """A request as the API hands it over; its answer is the answer's id."""
    return NewAnswer(
        api_key_id=api_key,
        idempotency_key=key or f"h:{IDS.new()}",
        body_hash=body,
        dispute_id=dispute_id,
        kind=kind,
        evidence=DELIVERED if kind is AnswerKind.EVIDENCE else Evidence("", {}),
        render=lambda answer, _: answer.public_id.encode(),
    )


Says = Callable[[int], OperationOutcome | None]


@dataclass
class DisputedBank:
    """A PSP with one dispute; ``says`` is what the caller of call n hears, None for the truth.

    ``arrives`` says whether call n reaches it; ``unreadable`` that disputes cannot be read.
    """

    facts: DisputeFacts = field(default_factory=lambda: told("needs_response").facts)
    says: Says = lambda _call: None
    arrives: Callable[[int], bool] = lambda _call: True
    unreadable: bool = False
    name: str = "stripe"
    sent: list[Evidence | None] = field(default_factory=list[Evidence | None])
    calls: int = 0
    reads: int = 0
    listed: list[DisputeFacts] = field(default_factory=list[DisputeFacts])
    since: list[datetime] = field(default_factory=list[datetime])

    async def dispute(self, psp_reference: str) -> DisputeFacts | None:
        self.reads += 1
        if self.unreadable:
            raise UnavailableError("The PSP does not answer.")
        return self.facts if psp_reference == self.facts.psp_reference else None

    async def disputes_of(self, charge_reference: str) -> tuple[DisputeFacts, ...]:
        return (self.facts,) if charge_reference == self.facts.charge_reference else ()

    async def disputes_since(self, since: datetime) -> AsyncIterator[DisputeFacts]:
        self.since.append(since)
        for number, facts in enumerate(self.listed):
            if self.unreadable and number:
                raise UnavailableError("The PSP stops in the middle.")
            yield facts

    async def send_evidence(self, psp_reference: str, evidence: Evidence) -> OperationOutcome:
        return self._answered(evidence, DisputeStage.UNDER_REVIEW)

    async def accept_dispute(self, psp_reference: str) -> OperationOutcome:
        return self._answered(None, DisputeStage.ACCEPTED)

    def decide(self, stage: DisputeStage) -> None:
        """The bank decides, and no webhook comes."""
        self.facts = replace(self.facts, stage=stage)

    def _answered(self, evidence: Evidence | None, stage: DisputeStage) -> OperationOutcome:
        self.calls += 1
        if self.arrives(self.calls) and evidence not in self.sent:
            self.sent.append(evidence)
            self.decide(stage)
        return self.says(self.calls) or Done(self.facts.psp_reference)
