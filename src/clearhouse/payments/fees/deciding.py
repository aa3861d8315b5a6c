"""Decides the fees of orders that succeed: in batches, once, by the plan they were accepted under.

Each order comes with the terms that count for it, so that without tiers nothing is asked at all.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from clearhouse.payments.deciding import Decided
from clearhouse.payments.fees import store
from clearhouse.payments.fees.model import DefaultFee, FeeDecision, Month
from clearhouse.payments.fees.rule import fee_of, month_of, volumes_before
from clearhouse.payments.lifecycle import Effect
from clearhouse.postgres.connection import Connection

_SELLING: Final = frozenset({Effect.SUCCEED, Effect.SUCCEED_REVERSED})


class Fees:
    """The platform's fees; ``default`` is that of sellers without a plan."""

    def __init__(self, default: DefaultFee) -> None:
        self._default = default

    async def decide(self, connection: Connection, changed: Sequence[Decided]) -> list[FeeDecision]:
        """The fee of each order as it is to be stored; fixed once the order has succeeded.

        Volumes are counted in the caller's transaction, with at most two statements for a batch.
        """
        volumes = await self._volumes(connection, changed)
        return [
            self._sold(one, volumes.get(place)) if one.effect in _SELLING else _known(one)
            for place, one in enumerate(changed)
        ]

    def _sold(self, one: Decided, volume_minor: int | None) -> FeeDecision:
        row, minor = one.row, one.captured_minor
        if row["version_id"] is None:
            return FeeDecision(fee_of(self._default.terms(row["currency"]), minor))
        terms = store.terms_of(row)
        if not terms.tiers:
            return FeeDecision(fee_of(terms, minor), row["version_id"])
        return FeeDecision(fee_of(terms, minor, volume_minor or 0), row["version_id"], volume_minor)

    async def _volumes(
        self, connection: Connection, changed: Sequence[Decided]
    ) -> Mapping[int, int]:
        """What each sale that is counted meets as its month's volume, by place."""
        sales: dict[int, tuple[Month, int]] = {}
        missing: set[Month] = set()
        for place, one in enumerate(changed):
            row = one.row
            if one.effect not in _SELLING or not (row["is_counted"] or row["tier_from"]):
                continue
            month = month_of(row["seller_account"], row["currency"], row["created_at"])
            sales[place] = month, one.captured_minor
            if not row["is_counted"]:
                missing.add(month)
        if not sales:
            return {}
        before = await store.count_volumes(connection, list(sales.values()), missing)
        return dict(zip(sales, volumes_before(before, sales.values()), strict=True))


def _known(one: Decided) -> FeeDecision:
    row = one.row
    return FeeDecision(row["fee_minor"], row["fee_version"], row["fee_volume_minor"])
