"""What others ask of operations: take one in, tell what became of it, and hear of what PSPs say."""

from collections.abc import Sequence

from clearhouse.access.replay import IntakeAnswer
from clearhouse.kernel.errors import NotFound
from clearhouse.payments.operations import store
from clearhouse.payments.operations.intake import OperationIntake
from clearhouse.payments.operations.model import Kind, NewOperation, Operation
from clearhouse.payments.store import order_by_key
from clearhouse.postgres.connection import Pool


class OperationService:
    """The verbs of operations for the API; reads go to the primary, like everything."""

    def __init__(self, pool: Pool, intake: OperationIntake) -> None:
        self._pool = pool
        self._intake = intake

    async def accept(self, wanted: NewOperation) -> IntakeAnswer:
        """Store an operation durably or replay its answer; see ``OperationIntake.accept``."""
        return await self._intake.accept(wanted)

    async def refund(self, refund_id: str) -> Operation:
        """One refund, of a sale or of a stray charge. Raises NotFound."""
        found = await store.operation_by_key(self._pool, refund_id)
        if found is None or not found.kind.gives_back:
            raise NotFound("There is no refund with this id.")
        return found

    async def operations_of(
        self, payment_order_id: str, kinds: Sequence[Kind] = tuple(Kind)
    ) -> list[Operation]:
        """An order's operations of some kinds, oldest first. Raises NotFound."""
        order = await order_by_key(self._pool, payment_order_id)
        if order is None:
            raise NotFound("There is no payment order with this id.")
        found = await store.operations_of(self._pool, order.order_id)
        return [operation for operation in found if operation.kind in kinds]

    async def close(self) -> None:
        """Wait until every accepted request is answered."""
        await self._intake.close()
