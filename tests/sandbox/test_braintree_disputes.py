"""Disputes through the SDK: the dispute card, evidence, time, and what is told by webhook."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import braintree
import httpx
import pytest
from braintree.exceptions.not_found_error import NotFoundError
from tests.sandbox.braintree_world import World, codes, world

CARD = {"number": "4023898493988028", "expiration_date": "12/2035"}
SEARCH = braintree.DisputeSearch


@pytest.fixture
def shop() -> Iterator[World]:
    with world() as each:
        # Nobody answers there; what is sent is in the log of deliveries all the same.
        call(each, "webhooks", psp="braintree", url="http://127.0.0.1:9/", secret="a|b")
        yield each


def call(shop: World, path: str, **body: Any) -> int:
    url = f"{shop.sandbox.base_url}/_sandbox/{path}"
    return httpx.post(url, json=body, trust_env=False).status_code


def passes(shop: World, **by: float) -> None:
    call(shop, "clock", advance_seconds=timedelta(**by).total_seconds())


def act(shop: World, identifier: str, action: str) -> int:
    return call(shop, "actions", psp="braintree", id=identifier, action=action)


def sent(shop: World) -> list[str]:
    """The kinds of the webhooks about disputes, oldest first."""
    kinds = [each["kind"] for each in reversed(shop.core.courier.log())]
    return [kind.removeprefix("dispute_") for kind in kinds if kind.startswith("dispute_")]


def disputed(shop: World, amount: str = "10.00", nonce: str | None = None) -> Any:
    """A sale with the dispute card, or its nonce, and its dispute."""
    paying: dict[str, Any] = {"payment_method_nonce": nonce} if nonce else {"credit_card": CARD}
    made = shop.sale(amount, **({"payment_method_nonce": None} | paying)).transaction
    passes(shop, seconds=2)
    [found] = shop.gateway.dispute.search([SEARCH.transaction_id == made.id]).disputes.items
    return found


def status(shop: World, dispute: Any) -> str:
    return shop.gateway.dispute.find(dispute.id).status


def in_truth(shop: World) -> list[str]:
    return [each.status for each in shop.core.truth.disputes("braintree")]


#  amount   reason                    code
REASONS = [
    ("10.00", "fraud",                "83"),
    ("83.00", "fraud",                "83"),
    ("10.40", "fraud",                "10.4"),
    ("13.10", "product_not_received", "13.1"),
    ("70.30", "general",              "70.3"),
]  # fmt: skip


@pytest.mark.parametrize(("amount", "reason", "code"), REASONS)
def test_the_dispute_card_is_settled_and_disputed(shop: World, amount: str, reason: str, code: str):
    dispute = disputed(shop, amount)
    assert (dispute.status, dispute.kind) == ("open", "chargeback")
    assert (dispute.reason, dispute.reason_code) == (reason, code)
    assert str(dispute.amount_disputed) == amount
    assert shop.gateway.transaction.find(dispute.transaction.id).status == "settled"
    assert dispute.reply_by_date - dispute.received_date == timedelta(days=21)
    assert (sent(shop), in_truth(shop)) == (["opened"], ["open"])


#  text                    after a day      after three more   after 60 more
ANSWERS = [
    ("compelling_evidence", "under_review", "won",             "won"),
    ("losing_evidence",     "under_review", "lost",            "lost"),
    ("It was delivered.",   "under_review", "under_review",    "lost"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "first", "second", "third"), ANSWERS)
def test_evidence_decides(shop: World, text: str, first: str, second: str, third: str):
    dispute = disputed(shop)
    gateway = shop.gateway.dispute
    evidence = gateway.add_text_evidence(dispute.id, text).evidence
    assert (evidence.comments, evidence.category) == (text, None)
    assert gateway.finalize(dispute.id).is_success
    assert status(shop, dispute) == "disputed"
    seen: list[str] = []
    for days in (1, 3, 60):
        passes(shop, days=days)
        seen.append(status(shop, dispute))
    assert seen == [first, second, third]
    assert sent(shop) == ["opened", "disputed", "under_review", third]
    assert in_truth(shop) == [third]
    [kept] = gateway.find(dispute.id).evidence
    assert kept.id == evidence.id


def test_giving_in(shop: World):
    dispute = disputed(shop, nonce="fake-disputed-visa-nonce")
    assert shop.gateway.dispute.accept(dispute.id).is_success
    assert status(shop, dispute) == "accepted"
    assert codes(shop.gateway.dispute.accept(dispute.id)) == ["95704"]
    assert (sent(shop), in_truth(shop)) == (["opened", "accepted"], ["lost"])


def test_no_answer_loses(shop: World):
    dispute = disputed(shop)
    passes(shop, days=22)
    assert status(shop, dispute) == "expired"
    assert (sent(shop), in_truth(shop)) == (["opened", "expired"], ["lost"])


def test_what_is_not_open_cannot_be_answered(shop: World):
    dispute = disputed(shop)
    gateway = shop.gateway.dispute
    assert codes(gateway.finalize(dispute.id)) == ["95726"]
    assert codes(gateway.add_text_evidence(dispute.id, "x" * 5001)) == ["95708"]
    gateway.accept(dispute.id)
    assert codes(gateway.add_text_evidence(dispute.id, "late")) == ["95701"]
    assert codes(gateway.finalize(dispute.id)) == ["95705"]


def test_an_unknown_dispute_is_not_found(shop: World):
    gateway = shop.gateway.dispute
    for ask in (gateway.find, gateway.accept, gateway.finalize):
        with pytest.raises(NotFoundError):
            ask("nobody-knows")
    with pytest.raises(NotFoundError):
        gateway.add_text_evidence("nobody-knows", "text")


def test_searches(shop: World):
    dispute = disputed(shop)
    search = shop.gateway.dispute.search
    today = dispute.received_date

    def found(*criteria: Any) -> list[str]:
        return [each.id for each in search(list(criteria)).disputes.items]

    assert found(SEARCH.id == dispute.id) == [dispute.id]
    assert found(SEARCH.status.in_list(["open", "won"])) == [dispute.id]
    assert found(SEARCH.status.in_list(["lost"])) == []
    assert found(SEARCH.transaction_id == "another") == []
    assert found(SEARCH.received_date.between(today, today)) == [dispute.id]
    assert found(SEARCH.received_date >= today + timedelta(days=1)) == []
    with pytest.raises(Exception, match="400"):
        found(SEARCH.case_number == "x")


def test_by_hand(shop: World):
    made = shop.sale().transaction
    assert act(shop, made.id, "open_dispute") == 400
    act(shop, made.id, "settle")
    assert act(shop, made.id, "open_dispute") == 200
    [found] = shop.gateway.dispute.search([SEARCH.transaction_id == made.id]).disputes.items
    assert act(shop, found.id, "win_dispute") == 200
    assert status(shop, found) == "won"
    assert act(shop, found.id, "lose_dispute") == 400
    assert sent(shop) == ["opened", "won"]


def test_the_refund_of_a_disputed_sale_is_not_disputed(shop: World):
    dispute = disputed(shop)
    back = shop.gateway.transaction.refund(dispute.transaction.id, "1.00").transaction
    passes(shop, days=2)
    assert shop.gateway.transaction.find(back.id).status == "settled"
    assert len(shop.core.truth.disputes("braintree")) == 1
