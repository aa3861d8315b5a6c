"""Both clients against a real server: the same calls, the same answers, the same exceptions."""

from collections.abc import Callable
from decimal import Decimal

import httpx
import pytest
from tests.api.conftest import Server
from tests.api.conftest import server as server  # noqa: PLC0414 - a fixture

from clearhouse.client import (
    AsyncClient,
    Card,
    Client,
    ClientError,
    Conflict,
    ConnectionFailed,
    InvalidRequest,
    MissingScope,
    NewOrder,
    NewPayment,
    NotFound,
    NotRefundable,
    Retries,
    Unauthenticated,
)
from clearhouse.postgres.connection import PlainConnection

SOON = Retries(tries=4, first=0.01)


def basket(name: str, *amounts: str) -> NewPayment:
    return NewPayment(
        checkout_id=name,
        credit_card_info=Card("stripe", "pm_card_visa"),
        buyer_info={"email": "ada@example.com"},
        payment_orders=[
            NewOrder(
                payment_order_id=f"{name}-{number}",
                seller_account="tea-house",
                amount=Decimal(amount),
                currency="USD",
            )
            for number, amount in enumerate(amounts)
        ],
    )


def client_of(server: Server, token: str = "all", **more: object) -> Client:
    return Client(server.url, server.tokens[token], retries=SOON, **more)  # type: ignore[arg-type]


class Lossy(httpx.HTTPTransport):
    """Requests arrive, and the first answers are lost."""

    def __init__(self, lost: int) -> None:
        super().__init__()
        self.left = lost
        self.keys: list[str | None] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        self.keys.append(request.headers.get("idempotency-key"))
        if self.left:
            self.left -= 1
            answer.read()
            raise httpx.ReadError("cut", request=request)
        return answer


def test_a_payment_is_made_and_found(server: Server) -> None:
    with client_of(server) as client:
        made = client.payments.create(basket("cart-1", "7.50", "25"))
        assert made.checkout_id == "cart-1"
        assert [one.amount for one in made.payment_orders] == [Decimal("7.50"), Decimal(25)]
        order = client.payments.get("cart-1-0")
        assert (order.status, order.is_final, order.platform_fee) == ("NOT_STARTED", False, None)
        assert client.payments.checkout("cart-1") == made
        assert len(client.payments.page(limit=1, seller_account="tea-house").items) == 1
        assert {one.payment_order_id for one in client.payments.all()} == {"cart-1-0", "cart-1-1"}
        assert client.refunds.of("cart-1-0") == []
        assert client.disputes.page().items == []
        with pytest.raises(TimeoutError):
            client.payments.wait("cart-1", timeout=0.2)


async def test_the_other_client_does_the_same(server: Server) -> None:
    async with AsyncClient(server.url, server.tokens["all"], retries=SOON) as client:
        made = await client.payments.create(basket("cart-1", "7.50"))
        assert await client.payments.checkout("cart-1") == made
        assert (await client.payments.get("cart-1-0")).amount == Decimal("7.50")
        assert [one.payment_order_id async for one in client.payments.all()] == ["cart-1-0"]
        assert (await client.payments.page()).next_cursor is None
        with pytest.raises(NotRefundable):
            await client.refunds.create("cart-1-0", "1.00", refund_id="r-1")
        with pytest.raises(NotFound):
            await client.wallets.get("nobody")
        with pytest.raises(Conflict):
            await client.payments.void("cart-1-0")
        with pytest.raises(TimeoutError):
            await client.payments.wait("cart-1", timeout=0.2)


async def test_lost_answers_make_no_second_payment(server: Server, owner: PlainConnection) -> None:
    transport = Lossy(3)
    with client_of(server, transport=transport) as client:
        made = client.payments.create(basket("cart-1", "7.50"))
        assert client.payments.checkout("cart-1") == made
    assert len(set(transport.keys[:4])) == 1
    assert await owner.fetchval("select count(*) from payments.payment_events") == 1


def test_what_stays_lost_can_be_repeated_with_its_key(server: Server) -> None:
    with client_of(server, transport=Lossy(4)) as client:
        with pytest.raises(ConnectionFailed) as caught:
            client.payments.create(basket("cart-1", "7.50"))
        key = caught.value.idempotency_key
        assert key is not None
        assert client.payments.create(basket("cart-1", "7.50"), idempotency_key=key)
        with pytest.raises(Conflict):
            client.payments.create(basket("cart-1", "7.50"))


REFUSED: list[tuple[str, type[ClientError], Callable[[Client], object]]] = [
    ("all", NotFound, lambda c: c.payments.get("none")),
    ("all", NotFound, lambda c: c.refunds.get("none")),
    ("all", NotFound, lambda c: c.disputes.get("none")),
    ("all", NotFound, lambda c: c.payouts.get("none")),
    ("all", InvalidRequest, lambda c: c.payments.create(basket("cart-9", "7.505"))),
    ("all", InvalidRequest, lambda c: c.payments.page(colour="red")),
    ("all", InvalidRequest, lambda c: c.payouts.create("tea-house", "XXX", "1")),
    ("payments:read", MissingScope, lambda c: c.payments.create(basket("cart-9", "7.50"))),
]


@pytest.mark.parametrize(("token", "raised", "act"), REFUSED)
def test_refusals_are_exceptions(
    server: Server, token: str, raised: type[ClientError], act: Callable[[Client], object]
) -> None:
    with client_of(server, token) as client, pytest.raises(raised):
        act(client)


def test_a_wrong_key_and_a_wrong_address(server: Server) -> None:
    with Client(server.url, "ch_key_wrong") as client, pytest.raises(Unauthenticated):
        client.wallets.get("tea-house")
    with pytest.raises(ClientError, match="API key"):
        Client(server.url, "two words")
    with Client("http://127.0.0.1:9", "ch_key_x", retries=Retries(1)) as client:
        with pytest.raises(ConnectionFailed, match="ConnectError"):
            client.wallets.get("tea-house")


def test_payouts_are_held_and_let_go(server: Server) -> None:
    with client_of(server) as client:
        made = client.wallets.hold("tea-house", "a call to make", currency="USD")
        assert (made.kind, made.currency, made.released_at) == ("person", "USD", None)
        assert client.wallets.holds("tea-house", state="open").items == [made]
        released = client.wallets.release("tea-house", made.hold_id, "called")
        assert released.release_reason == "called"
        assert client.wallets.holds("tea-house", state="open").items == []
        assert client.wallets.margins("tea-house", "2026-01-01", "2026-02-01") == []


async def test_the_same_with_the_other_client(server: Server) -> None:
    async with AsyncClient(server.url, server.tokens["all"], retries=SOON) as client:
        made = await client.wallets.hold("tea-house", "a call to make")
        assert (await client.wallets.holds("tea-house", limit=1)).items == [made]
        assert (await client.wallets.release("tea-house", made.hold_id, "called")).released_at
        assert await client.wallets.margins("tea-house", "2026-01-01", "2026-02-01") == []
