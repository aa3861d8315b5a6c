"""The control API: what is asked for happens, what makes no sense is refused."""

import httpx
import pytest
import stripe
from square import Square
from square.core.api_error import ApiError
from tests.sandbox.world import charge_stripe, stripe_client, truth

from clearhouse.sandbox.server import Running, open_core, running


def test_health_names_what_is_served(control: httpx.Client):
    assert control.get("/health").json() == {
        "status": "ok",
        "psps": ["stripe", "braintree", "square"],
    }


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/faults", {"fault": "no-such-fault"}),
        ("/faults", {"psp": "stripe"}),
        ("/faults", {"fault": "reset", "unknown": 1}),
        ("/faults", {"fault": "reset", "times": 0}),
        ("/rates", {"stripe": {"reset": 2}}),
        ("/rates", {"stripe": {"reset": 0.6, "hang": 0.6}}),
        ("/rates", {"stripe": {"reset": -0.1}}),
        ("/rates", {"stripe": {"no-such-fault": 0.1}}),
        ("/settings", {"unknown": 1}),
        ("/settings", {"latency": {"stripe": {"median": 3}}}),
        ("/settings", {"slow_seconds": -1}),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(path: str, body, control: httpx.Client):
    before = control.get(path).json()
    reply = control.post(path, json=body)
    assert reply.status_code == 400
    assert reply.json()["error"]
    assert control.get(path).json() == before


def test_orders_can_be_seen_and_withdrawn(control: httpx.Client):
    order = {"psp": "stripe", "operation": "charge", "fault": "reset", "times": 3, "match": None}
    assert control.post("/faults", json=order).json()["faults"] == [order]
    assert control.get("/faults").json()["faults"] == [order]
    assert control.delete("/faults").json()["faults"] == []


def test_rates_take_effect_until_they_are_withdrawn(
    control: httpx.Client, stripe_sdk: stripe.StripeClient
):
    control.post("/rates", json={"stripe": {"error-before": 1.0}})
    with pytest.raises(stripe.APIError):
        charge_stripe(stripe_sdk)
    assert control.get("/rates").json() == {"rates": {"stripe": {"error-before": 1.0}}}
    control.delete("/rates")
    assert charge_stripe(stripe_sdk).status == "succeeded"


def test_settings_change_one_by_one(control: httpx.Client):
    changed = control.post("/settings", json={"retry_after_seconds": 7}).json()
    assert (changed["retry_after_seconds"], changed["slow_seconds"] > 0) == (7, True)
    assert control.post("/settings", json={}).json() == changed
    control.post("/settings", json={"retry_after_seconds": 1})


def test_the_truth_is_paged_filtered_and_summed_up(
    control: httpx.Client, stripe_sdk: stripe.StripeClient
):
    for number in range(5):
        charge_stripe(stripe_sdk, f"page-{number}", currency="sek", amount=1000)
    seen, after = [], 0
    while after is not None:
        reply = control.get("/truth", params={"after": after, "limit": 2, "psp": "stripe"}).json()
        seen += [charge["reference"] for charge in reply["charges"]]
        after = reply["next"]
    assert [each for each in seen if str(each).startswith("page-")] == [
        f"page-{number}" for number in range(5)
    ]
    assert {
        "psp": "stripe",
        "currency": "SEK",
        "status": "succeeded",
        "count": 5,
        "amount_minor": 5000,
    } in control.get("/truth/summary").json()["summary"]
    assert control.get("/truth", params={"after": "x"}).status_code == 400


def test_the_truth_can_be_forgotten():
    with running() as box:
        charge_stripe(stripe_client(box.base_url), "gone", key="gone")
        httpx.delete(f"{box.base_url}/_sandbox/truth", trust_env=False).raise_for_status()
        assert truth(box.base_url) == []
        charge_stripe(stripe_client(box.base_url), "gone", key="gone")
        assert len(truth(box.base_url)) == 1


@pytest.mark.parametrize("path", ["/", "/v1/nothing", "/v2/payments/a/b/c", "/_sandbox/nothing"])
def test_an_unknown_path_is_404(path: str, sandbox: Running):
    assert httpx.get(f"{sandbox.base_url}{path}", trust_env=False).status_code == 404


def test_an_sdk_understands_that_an_endpoint_is_missing(
    stripe_sdk: stripe.StripeClient, square_sdk: Square
):
    with pytest.raises(stripe.InvalidRequestError, match="no such endpoint"):
        stripe_sdk.v1.coupons.list()
    with pytest.raises(ApiError) as caught:
        square_sdk.gift_cards.list()
    assert caught.value.errors[0].code == "NOT_FOUND"


def test_a_port_that_is_taken_is_said_in_one_line(sandbox: Running):
    from clearhouse.kernel.errors import UnavailableError
    from clearhouse.sandbox.server import serve

    with pytest.raises(UnavailableError, match=str(sandbox.port)):
        serve(open_core(), sandbox.host, sandbox.port).send(None)
