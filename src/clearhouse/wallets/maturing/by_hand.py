"""Maturing by hand: what waits for a settlement that never comes, with a reason."""

from dataclasses import dataclass
from uuid import UUID

from clearhouse.access.audit_log import LONGEST_REASON, Deed, note_deed, says_why
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import ConfigurationError, Conflict, NotFound
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.money import Money
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.wallets.maturing import store
from clearhouse.wallets.maturing.model import DueSale
from clearhouse.wallets.maturing.service import Maturing


@dataclass(frozen=True, slots=True)
class MaturedByHand:
    """A sale that somebody let mature, and what became available by it."""

    reference: str
    seller_account: str
    amount: Money


class MaturingDesk:
    """Lets people decide what no report of a PSP will."""

    def __init__(self, pool: Pool, clock: Clock, ids: Ids, maturing: Maturing) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._maturing = maturing

    async def mature(self, sale_id: UUID, *, by: str, reason: str) -> MaturedByHand:
        """Let a sale mature now that waits for its settlement; a reserve is kept of it as ever.

        Should the settlement come later, it changes nothing but what is known of the PSP's fee.
        Raises NotFound, and Conflict for a sale that has matured, or will by itself.
        """
        if not says_why(reason):
            raise ConfigurationError(f"Say why, in 1 to {LONGEST_REASON} characters.")

        async def work(connection: Connection) -> MaturedByHand:
            found = await store.locked_sale(connection, sale_id)
            if found is None:
                raise NotFound("There is no sale of this order in the wallets.")
            if found.matured_at is not None:
                raise Conflict(f"The sale has matured at {found.matured_at:%Y-%m-%d %H:%M} UTC.")
            if found.due_at is not None:
                raise Conflict(
                    f"The sale matures by itself at {found.due_at:%Y-%m-%d %H:%M} UTC.",
                    hint="Only what waits for a settlement is matured by hand.",
                )
            moment = max(self._clock.now(), found.sold_at)
            sale = DueSale(
                sale_id,
                found.reference,
                found.seller_account,
                found.currency,
                moment,
                found.reserve_basis_points,
                found.reserve_days,
            )
            await store.make_due(connection, sale_id, moment)
            [minor] = await self._maturing.mature(connection, [sale], moment)
            target = f"sale {sale.reference} of {sale.seller_account}"[:300]
            deed = Deed(self._ids.at(moment), moment, by, "wallets.mature", target, reason)
            await note_deed(connection, deed)
            return MaturedByHand(sale.reference, sale.seller_account, Money(minor, sale.currency))

        return await in_transaction(self._pool, self._clock, work)
