"""What others ask of disputes: one, all there are, and to answer one."""

from uuid import UUID

from clearhouse.access.replay import IntakeAnswer
from clearhouse.kernel.errors import NotFound
from clearhouse.payments.disputes import store
from clearhouse.payments.disputes.answering import Answer, NewAnswer
from clearhouse.payments.disputes.answers import AnswerIntake
from clearhouse.payments.disputes.model import Dispute, DisputePage
from clearhouse.postgres.connection import Pool
from clearhouse.psp.disputes import DisputeStage


class DisputeService:
    """Reads disputes, on the primary, like everything, and takes in their answers."""

    def __init__(self, pool: Pool, intake: AnswerIntake) -> None:
        self._pool = pool
        self._intake = intake

    async def answer(self, wanted: NewAnswer) -> IntakeAnswer:
        """Store an answer durably or replay the API's own; see ``AnswerIntake.accept``."""
        return await self._intake.accept(wanted)

    async def answers_of(self, public_id: str) -> list[Answer]:
        """All answers to a dispute, oldest first. Raises NotFound."""
        return await store.answers_of(self._pool, (await self.dispute(public_id)).dispute_id)

    async def dispute(self, public_id: str) -> Dispute:
        """One dispute. Raises NotFound."""
        identity = store.dispute_id_of(public_id)
        found = await store.dispute_by_id(self._pool, identity) if identity else None
        if found is None:
            raise NotFound("There is no dispute with this id.")
        return found

    async def list_disputes(
        self, before: UUID | None, stage: DisputeStage | None, limit: int
    ) -> DisputePage:
        """Disputes newest first, at most ``limit``; ``before`` is the last page's."""
        found = await store.list_disputes(self._pool, before, stage, limit + 1)
        page = found[:limit]
        return DisputePage(page, page[-1].dispute_id if len(found) > limit else None)
