"""What Braintree's sandbox tells by webhook, parsed by the SDK as a merchant would."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from tests.sandbox.braintree_world import World, world

from clearhouse.sandbox.braintree import signing

PAYPAL = "fake-paypal-one-time-nonce"
DAY = timedelta(days=1)


@pytest.fixture
def shop() -> Iterator[World]:
    with world() as each:
        call(each, "webhooks", psp="braintree", url="http://127.0.0.1:9/", secret="public|secret")
        yield each


def call(shop: World, path: str, **body: Any) -> None:
    url = f"{shop.sandbox.base_url}/_sandbox/{path}"
    httpx.post(url, json=body, trust_env=False).raise_for_status()


def passes(shop: World, by: timedelta) -> None:
    call(shop, "clock", advance_seconds=by.total_seconds())


def act(shop: World, identifier: str, action: str) -> None:
    call(shop, "actions", psp="braintree", id=identifier, action=action)


def told(shop: World) -> list[Any]:
    """All notifications so far, signed as they are sent, through the SDK's parser."""
    bodies = shop.core.truth.execute("SELECT body FROM deliveries ORDER BY id").fetchall()
    found: list[Any] = []
    for (body,) in bodies:
        content, _ = signing.sign("public|secret", "", body, shop.clock.now(), 0)
        form = parse_qs(content.decode())
        parse = shop.gateway.webhook_notification.parse
        found.append(parse(form["bt_signature"][0], form["bt_payload"][0]))
    return found


def test_a_card_is_told_of_once_it_is_paid_out(shop: World):
    made = shop.sale().transaction
    passes(shop, DAY)
    assert told(shop) == []
    passes(shop, DAY)
    each, whole = told(shop)
    assert (each.kind, each.transaction.id) == ("transaction_disbursed", made.id)
    assert each.transaction.disbursement_details.success
    assert (whole.kind, whole.disbursement.transaction_ids) == ("disbursement", [made.id])
    assert (str(whole.disbursement.amount), whole.disbursement.is_credit()) == ("10.00", True)
    assert whole.disbursement.merchant_account.id == "usd"


def test_a_day_is_paid_out_together_less_its_refunds(shop: World):
    first, second = shop.sale(order_id="a").transaction, shop.sale("7.00", "b").transaction
    for each in (first, second):
        act(shop, each.id, "settle")
    back = shop.gateway.transaction.refund(first.id, "4.00").transaction
    act(shop, back.id, "settle")
    passes(shop, DAY)
    [whole] = [each for each in told(shop) if each.kind == "disbursement"]
    assert str(whole.disbursement.amount) == "13.00"
    assert sorted(whole.disbursement.transaction_ids) == sorted([first.id, second.id, back.id])


def test_other_instruments_are_told_of_when_they_settle_or_do_not(shop: World):
    paid = shop.sale(order_id="a", payment_method_nonce=PAYPAL).transaction
    refused = shop.sale("4001.00", "b", payment_method_nonce=PAYPAL).transaction
    passes(shop, DAY)
    kinds = {each.transaction.id: each.kind for each in told(shop)}
    assert kinds == {
        paid.id: "transaction_settled",
        refused.id: "transaction_settlement_declined",
    }


def test_a_refund_that_fails(shop: World):
    made = shop.sale().transaction
    act(shop, made.id, "settle")
    back = shop.gateway.transaction.refund(made.id, {"amount": "4.00", "order_id": "op"})
    act(shop, back.transaction.id, "fail_refund")
    [failed] = told(shop)
    assert failed.kind == "refund_failed"
    assert failed.transaction.refunded_transaction_id == made.id
    assert (failed.transaction.order_id, str(failed.transaction.amount)) == ("op", "4.00")


#  action            decision    status after
REVIEWS = [
    ("approve_review", "approve", "submitted_for_settlement"),
    ("reject_review",  "reject",  "voided"),
]  # fmt: skip


@pytest.mark.parametrize(("action", "decision", "status"), REVIEWS)
def test_a_review(shop: World, action: str, decision: str, status: str):
    made = shop.sale().transaction
    act(shop, made.id, action)
    [review] = [each.transaction_review for each in told(shop)]
    assert (review.transaction_id, review.decision) == (made.id, decision)
    assert shop.gateway.transaction.find(made.id).status == status
