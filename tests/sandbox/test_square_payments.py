"""Square's idempotency, delayed capture, cancel by key, and its eventually consistent list."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from square import Square
from square.core.api_error import ApiError
from tests.sandbox.world import HandClock, charge_square, square_client, truth

from clearhouse.sandbox.server import Running, open_core, running


def _payment(reply: Any) -> Any:
    assert reply.payment is not None
    return reply.payment


def _code(caught: pytest.ExceptionInfo[ApiError]) -> tuple[int | None, str]:
    return caught.value.status_code, str(caught.value.errors[0].code)


def test_a_repeat_gets_the_first_answer(square_sdk: Square, sandbox: Running):
    first = _payment(charge_square(square_sdk, "same", key="same"))
    again = _payment(charge_square(square_sdk, "same", key="same"))
    assert again == first
    assert len(truth(sandbox.base_url, reference="same")) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"amount_money": {"amount": 1001, "currency": "USD"}},
        {"source_id": "ccof:customer-card-id-ok"},
        {"note": "another"},
        {"reference_id": "another"},
    ],
)
def test_the_key_is_bound_to_the_whole_body(change, square_sdk: Square, sandbox: Running):
    first = _payment(charge_square(square_sdk, key="bound"))
    with pytest.raises(ApiError) as caught:
        charge_square(square_sdk, key="bound", **change)
    assert _code(caught) == (400, "IDEMPOTENCY_KEY_REUSED")
    assert _payment(square_sdk.payments.get(first.id)).status == "COMPLETED"


def test_a_decline_is_stored_and_bound(square_sdk: Square, sandbox: Running):
    for _ in range(2):
        with pytest.raises(ApiError) as caught:
            charge_square(square_sdk, "no", key="no", source_id="cnon:card-nonce-declined")
        assert _code(caught) == (400, "GENERIC_DECLINE")
    with pytest.raises(ApiError) as caught:
        charge_square(square_sdk, "no", key="no")
    assert _code(caught) == (400, "IDEMPOTENCY_KEY_REUSED")
    assert len(truth(sandbox.base_url, reference="no")) == 1


def test_a_failed_validation_is_not_stored(square_sdk: Square):
    with pytest.raises(ApiError):
        charge_square(square_sdk, key="mended", note="n" * 501)
    assert _payment(charge_square(square_sdk, key="mended")).status == "COMPLETED"


def test_while_the_first_is_in_flight_the_second_conflicts(sandbox: Running, control: httpx.Client):
    slow = {"square": {"median_ms": 700, "p99_ms": 700}}
    control.post("/settings", json={"latency": slow})

    def attempt(_: int) -> str:
        try:
            sdk = square_client(sandbox.base_url, "token-flight")
            return str(_payment(charge_square(sdk, "flight", key="flight")).status)
        except ApiError as error:
            return str(error.status_code)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(8))) == ["409"] * 7 + ["COMPLETED"]
    assert len(truth(sandbox.base_url, reference="flight")) == 1


def test_authorize_then_complete_with_the_right_version(square_sdk: Square, sandbox: Running):
    held = _payment(charge_square(square_sdk, "hold", autocomplete=False))
    assert held.status == "APPROVED"
    assert truth(sandbox.base_url, reference="hold")[0]["status"] == "authorized"
    with pytest.raises(ApiError) as caught:
        square_sdk.payments.complete(held.id, version_token="stale")
    assert caught.value.status_code == 400
    done = _payment(square_sdk.payments.complete(held.id, version_token=held.version_token))
    assert (done.status, done.version_token != held.version_token) == ("COMPLETED", True)
    assert truth(sandbox.base_url, reference="hold")[0]["status"] == "succeeded"
    with pytest.raises(ApiError):
        square_sdk.payments.cancel(held.id)


def test_authorize_then_cancel(square_sdk: Square, sandbox: Running):
    held = _payment(charge_square(square_sdk, "void", autocomplete=False))
    gone = _payment(square_sdk.payments.cancel(held.id))
    assert gone.card_details is not None
    assert (gone.status, gone.card_details.status) == ("CANCELED", "VOIDED")
    assert truth(sandbox.base_url, reference="void")[0]["status"] == "canceled"


@pytest.mark.parametrize("autocomplete", [True, False])
def test_cancel_by_key_voids_what_it_finds(
    autocomplete: bool, square_sdk: Square, sandbox: Running
):
    order = f"by-key-{autocomplete}"
    charge_square(square_sdk, order, key=order, autocomplete=autocomplete)
    assert not square_sdk.payments.cancel_by_idempotency_key(idempotency_key=order).errors
    assert [fact["status"] for fact in truth(sandbox.base_url, reference=order)] == ["canceled"]


def test_cancel_by_key_succeeds_when_there_is_nothing(square_sdk: Square, sandbox: Running):
    before = truth(sandbox.base_url)
    assert not square_sdk.payments.cancel_by_idempotency_key(idempotency_key="unknown").errors
    assert truth(sandbox.base_url) == before


def test_the_list_pages_in_both_orders(square_sdk: Square):
    made = [_payment(charge_square(square_sdk, f"o{n}")).id for n in range(7)]
    newest_first = [payment.id for payment in square_sdk.payments.list(limit=3)]
    assert newest_first == made[::-1]
    oldest_first = [payment.id for payment in square_sdk.payments.list(limit=2, sort_order="ASC")]
    assert oldest_first == made


def test_the_list_filters_by_what_square_has(square_sdk: Square):
    small = _payment(charge_square(square_sdk, amount_money={"amount": 5, "currency": "USD"})).id
    yen = _payment(
        charge_square(square_sdk, amount_money={"amount": 7, "currency": "JPY"}, location_id="LJPY")
    ).id
    gift = _payment(charge_square(square_sdk, source_id="cnon:gift-card-nonce-ok")).id
    assert [each.id for each in square_sdk.payments.list(total=5)] == [small]
    assert [each.id for each in square_sdk.payments.list(location_id="LJPY")] == [yen]
    brand = "SQUARE_GIFT_CARD"
    assert [each.id for each in square_sdk.payments.list(card_brand=brand)] == [gift]
    with pytest.raises(ApiError) as caught:
        extra = {"additional_query_parameters": {"reference_id": "o1"}, "max_retries": 0}
        square_sdk.payments.list(request_options=extra)  # pyright: ignore[reportArgumentType]
    assert _code(caught) == (400, "UNKNOWN_QUERY_PARAMETER")


def test_the_list_is_bounded_by_time():
    clock = HandClock()
    with running(open_core(clock=clock)) as box:
        sdk = square_client(box.base_url)
        moments, made = [], []
        for order in range(3):
            made.append(_payment(charge_square(sdk, f"o{order}")).id)
            moments.append(clock.now().isoformat())
            clock.advance(timedelta(minutes=1))
        window = sdk.payments.list(begin_time=moments[1], end_time=moments[1])
        assert [payment.id for payment in window] == [made[1]]
        since = sdk.payments.list(begin_time=moments[1], sort_order="ASC")
        assert [payment.id for payment in since] == made[1:]
        updated = sdk.payments.list(updated_at_end_time=moments[0])
        assert [payment.id for payment in updated] == made[:1]


def test_the_list_lags_behind_and_get_does_not(square_sdk: Square, control: httpx.Client):
    control.post("/settings", json={"list_lag_seconds": {"square": 3600}})
    payment = _payment(charge_square(square_sdk))
    assert list(square_sdk.payments.list()) == []
    assert _payment(square_sdk.payments.get(payment.id)) == payment
    control.post("/settings", json={"list_lag_seconds": {}})
    assert [each.id for each in square_sdk.payments.list()] == [payment.id]


def test_another_account_sees_nothing(square_sdk: Square, sandbox: Running):
    payment = _payment(charge_square(square_sdk))
    with pytest.raises(ApiError) as caught:
        square_client(sandbox.base_url, "stranger").payments.get(payment.id)
    assert _code(caught) == (404, "NOT_FOUND")
