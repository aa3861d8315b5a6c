"""What others ask of disputes: one, all of an order, or all there are."""

from typing import Final
from uuid import UUID

from clearhouse.kernel.errors import NotFound
from clearhouse.payments.disputes import store
from clearhouse.payments.disputes.model import Dispute, DisputePage
from clearhouse.postgres.connection import Pool
from clearhouse.psp.disputes import DisputeStage

_MARK: Final = "dp_"


class DisputeService:
    """Reads disputes, on the primary, like everything."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def dispute(self, public_id: str) -> Dispute:
        """One dispute. Raises NotFound."""
        identity = _id_of(public_id)
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


def _id_of(public_id: str) -> UUID | None:
    digits = public_id.removeprefix(_MARK)
    if len(digits) != 32 or digits == public_id:
        return None
    try:
        return UUID(hex=digits)
    except ValueError:
        return None
