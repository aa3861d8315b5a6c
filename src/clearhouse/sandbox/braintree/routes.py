"""Braintree's addresses and what stands behind each; ``routes`` is what the frame asks for."""

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs

from clearhouse.sandbox.braintree import (
    accounts,
    client_api,
    dispute_routes,
    later,
    operations,
    pages,
    sale,
    search,
    settlements,
    vault_routes,
)
from clearhouse.sandbox.braintree.client_token import client_token
from clearhouse.sandbox.braintree.dispute_render import rendered_with_disputes
from clearhouse.sandbox.braintree.errors import Invalid, envelope
from clearhouse.sandbox.braintree.fields import Section, section, text
from clearhouse.sandbox.braintree.markup import MarkupError
from clearhouse.sandbox.braintree.render import message_of, rendered
from clearhouse.sandbox.braintree.request_keys import once
from clearhouse.sandbox.braintree.store import PSP, Merchant
from clearhouse.sandbox.braintree.transaction import REFUSED, Transaction
from clearhouse.sandbox.braintree.wire import (
    Answer,
    document,
    failure,
    guarded,
    parameters,
    refused,
)
from clearhouse.sandbox.core import Core, Request, Response, Route

Operation = Callable[[Merchant, Transaction, Section], Transaction]

_OPERATIONS: Final = (
    ("PUT", "submit_for_settlement", operations.submit_for_settlement, "capture"),
    ("PUT", "void", operations.void, "cancel"),
    ("POST", "refund", operations.refund, "refund"),
    ("POST", "reverse", operations.reverse, "refund"),
    ("PUT", "settle", operations.settle, "other"),
    ("PUT", "settlement_confirm", operations.confirm, "other"),
    ("PUT", "settlement_decline", operations.decline, "other"),
    ("PUT", "settlement_pending", operations.pend, "other"),
)


def routes(core: Core) -> list[Route]:
    """All endpoints of Braintree that the sandbox serves."""
    later.register(core)
    table: list[tuple[str, str, Answer, str]] = [
        ("POST", "/transactions", _create, "charge"),
        ("GET", "/transactions/{id}", _find, "look-up"),
        ("POST", "/transactions/advanced_search_ids", _search_ids, "look-up"),
        ("POST", "/transactions/advanced_search", _search, "look-up"),
        ("GET", "/merchant_accounts/", _accounts, "other"),
        ("GET", "/merchant_accounts/{account}", _account, "other"),
        ("POST", "/client_token", _client_token, "other"),
        ("POST", "/settlement_batch_summary", settlements.summary, "report"),
    ]
    table += [
        (method, f"/transactions/{{id}}/{verb}", _operation(operation), name)
        for method, verb, operation, name in _OPERATIONS
    ]
    table += vault_routes.table()
    table += dispute_routes.table()
    below = "/merchants/{merchant}"
    return [
        *pages.routes(core),
        *settlements.routes(core),
        *(
            Route(PSP, method, f"{below}{path}", client_api.let_in(core, endpoint), failure)
            for method, path, endpoint in client_api.table()
        ),
        *(
            Route(
                PSP,
                method,
                f"{below}{path}",
                guarded(core, answer),
                failure,
                operation=name,
                reference=_reference,
            )
            for method, path, answer, name in table
        ),
    ]


async def _create(merchant: Merchant, request: Request, params: Section) -> Response:
    asked = section(params, "transaction")
    made = await once(
        merchant,
        request,
        params,
        text(asked, "api_request_key"),
        lambda: sale.create(merchant, asked),
    )
    return _made(made, params, 201)


def _operation(operation: Operation) -> Answer:
    async def answer(merchant: Merchant, request: Request, params: Section) -> Response:
        asked = section(params, "transaction")
        if merchant.get(request.params["id"]) is None:
            return Response(404, b"")

        def act() -> Transaction:
            transaction = merchant.get(request.params["id"])
            assert transaction is not None
            return operation(merchant, transaction, asked)

        key = text(asked, "api_request_key")
        made = await once(merchant, request, params, key, act)
        return _made(made, params, 201 if request.method == "POST" else 200)

    return answer


async def _find(merchant: Merchant, request: Request, _params: Section) -> Response:
    transaction = merchant.get(request.params["id"])
    if transaction is None:
        return Response(404, b"")
    return document(200, "transaction", rendered_with_disputes(merchant, transaction))


async def _search_ids(merchant: Merchant, _request: Request, params: Section) -> Response:
    return document(200, "search-results", search.ids(merchant, section(params, "search")))


async def _search(merchant: Merchant, _request: Request, params: Section) -> Response:
    found = search.page(merchant, section(params, "search"))
    return document(200, "credit-card-transactions", found, kind="collection")


async def _accounts(_merchant: Merchant, request: Request, _params: Section) -> Response:
    asked = parse_qs(request.query).get("page", ["1"])[0]
    number = int(asked) if asked.isascii() and asked.isdigit() else 1
    return document(200, "merchant-accounts", accounts.page(max(number, 1)), kind="collection")


async def _account(_merchant: Merchant, request: Request, _params: Section) -> Response:
    try:
        return document(200, "merchant-account", accounts.account(request.params["account"]))
    except Invalid:
        return Response(404, b"")


async def _client_token(merchant: Merchant, request: Request, _params: Section) -> Response:
    base_url = f"http://{request.headers.get('host', 'localhost')}"
    return document(201, "client-token", {"value": client_token(merchant, base_url)})


def _made(transaction: Transaction, params: Section, status: int) -> Response:
    content = rendered(transaction)
    if transaction.status in REFUSED:
        return refused(envelope(message_of(transaction), params, transaction=content))
    return document(status, "transaction", content)


def _reference(request: Request) -> str | None:
    """The order id of a sale or of a search for one, else the transaction's id."""
    try:
        params = parameters(request)
    except MarkupError:
        return None
    sought = text(section(section(params, "search"), "order_id"), "is")
    order_id = text(section(params, "transaction"), "order_id") or sought
    return order_id or request.params.get("id")
