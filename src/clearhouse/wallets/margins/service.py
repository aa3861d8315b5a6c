"""Reads margins: set-based, by the key that sales are stored by, over any time."""

from collections.abc import Sequence
from typing import Final

from clearhouse.kernel.errors import Archived
from clearhouse.kernel.ids import floor_of
from clearhouse.postgres.connection import Pool
from clearhouse.postgres.queries import load_queries
from clearhouse.wallets.margins.model import Margin, Span

_QUERIES: Final = load_queries("clearhouse.wallets.margins")


class Margins:
    """What the platform earns of sales that were accepted in some time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_all(self, span: Span, currency: str | None = None) -> Sequence[Margin]:
        """Of all sellers together, by currency. Raises Archived."""
        return await self._read("null::text", [], span, currency, 1)

    async def of_seller(
        self, seller_account: str, span: Span, currency: str | None = None
    ) -> Sequence[Margin]:
        """Of one seller, by currency. Raises Archived."""
        one = [("and s.seller_account = ?", seller_account)]
        return await self._read("seller_account", one, span, currency, 1)

    async def by_seller(
        self, span: Span, currency: str | None = None, *, limit: int
    ) -> Sequence[Margin]:
        """Of single sellers, ``limit`` in each currency, the smallest margin first.

        Raises Archived.
        """
        return await self._read("seller_account", [], span, currency, limit)

    async def _read(
        self,
        seller: str,
        wanted: Sequence[tuple[str, str]],
        span: Span,
        currency: str | None,
        limit: int,
    ) -> Sequence[Margin]:
        first = floor_of(span.begins)
        if first < await self._pool.fetchval(_QUERIES["horizon"]):
            raise Archived(
                f"Sales from {span.begins:%Y-%m-%d} on are archived in part.",
                hint="Ask for a later time, or read the archived sales.",
            )
        if currency is not None:
            wanted = [*wanted, ("and s.currency = ?", currency)]
        texts = [text.replace("?", f"${place}") for place, (text, _) in enumerate(wanted, 4)]
        sql = _QUERIES["margins"].replace("{seller}", seller)
        sql = sql.replace("{conditions}", " ".join(texts))
        values = [value for _, value in wanted]
        rows = await self._pool.fetch(sql, first, floor_of(span.ends), limit, *values)
        return [Margin(*row) for row in rows]
