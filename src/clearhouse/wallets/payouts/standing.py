"""Whether sellers can be paid now: where to, and what holds their payouts up.

One place asks it for all: who creates a payout, and who puts it into a batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from clearhouse.postgres.connection import Connection
from clearhouse.wallets.payouts.store import QUERIES, Wallet


@dataclass(frozen=True, slots=True)
class Standing:
    """How one seller stands in one currency.

    ``rail`` is None where nobody has said where the seller is paid. ``held``: nothing is paid for
    now, because the bank details are too new.
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
    found = dict.fromkeys(wallets, Standing())
    for row in rows:
        wallet = (row["seller_account"], row["currency"])
        found[wallet] = Standing(row["rail"], not row["is_usable"])
    return found
