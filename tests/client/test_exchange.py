"""The conversation of one call: repeated where that is safe, always with the same key."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.api.problem_types import TYPES
from clearhouse.client import (
    ApiError,
    Card,
    ClientError,
    Conflict,
    ConnectionFailed,
    InvalidRequest,
    NewOrder,
    NewPayment,
    NotFound,
    Retries,
    Unavailable,
    calls,
)
from clearhouse.client.errors import error_of
from clearhouse.client.exchange import Answer, Lost, Send, Wait, exchange
from clearhouse.kernel.randomness import SeededRandomness

WALLET = b'{"seller_account": "tea", "balances": []}'
OK = Answer(200, WALLET, None)
LOST = Lost("ReadTimeout")


def problem(status: int, slug: str, retry_after: str | None = None) -> Answer:
    return Answer(status, b'{"type": "/problems/%s", "detail": "no"}' % slug.encode(), retry_after)


def talk(
    *answers: Answer | Lost, post: bool = False, key: str | None = None, tries: int = 4
) -> tuple[Any, list[str | None], list[float]]:
    """What a call returns or raises, the keys it sent, and how long it waited in between."""
    call: Any = calls.void("o-1") if post else calls.wallet("tea")
    if post:
        call = calls.Call(call.method, call.path, calls.Wallet, (), call.body)
    steps = exchange(call, Retries(tries=tries), SeededRandomness(1), key)
    keys: list[str | None] = []
    waits: list[float] = []
    left = list(answers)
    step: Send | Wait = next(steps)
    try:
        while True:
            if isinstance(step, Wait):
                waits.append(step.seconds)
                step = next(steps)
            else:
                keys.append(step.headers.get("Idempotency-Key"))
                step = steps.send(left.pop(0))
    except StopIteration as done:
        return done.value, keys, waits
    except ClientError as error:
        return error, keys, waits


TABLE = [
    # answers, and how often is sent until what
    ([OK], 1, None),
    ([LOST, OK], 2, None),
    ([problem(429, "idempotency-key-in-use"), problem(503, "unavailable"), OK], 3, None),
    ([problem(500, "internal-error"), OK], 2, None),
    ([Answer(502, b"<html>", None), OK], 2, None),
    ([problem(404, "not-found")], 1, NotFound),
    ([problem(409, "conflict")], 1, Conflict),
    ([problem(422, "validation-failed")], 1, InvalidRequest),
    ([LOST] * 4, 4, ConnectionFailed),
    ([problem(503, "unavailable")] * 4, 4, Unavailable),
    ([Answer(200, b"[]", None)], 1, ClientError),
]


@pytest.mark.parametrize("post", [False, True])
@pytest.mark.parametrize(("answers", "sent", "raised"), TABLE)
def test_what_is_repeated(answers: Any, sent: int, raised: Any, post: bool) -> None:
    found, keys, waits = talk(*answers, post=post)
    assert (len(keys), len(waits)) == (sent, sent - 1)
    if raised is None:
        assert found.seller_account == "tea"
    else:
        assert isinstance(found, raised)
    # One key over all tries, and none where nothing is changed.
    assert len(set(keys)) == 1
    assert (keys[0] is not None) == post
    if isinstance(found, ConnectionFailed):
        assert found.idempotency_key == keys[0]


def test_a_key_of_ones_own_is_taken_and_every_call_has_another() -> None:
    assert talk(LOST, OK, post=True, key="mine")[1] == ["mine", "mine"]


@given(st.integers(1, 30), st.floats(0, 1), st.none() | st.floats(0, 1e6))
def test_waits_are_bounded_and_obey_the_server(
    tried: int, jitter: float, asked: float | None
) -> None:
    wait = Retries(tries=20).wait(tried, asked, jitter)
    if tried >= 20:
        assert wait is None
    else:
        assert wait is not None
        assert 0.1 <= wait <= 20
        assert asked is None or wait >= min(asked, 20)


def test_what_the_server_asks_for_is_waited() -> None:
    _, _, [wait] = talk(problem(503, "unavailable", "7"), OK)
    assert wait == 7
    _, _, [wait] = talk(problem(503, "unavailable", "soon"), OK)
    assert wait < 1


@pytest.mark.parametrize("slug", TYPES)
def test_every_problem_type_has_its_exception(slug: str) -> None:
    kind = TYPES[slug]
    body = b'{"type": "/problems/%s", "title": "t", "detail": "d", "request_id": "r"}'
    error = error_of(kind.status, body % slug.encode())
    assert (error.slug, error.status, error.request_id) == (slug, kind.status, "r")
    if kind.status == 409:
        assert isinstance(error, Conflict)
    if kind.status >= 500:
        assert isinstance(error, Unavailable)
    assert type(error) is not ApiError or kind.status in {400, 405}


def test_faults_are_told_with_their_places() -> None:
    fault = b'{"pointer": "/amount", "code": "too-many-decimals", "detail": "JPY has 0 decimals"}'
    body = b'{"type": "/problems/validation-failed", "detail": "no", "errors": [%s]}' % fault
    error = error_of(422, body)
    assert error.faults[0].pointer == "/amount"
    assert "/amount JPY has 0 decimals" in str(error)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b'{"type": 5}'])
def test_what_is_no_problem_document_is_an_error_all_the_same(body: bytes) -> None:
    assert isinstance(error_of(503, body), Unavailable)
    assert error_of(418, body).slug == "unknown"


def order(amount: Any) -> NewOrder:
    return NewOrder(payment_order_id="o", seller_account="s", amount=amount, currency="USD")


def test_amounts_are_exact_and_floats_are_none() -> None:
    assert order("7.50").amount == Decimal("7.50")
    assert order(7).amount == Decimal(7)
    for wrong in (7.5, True):
        with pytest.raises(TypeError, match="never a float"):
            order(wrong)
    with pytest.raises(ValueError, match="finite"):
        order("NaN")


def test_a_payment_is_written_as_the_api_has_it() -> None:
    payment = NewPayment(
        checkout_id="c",
        payment_orders=[order(Decimal("1E+2"))],
        credit_card_info=Card("stripe", "pm"),
    )
    assert calls.create_payment(payment).body == (
        b'{"checkout_id":"c","payment_orders":[{"payment_order_id":"o","seller_account":"s",'
        b'"amount":"100","currency":"USD"}],"credit_card_info":{"psp":"stripe","token":"pm"},'
        b'"buyer_info":{}}'
    )
    page = calls.create_payment(NewPayment(checkout_id="c", payment_orders=[order("1")]))
    assert b"credit_card_info" not in (page.body or b"")


def test_ids_cannot_leave_their_place() -> None:
    assert calls.payment("../wallets/x?y").path == "/v1/payments/..%2Fwallets%2Fx%3Fy"
