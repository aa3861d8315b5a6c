"""Retrieve, list, search and expand, as look-ups after a lost answer use them."""

from datetime import timedelta

import pytest
import stripe
from tests.sandbox.world import HandClock, charge_stripe, stripe_client

from clearhouse.sandbox.server import Running, open_core, running


def test_retrieve_gives_what_create_gave(stripe_sdk: stripe.StripeClient):
    intent = charge_stripe(stripe_sdk)
    assert stripe_sdk.v1.payment_intents.retrieve(intent.id).to_dict() == intent.to_dict()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stripe_sdk.v1.payment_intents.retrieve("pi_unknown")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


def test_another_account_sees_nothing(stripe_sdk: stripe.StripeClient, sandbox: Running):
    intent = charge_stripe(stripe_sdk)
    stranger = stripe_client(sandbox.base_url, "sk_test_stranger")
    with pytest.raises(stripe.InvalidRequestError):
        stranger.v1.payment_intents.retrieve(intent.id)
    assert stranger.v1.payment_intents.list().data == []


def test_a_list_is_newest_first_and_paged_both_ways(stripe_sdk: stripe.StripeClient):
    made = [charge_stripe(stripe_sdk, f"o{n}").id for n in range(7)]
    newest_first = made[::-1]
    page = stripe_sdk.v1.payment_intents.list({"limit": 3})
    assert [intent.id for intent in page.data] == newest_first[:3]
    assert page.has_more
    following = stripe_sdk.v1.payment_intents.list({"limit": 4, "starting_after": page.data[2].id})
    assert [intent.id for intent in following.data] == newest_first[3:]
    assert not following.has_more
    back = stripe_sdk.v1.payment_intents.list({"limit": 2, "ending_before": following.data[0].id})
    assert [intent.id for intent in back.data] == newest_first[1:3]
    whole = stripe_sdk.v1.payment_intents.list({"limit": 2}).auto_paging_iter()
    assert [intent.id for intent in whole] == newest_first


def test_a_list_is_bounded_by_time():
    clock = HandClock()
    with running(open_core(clock=clock)) as box:
        sdk = stripe_client(box.base_url)
        seconds, made = [], []
        for order in range(3):
            made.append(charge_stripe(sdk, f"o{order}").id)
            seconds.append(int(clock.now().timestamp()))
            clock.advance(timedelta(seconds=1))
        table = [
            ({"gte": seconds[1]}, made[:0:-1]),
            ({"gt": seconds[1]}, made[2:]),
            ({"lt": seconds[1]}, made[:1]),
            ({"gte": seconds[1], "lte": seconds[1]}, made[1:2]),
            (seconds[0], made[:1]),
        ]
        for created, expected in table:
            page = sdk.v1.payment_intents.list({"created": created})  # pyright: ignore[reportArgumentType]
            assert [intent.id for intent in page.data] == expected, created


def test_search_by_metadata_status_and_amount(stripe_sdk: stripe.StripeClient):
    good = charge_stripe(stripe_sdk, "it's")
    with pytest.raises(stripe.CardError):
        charge_stripe(stripe_sdk, "it's", payment_method="pm_card_chargeDeclined")
    charge_stripe(stripe_sdk, "other", amount=5000)

    def found(query: str) -> list[str]:
        page = stripe_sdk.v1.payment_intents.search({"query": query})
        return [intent.id for intent in page.data]

    assert len(found(r"metadata['payment_order_id']:'it\'s'")) == 2
    assert found(r"""metadata["payment_order_id"]:"it's" AND status:"succeeded" """) == [good.id]
    assert len(found("amount>=5000")) == 1
    assert len(found("status:'requires_payment_method' OR amount>1000")) == 2
    assert len(found("-metadata['payment_order_id']:'other'")) == 2
    assert len(found("metadata['payment_order_id']~'othe'")) == 1


def test_search_pages(stripe_sdk: stripe.StripeClient):
    made = [charge_stripe(stripe_sdk, "many").id for _ in range(5)]
    pages = stripe_sdk.v1.payment_intents.search(
        {"query": "metadata['payment_order_id']:'many'", "limit": 2}
    )
    assert [intent.id for intent in pages.auto_paging_iter()] == made[::-1]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "metadata:'x'",
        "status['x']:'y'",
        "unknown:'x'",
        "amount:'ten'",
        "status:'a' AND",
        "status:'a' AND amount:1 OR amount:2",
        "status>'a'",
        "status:'a",
    ],
)
def test_a_query_that_is_none_is_refused(query: str, stripe_sdk: stripe.StripeClient):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stripe_sdk.v1.payment_intents.search({"query": query})
    assert caught.value.http_status == 400


def test_search_lags_behind_and_the_list_does_not(stripe_sdk: stripe.StripeClient, control):
    control.post("/settings", json={"list_lag_seconds": {"stripe": 3600}})
    charge_stripe(stripe_sdk, "lagging")
    query = {"query": "metadata['payment_order_id']:'lagging'"}
    assert stripe_sdk.v1.payment_intents.search(query).data == []  # pyright: ignore[reportArgumentType]
    assert len(stripe_sdk.v1.payment_intents.list().data) == 1
    control.post("/settings", json={"list_lag_seconds": {}})
    assert len(stripe_sdk.v1.payment_intents.search(query).data) == 1  # pyright: ignore[reportArgumentType]


def test_charges_are_found_by_their_intent(stripe_sdk: stripe.StripeClient):
    intent, other = charge_stripe(stripe_sdk), charge_stripe(stripe_sdk)
    page = stripe_sdk.v1.charges.list({"payment_intent": intent.id})
    assert [charge.id for charge in page.data] == [intent.latest_charge]
    assert other.latest_charge not in [charge.id for charge in page.data]


def test_expand_reaches_down_and_into_lists(stripe_sdk: stripe.StripeClient):
    intent = charge_stripe(stripe_sdk, expand=["latest_charge.balance_transaction"])
    assert isinstance(intent.latest_charge, stripe.Charge)
    balance = intent.latest_charge.balance_transaction
    assert isinstance(balance, stripe.BalanceTransaction)
    assert (balance.amount, balance.fee, balance.net) == (1000, 59, 941)
    page = stripe_sdk.v1.payment_intents.list({"expand": ["data.payment_method"]})
    assert isinstance(page.data[0].payment_method, stripe.PaymentMethod)


@pytest.mark.parametrize("path", ["nothing", "latest_charge.nothing", "a.b.c.d.e"])
def test_a_path_that_leads_nowhere_is_refused(path: str, stripe_sdk: stripe.StripeClient):
    intent = charge_stripe(stripe_sdk)
    with pytest.raises(stripe.InvalidRequestError):
        stripe_sdk.v1.payment_intents.retrieve(intent.id, {"expand": [path]})
