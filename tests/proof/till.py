"""A PSP in the test's own process: it loses answers, charges once per key, and keeps books.

What it does to a call follows from the seed, the order and how often that order was called,
and so not from the machine's speed.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from clearhouse.kernel.randomness import SeededRandomness
from clearhouse.psp.contract import (
    Capabilities,
    ChargeRequest,
    Declined,
    DeclineReason,
    NotCharged,
    PspOutcome,
    PspRecord,
    Retry,
    Succeeded,
    Unknown,
)

_DECLINED = 0.15
DECLINED = Declined(DeclineReason.CARD_DECLINED, Retry.SOFT, "no")
LOST = Unknown("the answer was lost")


@dataclass
class Till:
    """Charges, look-ups and records, with shares of faults; ``lifetime`` is that of its keys."""

    seed: int
    lifetime: timedelta = timedelta(days=1)
    lost_requests: float = 0.25
    lost_answers: float = 0.3
    name: str = "stripe"
    by_key: dict[str, PspRecord | None] = field(default_factory=dict[str, PspRecord | None])
    calls: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def capabilities(self) -> Capabilities:
        at_once = timedelta(0)
        return Capabilities(255, self.lifetime, False, look_up_proves_after=at_once)

    async def charge(self, request: ChargeRequest) -> PspOutcome:
        """Charge once per key, where the request arrives at all."""
        number = self.calls[request.payment_order_id] = (
            self.calls.get(request.payment_order_id, 0) + 1
        )
        luck = self.luck(request.payment_order_id, number)
        if luck < self.lost_requests:
            return LOST
        if request.idempotency_key not in self.by_key:
            self.by_key[request.idempotency_key] = self._decide(request)
        return (
            LOST
            if luck < self.lost_requests + self.lost_answers
            else _told(self.by_key[request.idempotency_key])
        )

    async def look_up(self, request: ChargeRequest) -> PspOutcome:
        """What was charged for the order, or what became of the key."""
        for record in self.by_key.values():
            if record is not None and record.payment_order_id == request.payment_order_id:
                return _told(record)
        if request.idempotency_key in self.by_key:
            return DECLINED
        return NotCharged("no charge of this order")

    async def record(self, psp_reference: str) -> PspRecord | None:
        found = (one for one in self.by_key.values() if one is not None)
        return next((one for one in found if one.psp_reference == psp_reference), None)

    async def records(self, since: datetime, until: datetime) -> AsyncIterator[PspRecord]:
        for record in list(self.by_key.values()):
            if record is not None and since <= record.created_at <= until:
                yield record

    async def close(self) -> None:
        pass

    def luck(self, *of: object) -> float:
        """A number in 0..1 that is always the same for the same things of the same seed."""
        return luck(self.seed, *of)

    def _decide(self, request: ChargeRequest) -> PspRecord | None:
        if self.luck(request.payment_order_id, "declined") < _DECLINED:
            return None
        reference = f"pi_{len(self.by_key)}_{request.idempotency_key}"
        now = datetime.now(UTC)
        order = request.payment_order_id
        return PspRecord(reference, order, request.amount, True, "succeeded", now)


def luck(seed: int, *of: object) -> float:
    number = int.from_bytes(repr((seed, of)).encode(), "big")
    return SeededRandomness(number).uniform(0, 1)


def _told(record: PspRecord | None) -> PspOutcome:
    return DECLINED if record is None else Succeeded(record.psp_reference, record.amount)
