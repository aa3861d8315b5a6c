"""The database side of maturing: terms, what is told of sales, and which are due."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from clearhouse.messaging.events import (
    PaymentOrderReversed,
    PaymentOrderSettled,
    PaymentOrderSucceeded,
    RefundCreated,
    RefundFailed,
)
from clearhouse.postgres.arrays import numbers, texts, uuids
from clearhouse.postgres.connection import Connection
from clearhouse.postgres.queries import load_queries
from clearhouse.wallets.maturing.model import DueSale, LockedSale, Matures, OwnTerms, Reserve, Terms
from clearhouse.wallets.maturing.terms import due_at
from clearhouse.wallets.store import Reader

GivenBack: TypeAlias = PaymentOrderReversed | RefundCreated | RefundFailed
"""What takes from a sale after it was made, or gives back what an earlier one took."""

_QUERIES: Final = load_queries("clearhouse.wallets.maturing")


async def terms_of(reader: Reader, sellers: Collection[str]) -> Mapping[str, list[OwnTerms]]:
    """The own terms of each of some sellers, past and to come, oldest first."""
    found: dict[str, list[OwnTerms]] = {seller: [] for seller in sellers}
    for row in await reader.fetch(_QUERIES["terms_of"], sorted(sellers)):
        matures, seconds = row["matures"], row["delay_seconds"]
        found[row["seller_account"]].append(
            OwnTerms(
                terms_id=row["terms_id"],
                seller_account=row["seller_account"],
                currency=row["currency"],
                valid_from=row["valid_from"],
                matures=None if matures is None else Matures(matures),
                delay=None if seconds is None else timedelta(seconds=seconds),
                reserve_basis_points=row["reserve_basis_points"],
                reserve_days=row["reserve_days"],
                keep_minor=row["keep_minor"],
                set_at=row["set_at"],
                set_by=row["set_by"],
                reason=row["reason"],
            )
        )
    return found


async def set_terms(connection: Connection, terms: OwnTerms) -> None:
    """Write a seller's terms down, in the caller's transaction; they are never changed."""
    await connection.execute(
        _QUERIES["set_terms"],
        terms.terms_id,
        terms.seller_account,
        terms.currency,
        terms.valid_from,
        terms.matures,
        None if terms.delay is None else int(terms.delay.total_seconds()),
        terms.reserve_basis_points,
        terms.reserve_days,
        terms.keep_minor,
        terms.set_at,
        terms.set_by,
        terms.reason,
    )


async def sold(
    connection: Connection, sales: Sequence[PaymentOrderSucceeded], terms: Sequence[Terms]
) -> None:
    """Note sales, each under its terms; one that is known already stays as it is."""
    if not sales:
        return
    await connection.execute(
        _QUERIES["sold"],
        uuids([sale.aggregate_id for sale in sales]),
        texts([sale.payment_order_id for sale in sales]),
        texts([sale.seller_account for sale in sales]),
        texts([sale.currency for sale in sales]),
        numbers([sale.amount_minor for sale in sales]),
        [sale.occurred_at for sale in sales],
        texts([one.matures.value for one in terms]),
        [due_at(one, sale.occurred_at, None) for sale, one in zip(sales, terms, strict=True)],
        numbers([one.reserve_basis_points for one in terms]),
        numbers([one.reserve_days for one in terms]),
        numbers([sale.fee_minor for sale in sales]),
    )


async def settled(connection: Connection, settlements: Sequence[PaymentOrderSettled]) -> None:
    """Note what PSPs settled; a settlement that was told before changes nothing."""
    if not settlements:
        return
    await connection.execute(
        _QUERIES["settled"],
        uuids([one.aggregate_id for one in settlements]),
        numbers([one.version for one in settlements]),
        texts([one.payment_order_id for one in settlements]),
        texts([one.seller_account for one in settlements]),
        texts([one.currency for one in settlements]),
        numbers([one.psp_fee_minor for one in settlements]),
        [one.settled_at for one in settlements],
    )


async def reversed_sales(connection: Connection, events: Sequence[PaymentOrderReversed]) -> None:
    """Let sales that were taken back wait no longer."""
    if events:
        await connection.execute(
            _QUERIES["reversed"],
            [event.aggregate_id for event in events],
            [event.occurred_at for event in events],
        )


async def given_back(connection: Connection, events: Sequence[GivenBack]) -> None:
    """Note what went back of sales, with the platform's fee; each event once."""
    if not events:
        return
    rows = [_back(event) for event in events]
    await connection.execute(
        _QUERIES["given_back"],
        [sale_id for sale_id, _, _, _ in rows],
        [refunded for _, refunded, _, _ in rows],
        [fee_returned for _, _, fee_returned, _ in rows],
        [reversed_at for _, _, _, reversed_at in rows],
    )


