"""Settlement in the sandbox: its control API, Stripe's payouts by the SDK, and what is refused."""

import httpx
import pytest
import stripe
from tests.sandbox.world import charge_stripe

from clearhouse.sandbox.server import Running

RUN = {"report_type": "balance_change_from_activity.itemized.3"}
MAY = {"interval_start": 1_777_600_000, "interval_end": 1_777_700_000}


@pytest.mark.parametrize(
    "order",
    [
        {"fault": "no-such-fault"},
        {"fault": "late-line", "day": "yesterday"},
        {"fault": "late-line", "day": "2026-13-01"},
        {"fault": "late-line", "count": 0},
        {"fault": "late-line", "unknown": 1},
        {},
    ],
)
def test_orders_that_make_no_sense_are_refused(control: httpx.Client, order: object) -> None:
    reply = control.post("/settlement-faults", json=order)
    assert (reply.status_code, bool(reply.json()["error"])) == (400, True)
    assert control.get("/settlement-faults").json() == {"settlement_faults": []}


def test_orders_stand_until_they_are_withdrawn_and_the_page_shows_them(
    control: httpx.Client,
) -> None:
    order = {"fault": "wrong-fee", "psp": "stripe", "day": "2026-11-21", "match": "o1"}
    told = control.post("/settlement-faults", json=order).json()["settlement_faults"]
    assert told == [{**order, "count": 1}]
    board = control.get("/board").json()
    assert board["spoilt"] == told
    assert "late-line" in board["spoils"]
    assert control.delete("/settlement-faults").json() == {"settlement_faults": []}


@pytest.mark.parametrize("query", ["after=x", "limit=-1"])
def test_movements_are_asked_for_by_numbers(control: httpx.Client, query: str) -> None:
    assert control.get(f"/truth/movements?{query}").status_code == 400


def test_a_payout_is_told_by_the_api_and_made_of_what_was_available(
    sandbox: Running, control: httpx.Client, stripe_sdk: stripe.StripeClient
) -> None:
    intents = [charge_stripe(stripe_sdk, f"payout-{n}", amount=1_000 + n) for n in range(3)]
    stripe_sdk.v1.refunds.create({"payment_intent": intents[0].id, "amount": 400})
    control.post("/clock", json={"days": 3})
    [payout] = stripe_sdk.v1.payouts.list().data
    assert (payout.automatic, payout.status, payout.currency) == (True, "in_transit", "usd")
    listed = stripe_sdk.v1.balance_transactions.list({"payout": payout.id, "limit": 2})
    rows = list(listed.auto_paging_iter())
    assert [row.type for row in rows].count("charge") == 3
    assert sum(row.net for row in rows) == 0
    [own] = [row for row in rows if row.type == "payout"]
    assert (own.source, own.amount) == (payout.id, -payout.amount)
    control.post("/clock", json={"days": 2})
    assert stripe_sdk.v1.payouts.retrieve(payout.id).status == "paid"
    moved = control.get("/truth/movements?psp=stripe&limit=10000").json()["movements"]
    assert payout.id in {each["source"] for each in moved}


def test_a_payout_that_comes_back_is_on_the_balance_again(
    sandbox: Running, control: httpx.Client, stripe_sdk: stripe.StripeClient
) -> None:
    charge_stripe(stripe_sdk, "returned", amount=2_000)
    control.post("/clock", json={"days": 6})
    [payout] = stripe_sdk.v1.payouts.list().data
    call = {"psp": "stripe", "id": payout.id, "action": "fail_payout"}
    control.post("/actions", json=call).raise_for_status()
    failed = stripe_sdk.v1.payouts.retrieve(payout.id)
    assert (failed.status, failed.failure_code) == ("failed", "account_closed")
    control.post("/clock", json={"days": 3})
    again, first = stripe_sdk.v1.payouts.list().data
    assert (first.id, again.amount) == (payout.id, payout.amount)


WRONG = [
    (RUN, "interval_start"),
    ({**RUN, "report_type": "nothing.1", "parameters": MAY}, "nothing.1"),
    ({**RUN, "parameters": {**MAY, "interval_end": 9_999_999_999}}, "not yet available"),
    ({**RUN, "parameters": {**MAY, "interval_end": 1}}, "interval_start must be before"),
    ({**RUN, "parameters": {**MAY, "columns": ["card_last4"]}}, "Invalid column"),
    ({**RUN, "parameters": {**MAY, "timezone": "Europe/Berlin"}}, "in UTC"),
    ({**RUN, "parameters": {**MAY, "colour": "red"}}, "unknown parameter"),
]


@pytest.mark.parametrize(("asked", "why"), WRONG)
def test_report_runs_that_stripe_would_refuse(
    stripe_sdk: stripe.StripeClient, asked: dict[str, object], why: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=why):
        stripe_sdk.v1.reporting.report_runs.create(asked)  # type: ignore[arg-type]
    with pytest.raises(stripe.InvalidRequestError):
        stripe_sdk.v1.reporting.report_types.retrieve("nothing.1")


def test_files_are_for_their_owner(sandbox: Running, stripe_sdk: stripe.StripeClient) -> None:
    run = stripe_sdk.v1.reporting.report_runs.create({**RUN, "parameters": MAY})  # type: ignore[typeddict-item]
    done = stripe_sdk.v1.reporting.report_runs.retrieve(run.id)
    assert done.result is not None
    assert done.result.url is not None
    for headers in ({}, {"authorization": "Bearer sk_test_stranger"}):
        answer = httpx.get(done.result.url, headers=headers, trust_env=False)
        assert answer.status_code in {401, 404}
