"""Margins: what is left to the platform of a seller's sales, after what the PSPs took."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response
from litestar.params import FromPath
from msgspec import Meta

from clearhouse.access.model import Scope
from clearhouse.api.authorization import authorized
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.listing import read_margin_query
from clearhouse.api.lookups import json_answer, pairs_of, storable
from clearhouse.api.operation import Operation, path_parameter, query_parameter
from clearhouse.api.responses import encode
from clearhouse.kernel.money import format_minor
from clearhouse.wallets.margins.model import Margin, Span

AnyRequest = Request[Any, Any, Any]
Amount = Annotated[str, Meta(description="A decimal string; below zero where it is a loss.")]
Share = Annotated[
    int | None, Meta(description="Hundredths of a per cent of the volume; null without any.")
]


class MarginView(msgspec.Struct, frozen=True):
    """What a seller's sales in one currency brought the platform."""

    currency: Annotated[str, Meta(description="ISO 4217.")]
    sales: int
    volume: Amount
    refunded: Annotated[str, Meta(description="What of the volume went back to buyers.")]
    fees: Annotated[str, Meta(description="The platform's, less what went back with refunds.")]
    fees_basis_points: Share
    settled_sales: Annotated[int, Meta(description="Those whose cost is known.")]
    settled_volume: Amount
    settled_fees: Amount
    costs: Annotated[str, Meta(description="What the PSPs took, by their reports.")]
    margin: Annotated[str, Meta(description="`settled_fees` less `costs`.")]
    margin_basis_points: Share
    waiting_sales: Annotated[int, Meta(description="Those whose cost nobody knows yet.")]
    waiting_volume: Amount


class MarginListView(msgspec.Struct, frozen=True):
    """A seller's margins by currency, for sales that were accepted in a time."""

    seller_account: str
    from_: datetime = msgspec.field(name="from")
    to: datetime
    margins: list[MarginView]


class MarginPages:
    """The handler of margins."""

    def __init__(self, deps: ApiDependencies) -> None:
        self._deps = deps

    async def margin(self, request: AnyRequest, seller_account: FromPath[str]) -> Response[bytes]:
        """What a seller's sales brought the platform."""
        await authorized(self._deps.keys, request, Scope.FEES_READ)
        seller = storable(seller_account)
        begins, ends, currency = read_margin_query(pairs_of(request))
        found = await self._deps.wallets.margins(seller, Span(begins, ends), currency)
        return json_answer(encode(view_margins(seller, begins, ends, found)))


def view_margins(
    seller_account: str, begins: datetime, ends: datetime, found: Sequence[Margin]
) -> MarginListView:
    """A seller's margins."""
    return MarginListView(seller_account, begins, ends, [_view(one) for one in found])


def _view(one: Margin) -> MarginView:
    def text(minor: int) -> str:
        return format_minor(minor, one.currency)

    return MarginView(
        currency=one.currency,
        sales=one.sales,
        volume=text(one.volume_minor),
        refunded=text(one.refunded_minor),
        fees=text(one.fees_minor),
        fees_basis_points=one.fees_basis_points,
        settled_sales=one.settled_sales,
        settled_volume=text(one.settled_volume_minor),
        settled_fees=text(one.settled_fees_minor),
        costs=text(one.costs_minor),
        margin=text(one.margin_minor),
        margin_basis_points=one.margin_basis_points,
        waiting_sales=one.waiting_sales,
        waiting_volume=text(one.waiting_volume_minor),
    )


MARGINS: Final = (
    Operation(
        "GET",
        "/v1/wallets/{seller_account}/margin",
        "getMargin",
        "Wallets",
        "Get what a seller's sales brought the platform",
        "The platform's fees on sales that were accepted in a time, and what the PSPs took. "
        "A sale's cost is known once it is settled; the margin is that of settled sales alone. "
        "Sales that their PSP took back are in it with their cost only.",
        200,
        Scope.FEES_READ,
        (
            path_parameter(
                "seller_account", "The seller's account, as you gave it.", "lamps-and-more"
            ),
            query_parameter(
                "from", "A day in UTC, or a moment with its offset: from here on.", "2026-03-01"
            ),
            query_parameter("to", "The same: until before here.", "2026-04-01"),
            query_parameter(
                "currency", "In one currency only.", type="string", pattern="^[A-Z]{3}$"
            ),
        ),
        response=MarginListView,
        response_example={
            "seller_account": "lamps-and-more",
            "from": "2026-03-01T00:00:00Z",
            "to": "2026-04-01T00:00:00Z",
            "margins": [
                {
                    "currency": "EUR",
                    "sales": 120,
                    "volume": "14250.00",
                    "refunded": "310.00",
                    "fees": "386.25",
                    "fees_basis_points": 271,
                    "settled_sales": 112,
                    "settled_volume": "13300.00",
                    "settled_fees": "360.50",
                    "costs": "218.40",
                    "margin": "142.10",
                    "margin_basis_points": 107,
                    "waiting_sales": 8,
                    "waiting_volume": "950.00",
                }
            ],
        },
        problems=("not-found", "invalid-parameter"),
    ),
)
