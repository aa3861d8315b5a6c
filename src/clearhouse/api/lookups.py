"""The reading operations: orders, checkouts, lists and wallets."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.params import FromPath

from clearhouse.access.model import Scope
from clearhouse.api.authorization import authorized
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.listing import make_cursor, read_listing
from clearhouse.api.order_detail import view_order_detail
from clearhouse.api.problems import HttpError
from clearhouse.api.responses import (
    OrderPageView,
    encode,
    view_checkout,
    view_order,
    view_wallet,
)
from clearhouse.kernel.errors import Fault, NotFound
from clearhouse.payments.operations.model import GIVE_BACK

AnyRequest = Request[Any, Any, Any]
_MEDIA_TYPE: Final = "application/json"
_MOST_PARAMETERS: Final = 50


class Lookups:
    """Handlers that ask one service and render its answer."""

    def __init__(self, deps: ApiDependencies) -> None:
        self._deps = deps

    async def order(self, request: AnyRequest, payment_order_id: FromPath[str]) -> Response[bytes]:
        """The execution status of a single payment order."""
        await authorized(self._deps.keys, request, Scope.PAYMENTS_READ)
        name = storable(payment_order_id)
        order, attempts = await self._deps.payments.order(name)
        refunds = await self._deps.operations.operations_of(name, GIVE_BACK)
        return json_answer(encode(view_order_detail(order, attempts, refunds)))

    async def checkout(self, request: AnyRequest, checkout_id: FromPath[str]) -> Response[bytes]:
        """A payment event with its orders."""
        await authorized(self._deps.keys, request, Scope.PAYMENTS_READ)
        event = await self._deps.payments.checkout(storable(checkout_id))
        return json_answer(encode(view_checkout(event, self._deps.public_url)))

    async def orders(self, request: AnyRequest) -> Response[bytes]:
        """Payment orders, newest first, page by page."""
        await authorized(self._deps.keys, request, Scope.PAYMENTS_READ)
        wanted, before, limit, filters = read_listing(pairs_of(request))
        page = await self._deps.payments.list_orders(wanted, before, limit)
        items = [view_order(order) for order in page.orders]
        return page_answer(
            "/v1/payments", filters, limit, page.next_before, partial(OrderPageView, items)
        )

    async def wallet(self, request: AnyRequest, seller_account: FromPath[str]) -> Response[bytes]:
        """What a seller is owed, per currency."""
        await authorized(self._deps.keys, request, Scope.WALLETS_READ)
        found = await self._deps.wallets.standing(storable(seller_account))
        return json_answer(encode(view_wallet(seller_account, found)))


def storable(identifier: str) -> str:
    """An id from a path; what could never have been stored is not found, without asking."""
    if not 1 <= len(identifier) <= 255 or not identifier.isascii() or not identifier.isprintable():
        raise NotFound("There is nothing under this id.")
    return identifier


def pairs_of(request: AnyRequest) -> list[tuple[str, str]]:
    """The query's members in their order. Raises HttpError when it cannot be read."""
    query: bytes = request.scope["query_string"]
    try:
        return parse_qsl(
            query.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS
        )
    except ValueError:
        fault = Fault("?", "malformed", "the query string cannot be read")
        raise HttpError(
            "invalid-parameter", "The query cannot be read.", parameters=[fault]
        ) from None


def json_answer(
    body: bytes, headers: dict[str, str] | None = None, *, status: int = 200
) -> Response[bytes]:
    """Encoded JSON as an answer."""
    return Response(body, media_type=_MEDIA_TYPE, headers=headers, status_code=status)


def page_answer(
    path: str,
    filters: Mapping[str, str],
    limit: int,
    next_before: UUID | None,
    view: Callable[[str | None], msgspec.Struct],
) -> Response[bytes]:
    """A page of a list, with a link to the next one where there is one.

    ``view`` is handed the cursor of the next page, None on the last.
    """
    if next_before is None:
        return json_answer(encode(view(None)))
    cursor = make_cursor(next_before, filters)
    query = urlencode({**filters, "limit": limit, "cursor": cursor})
    return json_answer(encode(view(cursor)), {"Link": f'<{path}?{query}>; rel="next"'})
