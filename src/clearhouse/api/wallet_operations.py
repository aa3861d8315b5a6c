"""What the operations on wallets promise, and their examples."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from clearhouse.access.model import Scope
from clearhouse.api import examples, responses
from clearhouse.api.listing import STATEMENT_FORMATS
from clearhouse.api.operation import Operation, path_parameter, query_parameter

SELLER: Final = path_parameter(
    "seller_account", "The seller's account, as you gave it.", "lamps-and-more"
)
Amount = Annotated[str, Meta(description="A decimal string; below zero where it is less.")]


class PartsView(msgspec.Struct, frozen=True):
    """The parts of a wallet, or how they change."""

    pending: Amount
    available: Amount
    reserved: Amount
    total: Amount


class StatementLineView(msgspec.Struct, frozen=True):
    """One movement."""

    number: Annotated[int, Meta(description="Counts the wallet's movements without a gap.")]
    kind: Annotated[str, Meta(description="Such as `sale`, `refund`, `matured` or `payout`.")]
    reference: Annotated[str, Meta(description="The payment, refund, dispute or payout.")]
    happened_at: str
    recorded_at: Annotated[str, Meta(description="When the wallet learnt it; never goes back.")]
    change: PartsView
    after: PartsView


class StatementView(msgspec.Struct, frozen=True):
    """A wallet for a time: `opening` plus all changes is `closing`."""

    seller_account: str
    currency: str
    from_: str = msgspec.field(name="from")
    to: str
    opening: PartsView
    closing: PartsView
    line_count: int
    lines: list[StatementLineView]


def _parts(pending: str, available: str, reserved: str, total: str) -> dict[str, str]:
    return {"pending": pending, "available": available, "reserved": reserved, "total": total}


STATEMENT: Final[dict[str, Any]] = {
    "seller_account": "lamps-and-more",
    "currency": "EUR",
    "from": "2026-03-01T00:00:00Z",
    "to": "2026-04-01T00:00:00Z",
    "opening": _parts("48.40", "120.00", "0.00", "168.40"),
    "closing": _parts("0.00", "168.40", "0.00", "168.40"),
    "line_count": 1,
    "lines": [
        {
            "number": 17,
            "kind": "matured",
            "reference": "checkout-7f3a-lamps",
            "happened_at": "2026-03-08T10:15:00Z",
            "recorded_at": "2026-03-08T10:15:01Z",
            "change": _parts("-48.40", "48.40", "0.00", "0.00"),
            "after": _parts("0.00", "168.40", "0.00", "168.40"),
        }
    ],
}

WALLETS: Final = (
    Operation(
        "GET",
        "/v1/wallets/{seller_account}",
        "getWallet",
        "Wallets",
        "Get a seller's wallet",
        "What the seller is owed, per currency: pending, available, reserved, in transit by "
        "payouts, and what the seller owes.",
        200,
        Scope.WALLETS_READ,
        (SELLER,),
        response=responses.WalletView,
        response_example=examples.WALLET,
        problems=("not-found",),
    ),
    Operation(
        "GET",
        "/v1/wallets/{seller_account}/statement",
        "getStatement",
        "Wallets",
        "Get a statement",
        "What the wallet had, every movement of it, and what it had then. It goes by "
        "`recorded_at`, which never goes back, so a time that is over never changes any more. "
        "Sent while it is read, however long it is: as JSON, as CSV (`Accept: text/csv` or "
        "`format=csv`) or as a page to print (`text/html`).",
        200,
        Scope.WALLETS_READ,
        (
            SELLER,
            query_parameter(
                "currency", "The wallet's.", "EUR", type="string", pattern="^[A-Z]{3}$"
            ),
            query_parameter(
                "from", "A day in UTC, or a moment with its offset: from here on.", "2026-03-01"
            ),
            query_parameter("to", "The same: until before here.", "2026-04-01"),
            query_parameter(
                "format",
                "Goes over `Accept`.",
                type="string",
                enum=[*STATEMENT_FORMATS],
            ),
        ),
        response=StatementView,
        response_example=STATEMENT,
        problems=("not-found", "invalid-parameter"),
    ),
)
