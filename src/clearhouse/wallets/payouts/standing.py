"""Whether sellers can be paid now: where to, and what holds their payouts up.

One place asks it for all: who creates a payout, and who puts it into a batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from clearhouse.postgres.connection import Connection
from clearhouse.wallets.holds.store import stopping
from clearhouse.wallets.maturing.store import terms_of
from clearhouse.wallets.maturing.terms import terms_at
from clearhouse.wallets.payouts.amounts import Limits
from clearhouse.wallets.payouts.policy import PayoutPolicy
from clearhouse.wallets.payouts.store import QUERIES, Wallet


@dataclass(frozen=True, slots=True)
class Standing:
    """How one seller stands in one currency.

    ``rail`` is None where nobody has said where the seller is paid. ``held``: nothing is paid for
    now, because the bank details are too new, or a person or a dispute stops it.
    """

    rail: str | None = None
    held: bool = False


async def standings(
    connection: Connection, wallets: Sequence[Wallet], moment: datetime
) -> dict[Wallet, Standing]:
    """How sellers stand at a moment, one for each wallet that is asked for."""
    rows = await connection.fetch(
        QUERIES["recipients"],
        [seller for seller, _ in wallets],
        [currency for _, currency in wallets],
        moment,
    )
    stopped = {
        (hold.seller_account, hold.currency)
        for hold in await stopping(connection, {seller for seller, _ in wallets}, moment)
    }
    found = dict.fromkeys(wallets, Standing())
    for row in rows:
        seller, currency = row["seller_account"], row["currency"]
        # A hold without a currency is one in all of them.
        is_held = not row["is_usable"] or not stopped.isdisjoint(
            {(seller, currency), (seller, None)}
        )
        found[seller, currency] = Standing(row["rail"], is_held)
    return found


async def limits_of(
    connection: Connection, policy: PayoutPolicy, wallets: Sequence[Wallet], moment: datetime
) -> dict[Wallet, Limits]:
    """What bounds payouts of some wallets: the policy, and what always stays by sellers' terms."""
    own = await terms_of(connection, {seller for seller, _ in wallets})
    return {
        (seller, currency): policy.limits(
            currency, terms_at(policy.terms, own[seller], currency, moment).keep.get(currency, 0)
        )
        for seller, currency in wallets
    }
