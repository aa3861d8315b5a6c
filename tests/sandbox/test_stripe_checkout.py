"""The hosted page of a checkout session, as a browser sees it."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import stripe
from tests.sandbox.specs import fixture_fields, schema_checks
from tests.sandbox.world import truth

from clearhouse.sandbox.server import Running

GOOD, NO_FUNDS, ASKS = "4242 4242 4242 4242", "4000000000009995", "4000000000003220"
ASKS_THEN_NO = "4000008400001629"
SUCCESS = "https://shop.example/paid?session={CHECKOUT_SESSION_ID}"
BACK = "https://shop.example/basket"


def opened(sdk: stripe.StripeClient, page: str, **changes: Any) -> Any:
    price = {"currency": "usd", "unit_amount": 700, "product_data": {"name": "A <lamp>"}}
    params: dict[str, Any] = {
        "mode": "payment",
        "success_url": SUCCESS,
        "cancel_url": BACK,
        "line_items": [{"price_data": price, "quantity": 2}],
        "client_reference_id": page,
        "metadata": {"page_id": page},
        "payment_intent_data": {"metadata": {"payment_order_id": page}},
        **changes,
    }
    return sdk.v1.checkout.sessions.create(params)  # pyright: ignore[reportArgumentType] - a table of tests


def typed(number: str, **changes: str) -> dict[str, str]:
    return {"number": number, "expiry": "12 / 34", "cvc": "123", "email": "b@x.org", **changes}


def pay(url: str, number: str = GOOD, **changes: str) -> httpx.Response:
    return httpx.post(url, data=typed(number, **changes), trust_env=False)


def again(sdk: stripe.StripeClient, identifier: str) -> stripe.checkout.Session:
    return sdk.v1.checkout.sessions.retrieve(identifier)


def test_a_session_has_the_published_shape(stripe_sdk: stripe.StripeClient) -> None:
    made = opened(stripe_sdk, "shape").to_dict()
    assert fixture_fields("checkout.session") <= set(made)
    for check in schema_checks("stripe-openapi.json", "checkout.session"):
        check({**made, "ui_mode": "hosted"})
    assert (made["amount_total"], made["currency"], made["payment_intent"]) == (1400, "usd", None)
    lines = stripe_sdk.v1.checkout.sessions.line_items.list(made["id"])
    assert [(one.description, one.amount_total) for one in lines.data] == [("A <lamp>", 1400)]


def test_the_page_shows_what_is_bought_and_leads_back(stripe_sdk: stripe.StripeClient) -> None:
    page = httpx.get(opened(stripe_sdk, "shown").url, trust_env=False)
    assert page.status_code == 200
    assert "A &lt;lamp&gt;" in page.text
    assert "14.00 USD" in page.text
    assert f'href="{BACK}"' in page.text


def test_paying_leads_to_the_shop_once(stripe_sdk: stripe.StripeClient, sandbox: Running) -> None:
    made = opened(stripe_sdk, "once")
    shop = SUCCESS.format(CHECKOUT_SESSION_ID=made.id)
    replies = [pay(made.url), pay(made.url), httpx.get(made.url, trust_env=False)]
    assert [(one.status_code, one.headers["location"]) for one in replies] == [(303, shop)] * 3
    done = again(stripe_sdk, made.id)
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    [fact] = truth(sandbox.base_url, reference="once")
    assert (fact["status"], fact["amount_minor"], fact["psp_id"]) == (
        *("succeeded", 1400),
        done.payment_intent,
    )


def test_a_decline_is_shown_and_another_card_may_be_tried(
    stripe_sdk: stripe.StripeClient, sandbox: Running
) -> None:
    made = opened(stripe_sdk, "declined")
    page = pay(made.url, NO_FUNDS)
    assert "insufficient funds" in page.text
    assert "9995" not in page.text
    assert 'value="b@x.org"' in page.text
    assert again(stripe_sdk, made.id).status == "open"
    assert pay(made.url).status_code == 303
    assert [one["status"] for one in truth(sandbox.base_url, reference="declined")] == ["succeeded"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"number": "4242 4242 4242 4241"}, "card number is invalid"),
        ({"number": ""}, "card number is invalid"),
        ({"number": "4111111111111111"}, "documented test cards"),
        ({"expiry": "13 / 34"}, "expiration date is invalid"),
        ({"expiry": "soon"}, "expiration date is invalid"),
        ({"expiry": "01 / 20"}, "expiration date is in the past"),
        ({"cvc": "1"}, "security code is incomplete"),
    ],
)
def test_what_is_typed_wrong_is_told(
    wrong: dict[str, str], said: str, stripe_sdk: stripe.StripeClient
) -> None:
    made = opened(stripe_sdk, "typed")
    reply = httpx.post(made.url, data={**typed(GOOD), **wrong}, trust_env=False)
    assert reply.status_code == 200
    assert said in reply.text.replace("&#x27;", "'")
    assert again(stripe_sdk, made.id).payment_intent is None


@pytest.mark.parametrize(
    ("number", "answer", "status"),
    [
        (ASKS, "complete", "complete"),
        (ASKS, "fail", "open"),
        (ASKS_THEN_NO, "complete", "open"),
    ],
)
def test_a_challenge_leads_to_the_bank_and_back(
    number: str, answer: str, status: str, stripe_sdk: stripe.StripeClient
) -> None:
    made = opened(stripe_sdk, "asked")
    bank = pay(made.url, number).headers["location"]
    assert "3-D Secure" in httpx.get(bank, trust_env=False).text
    back = httpx.post(bank, data={"result": answer}, trust_env=False)
    assert back.headers["location"].startswith(made.url)
    assert again(stripe_sdk, made.id).status == status
    page = httpx.get(back.headers["location"], trust_env=False)
    assert page.status_code == (303 if status == "complete" else 200)
    if status == "open":
        assert 'role="alert"' in page.text
        assert pay(made.url).status_code == 303


def test_a_session_ends_at_its_time(stripe_sdk: stripe.StripeClient, sandbox: Running) -> None:
    made, begun = opened(stripe_sdk, "late"), opened(stripe_sdk, "begun")
    pay(begun.url, NO_FUNDS)
    sandbox.core.clock.advance(timedelta(hours=24, seconds=1))
    sandbox.core.agenda.run_due()
    for one in (made, begun):
        assert again(stripe_sdk, one.id).status == "expired"
        page = pay(one.url)
        assert (page.status_code, BACK in page.text) == (410, True)
    intent = stripe_sdk.v1.payment_intents.retrieve(str(again(stripe_sdk, begun.id).payment_intent))
    assert intent.status == "canceled"


def test_a_session_is_expired_by_hand_unless_it_is_paid(stripe_sdk: stripe.StripeClient) -> None:
    made, paid = opened(stripe_sdk, "hand"), opened(stripe_sdk, "hand-paid")
    pay(paid.url)
    assert stripe_sdk.v1.checkout.sessions.expire(made.id).status == "expired"
    for one in (made, paid):
        with pytest.raises(stripe.InvalidRequestError):
            stripe_sdk.v1.checkout.sessions.expire(one.id)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"mode": None}, "mode"),
        ({"success_url": None}, "success_url"),
        ({"success_url": "shop"}, "success_url"),
        ({"line_items": []}, "line_items"),
        ({"expires_at": 1}, "expires_at"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_wrong_request_opens_nothing(
    changes: dict[str, Any], param: str, stripe_sdk: stripe.StripeClient
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        opened(stripe_sdk, "wrong", **changes)
    assert caught.value.param == param
    assert stripe_sdk.v1.checkout.sessions.list().data == []


def test_a_page_that_is_not_there(sandbox: Running) -> None:
    url = f"{sandbox.base_url}/_sandbox/stripe/checkout/acct_none/cs_none"
    assert httpx.get(url, trust_env=False).status_code == 404
    assert pay(url).status_code == 404
