"""One seller's wallets, kept nowhere: what the API shows of them, and of holds."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

from clearhouse.access.replay import IntakeAnswer
from clearhouse.kernel.errors import NotFound
from clearhouse.wallets.holds.model import Hold, HoldKind, HoldPage, NewHold
from clearhouse.wallets.margins.model import Margin, Span
from clearhouse.wallets.model import WalletStanding
from clearhouse.wallets.statements.model import Parts, Statement, StatementLine


class MemoryWallets:
    """One seller who is owed money in two currencies."""

    async def standing(self, seller_account: str) -> Sequence[WalletStanding]:
        if seller_account != "seller-1":
            return []
        moment = datetime(2026, 1, 8, tzinfo=UTC)
        return [
            WalletStanding("seller-1", "JPY", 500, 0, 0, 0, 20, True, False, None),
            WalletStanding("seller-1", "USD", 1234, 100, 5, 700, 0, False, True, moment),
        ]

    async def statement(
        self, seller_account: str, currency: str, begins: datetime, ends: datetime
    ) -> Statement:
        if (seller_account, currency) != ("seller-1", "USD"):
            raise NotFound("There is no such wallet.")
        opening, change = Parts(1334, 0, -5), Parts(-100, 100, 0)
        line = StatementLine(4, "matured", "=cart-1,<b>", begins, begins, change, opening + change)

        async def pages() -> AsyncIterator[Sequence[StatementLine]]:
            yield [line]

        return Statement(
            seller_account, currency, begins, ends, opening, opening + change, 1, pages
        )

    async def margins(
        self, seller_account: str, span: Span, currency: str | None
    ) -> Sequence[Margin]:
        if seller_account != "seller-1" or currency not in {None, "USD"}:
            return []
        return [Margin(seller_account, "USD", 3, 9_000, 500, 290, 2, 6_000, 190, 200)]


class MemoryHolds:
    """Each hold is placed and none is kept."""

    async def accept(self, wanted: NewHold) -> IntakeAnswer:
        hold = Hold(
            UUID(int=7), wanted.seller_account, wanted.currency, HoldKind.PERSON, "",
            wanted.reason, wanted.placed_by, datetime(2026, 1, 1, tzinfo=UTC), wanted.until,
        )  # fmt: skip
        return IntakeAnswer(wanted.render(hold), replayed=False)

    async def page(
        self, seller_account: str, *, open_only: bool, before: UUID | None, limit: int
    ) -> HoldPage:
        return HoldPage((), None)

    async def release(
        self, hold_id: UUID, *, by: str, reason: str, seller_account: str | None = None
    ) -> Hold:
        raise NotFound("There is no hold with this id.")
