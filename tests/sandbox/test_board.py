"""The control page: it shows what the PSPs know, offers what can be done, and asks nobody else."""

import re
from importlib import resources

import httpx
import pytest
import stripe
from tests.sandbox.world import charge_stripe

from clearhouse.sandbox.actions import Action
from clearhouse.sandbox.courier import Mischief
from clearhouse.sandbox.server import Running
from clearhouse.sandbox.truth import Dispute


def read(name: str) -> str:
    return resources.files("clearhouse.sandbox").joinpath(name).read_text(encoding="utf-8")


def test_a_charge_is_shown_with_its_refunds_disputes_and_actions(
    sandbox: Running, control: httpx.Client, stripe_sdk: stripe.StripeClient
) -> None:
    intent = charge_stripe(stripe_sdk, "shown", amount=5000, payment_method="pm_card_pendingRefund")
    refund = stripe_sdk.v1.refunds.create({"payment_intent": intent.id, "amount": 1250})
    core = sandbox.core
    [account] = {one.account for one in core.truth.charges(reference="shown")[0]}
    with core.truth.transaction():
        core.truth.record_dispute(
            Dispute("stripe", account, "dp_1", intent.id, 3750, "USD", "open", 1, 1)
        )
    shown = control.get("/board").json()["charges"][0]
    assert (shown["id"], shown["reference"], shown["amount"], shown["status"]) == (
        *(intent.id, "shown", "50.00", "succeeded"),
    )
    [told] = shown["refunds"]
    assert (told["id"], told["amount"], told["status"]) == (refund.id, "12.50", "pending")
    assert "fail_refund" in {action["name"] for action in told["actions"]}
    assert [one["id"] for one in shown["disputes"]] == ["dp_1"]
    done = control.post(
        "/actions",
        json={"psp": "stripe", "account": account, "id": refund.id, "action": "fail_refund"},
    )
    assert done.status_code == 200
    [told] = control.get("/board").json()["charges"][0]["refunds"]
    assert told["status"] == "failed"


def test_what_waits_for_somebody_and_pages_are_shown(
    sandbox: Running, control: httpx.Client
) -> None:
    core = sandbox.core
    core.actions.offer(
        Action("square", "win", "Win", lambda _, one: one == "odd-1", lambda *_: None)
    )
    with core.truth.transaction():
        for identifier, body in (
            ("odd-1", {"state": "UNDER_REVIEW", "url": "javascript:alert(1)"}),
            ("page-1", {"status": "open", "url": "http://127.0.0.1:1/pay"}),
            ("plain-1", {"status": "done"}),
        ):
            core.truth.execute(
                "INSERT INTO objects (psp, account, kind, id, created_at, body)"
                " VALUES ('square', 'a', 'thing', ?, 1, json(?))",
                (identifier, httpx.Request("POST", "http://x", json=body).content.decode()),
            )
    found = {one["id"]: one for one in control.get("/board").json()["objects"]}
    assert (found["odd-1"]["status"], found["odd-1"]["url"]) == ("UNDER_REVIEW", None)
    assert [action["label"] for action in found["odd-1"]["actions"]] == ["Win"]
    assert (found["page-1"]["url"], found["page-1"]["actions"]) == ("http://127.0.0.1:1/pay", [])
    assert "plain-1" not in found


def test_a_buyer_who_must_do_something_is_shown_the_way(
    control: httpx.Client, stripe_sdk: stripe.StripeClient
) -> None:
    charge_stripe(
        stripe_sdk, payment_method="pm_card_threeDSecure2Required", return_url="http://shop.com/"
    )
    shown = control.get("/board").json()["charges"][0]
    assert shown["status"] == "requires_action"
    assert "3-D Secure" in httpx.get(shown["url"], trust_env=False).text


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/", "text/html"), ("/board.css", "text/css"), ("/board.js", "text/javascript")],
)
def test_the_page_is_served_and_may_load_nothing_from_elsewhere(
    path: str, kind: str, control: httpx.Client
) -> None:
    reply = control.get(path)
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith(kind)
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert not re.search(r"(src|href)=.(https?:)?//", reply.text)
    assert "innerHTML" not in reply.text


def test_the_page_is_found_without_its_slash(sandbox: Running) -> None:
    reply = httpx.get(f"{sandbox.base_url}/_sandbox", trust_env=False, follow_redirects=True)
    assert "<title>PSP sandbox" in reply.text


def test_script_and_page_speak_of_the_same_things() -> None:
    page, script = read("board.html"), read("board.js")
    ids = set(re.findall(r'(?:byId|onSubmit|fill)\("(\w+)"', script))
    assert ids <= set(re.findall(r'id="(\w+)"', page))
    wrongs = set(re.findall(r'<option value="(\w+)">', page))
    assert wrongs == set(Mischief.__struct_fields__) - {"delay_seconds"}
