"""Terms that are agreed with sellers: asked for, and set from a moment on, never changed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from clearhouse.access.audit_log import Deed, note_deed
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.kernel.ids import Ids
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.wallets.maturing import store
from clearhouse.wallets.maturing.model import Matures, OwnTerms, Terms
from clearhouse.wallets.maturing.terms import terms_at


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be agreed; None is the platform's. ``keep_minor`` needs a currency."""

    matures: Matures | None = None
    delay: timedelta | None = None
    reserve_basis_points: int | None = None
    reserve_days: int | None = None
    keep_minor: int | None = None


class Agreements:
    """Sellers' terms over the platform's; every agreement stands in the audit log."""

    def __init__(self, pool: Pool, clock: Clock, ids: Ids, platform: Terms) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self._platform = platform

    async def terms(self, seller_account: str, currency: str) -> Terms:
        """The terms of a sale that the seller would make now."""
        own = await store.terms_of(self._pool, [seller_account])
        return terms_at(self._platform, own[seller_account], currency, self._clock.now())

    async def own(self, seller_account: str) -> list[OwnTerms]:
        """All that was ever agreed with a seller, oldest first."""
        return (await store.terms_of(self._pool, [seller_account]))[seller_account]

    async def agree(
        self,
        seller_account: str,
        currency: str | None,
        wish: Wish,
        *,
        by: str,
        reason: str,
        valid_from: datetime | None = None,
    ) -> OwnTerms:
        """Agree on terms from a moment on (now, when none is given), in one currency or all.

        They take the place of earlier ones of the same kind, whole; sales that were made keep
        theirs. Raises ConfigurationError for terms that cannot be.
        """
        now = self._clock.now()
        if wish.keep_minor is not None and currency is None:
            raise ConfigurationError("What always stays is an amount: name its currency.")
        if valid_from is not None and valid_from < now:
            raise ConfigurationError("Terms begin now or later; sales that were made keep theirs.")
        terms = OwnTerms(
            terms_id=self._ids.at(now),
            seller_account=seller_account,
            currency=currency,
            valid_from=valid_from or now,
            set_at=now,
            set_by=by,
            reason=reason,
            matures=wish.matures,
            delay=wish.delay,
            reserve_basis_points=wish.reserve_basis_points,
            reserve_days=wish.reserve_days,
            keep_minor=wish.keep_minor,
        )
        _check(self._platform, terms)

        async def work(connection: Connection) -> None:
            await store.set_terms(connection, terms)
            target = f"terms of {seller_account} in {currency or 'all currencies'}"[:300]
            deed = Deed(terms.terms_id, now, by, "wallets.terms", target, reason)
            await note_deed(connection, deed)

        await in_transaction(self._pool, self._clock, work)
        return terms


def _check(platform: Terms, terms: OwnTerms) -> None:
    if not terms.reason.strip():
        raise ConfigurationError("Say why, for the audit log.")
    try:
        terms_at(platform, [terms], terms.currency or "", terms.valid_from)
    except ValueError as error:
        raise ConfigurationError(f"Such terms cannot be: {error}.") from None