def _back(event: GivenBack) -> tuple[UUID, int, int, datetime | None]:
    match event:
        case PaymentOrderReversed():
            return event.aggregate_id, 0, 0, event.occurred_at
        case RefundCreated():
            return event.order_id, event.amount_minor, event.fee_returned_minor, None
        case RefundFailed():
            return event.order_id, -event.amount_minor, -event.fee_returned_minor, None


async def claim_due(connection: Connection, moment: datetime, limit: int) -> list[DueSale]:
    """Sales that are due, the longest waiting first, locked until the transaction ends.

    What another transaction has claimed is passed over.
    """
    return [DueSale(*row) for row in await connection.fetch(_QUERIES["claim_due"], moment, limit)]


async def locked_sale(connection: Connection, sale_id: UUID) -> LockedSale | None:
    """One sale, locked until the transaction ends; None where wallets do not know it."""
    row = await connection.fetchrow(_QUERIES["locked_sale"], sale_id)
    return None if row is None else LockedSale(*row)


async def make_due(connection: Connection, sale_id: UUID, moment: datetime) -> None:
    """Let a sale that is locked be due at a moment."""
    await connection.execute(_QUERIES["make_due"], sale_id, moment)


async def note_matured(connection: Connection, sale_ids: Sequence[UUID], moment: datetime) -> None:
    """Note that claimed sales have matured."""
    await connection.execute(_QUERIES["matured"], sale_ids, moment)


async def available(
    connection: Connection, wallets: Collection[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """What some wallets (seller and currency) have available now."""
    rows = await connection.fetch(_QUERIES["available"], *_columns(wallets))
    return {(row["seller_account"], row["currency"]): row["available_minor"] for row in rows}


async def keep(connection: Connection, reserves: Sequence[Reserve]) -> None:
    """Note what is kept back."""
    await connection.execute(
        _QUERIES["keep"],
        [one.sale_id for one in reserves],
        [one.reference for one in reserves],
        [one.seller_account for one in reserves],
        [one.currency for one in reserves],
        [one.amount_minor for one in reserves],
        [one.kept_at for one in reserves],
        [one.release_at for one in reserves],
    )


async def claim_releasable(connection: Connection, moment: datetime, limit: int) -> list[Reserve]:
    """Reserves whose days are over, the longest waiting first, claimed as by ``claim_due``."""
    rows = await connection.fetch(_QUERIES["claim_releasable"], moment, limit)
    return [Reserve(*row) for row in rows]


async def claim_for_debts(
    connection: Connection, wallets: Collection[tuple[str, str]]
) -> list[Reserve]:
    """The oldest reserves of those of some wallets that are in debt, as many as pay the debt."""
    rows = await connection.fetch(_QUERIES["claim_for_debts"], *_columns(wallets))
    return [Reserve(*row) for row in rows]


async def note_released(
    connection: Connection, reserves: Sequence[Reserve], moment: datetime
) -> None:
    """Note that claimed reserves are released."""
    await connection.execute(_QUERIES["released"], [one.sale_id for one in reserves], moment)


async def next_due(reader: Reader) -> datetime | None:
    """When the next sale matures or the next reserve is released, in the past where one is late.

    None when neither is known.
    """
    found: datetime | None = await reader.fetchval(_QUERIES["next_due"])
    return found


def _columns(wallets: Collection[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [seller for seller, _ in wallets], [currency for _, currency in wallets]
