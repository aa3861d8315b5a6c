"""Square's webhooks: signatures with known answers, and what each kind of event means."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.kernel.money import Money
from clearhouse.psp import registry
from clearhouse.psp.contract import (
    Declined,
    DeclineReason,
    Pending,
    PendingReason,
    PspConfig,
    Retry,
    Succeeded,
)
from clearhouse.psp.disputes import DisputeStage
from clearhouse.psp.notices import (
    ChargeNotice,
    DisputeNotice,
    NotAuthentic,
    Notice,
    NotReadable,
    PageNotice,
    RawWebhook,
    Received,
    RefundNotice,
)
from clearhouse.psp.operations import Done, RefusalReason, Refused, Waiting
from clearhouse.psp.square.dispute_facts import STAGES
from clearhouse.psp.square.events import READERS
from clearhouse.psp.square.records import note_of, page_note_of
from clearhouse.sandbox.square.disputes import STATES

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)

# The known answers that Square publishes for its helper.
KEY, URL = "Ibxx_5AKakO-3qeNVR61Dw", "https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9"
SIGNATURE = "GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4="
BODY = (
    b'{"merchant_id":"MLEFBHHSJGVHD","type":"webhooks.test_notification",'
    b'"event_id":"ac3ac95b-f97d-458c-a6e6-18981597e05f",'
    b'"created_at":"2022-07-13T20:30:59.037339943Z",'
    b'"data":{"type":"webhooks","id":"bc368e64-01aa-407e-b46e-3231809b1129"}}'
)
KNOWN = RawWebhook({"x-square-hmacsha256-signature": SIGNATURE}, BODY, URL)


def adapter(keys: str = f"key-of-tomorrow, {KEY}") -> Any:
    given = {"access_token": "t", "webhook_signature_keys": keys}
    return registry.create("square", PspConfig(given, "http://127.0.0.1:9", 1.0, 1))


def test_the_known_answer_is_received_under_its_event_id() -> None:
    told = Received("ac3ac95b-f97d-458c-a6e6-18981597e05f", "webhooks.test_notification")
    assert adapter().receive(KNOWN, NOW) == told
    assert adapter(KEY).receive(KNOWN, NOW) == told


@pytest.mark.parametrize(
    ("signature", "body", "key", "url"),
    [
        (
            "W3FlCNk5IA3ZQ2LHTWoajvzfaDu/OwY2tNHIHC3IUOA=",
            b'{"data":{"type":"webhooks","id":"fake_id"}}',
            "signature-key",
            "https://webhook.site/webhooks",
        ),
        (
            "Cxt7+aTi4rKgcA0bC4g9EHdVtLSDWdqccmL5MvihU4U=",
            b'{"data":{"type":"webhooks","id":">id<"}}',
            "signature-key",
            "https://webhook.site/webhooks",
        ),
    ],
)
def test_an_authentic_body_without_an_event_is_kept_to_be_seen(
    signature: str, body: bytes, key: str, url: str
) -> None:
    webhook = RawWebhook({"x-square-hmacsha256-signature": signature}, body, url)
    received = adapter(key).receive(webhook, NOW)
    assert received.kind == "unreadable"
    assert received == adapter(key).receive(webhook, NOW)
    with pytest.raises(NotReadable):
        adapter().read(body)


def header(value: str) -> dict[str, str]:
    return {"x-square-hmacsha256-signature": value}


@pytest.mark.parametrize(
    "webhook",
    [
        replace(KNOWN, headers={}),
        replace(KNOWN, headers=header("")),
        replace(KNOWN, headers=header("☃")),
        replace(KNOWN, headers=header("\udcff")),
        replace(KNOWN, headers=header(SIGNATURE.lower())),
        replace(KNOWN, headers={"X-Square-HmacSha256-Signature": SIGNATURE}),
        replace(KNOWN, body=b""),
        replace(KNOWN, body=BODY + b"\n"),
        replace(KNOWN, body=b"\xff\xfe"),
        replace(KNOWN, url=f"{URL}/"),
        replace(KNOWN, url=""),
    ],
)
def test_what_is_not_square_s_is_not_believed(webhook: RawWebhook) -> None:
    with pytest.raises(NotAuthentic) as told:
        adapter().receive(webhook, NOW)
    assert KEY not in str(told.value)
    assert SIGNATURE not in str(told.value)


@given(st.text(), st.binary())
def test_no_other_header_or_body_is_ever_let_in(value: str, body: bytes) -> None:
    with pytest.raises(NotAuthentic):
        adapter().receive(RawWebhook(header(value), body, URL), NOW)


@pytest.mark.parametrize("keys", ["", " , ,", "another"])
def test_without_the_key_nothing_is_let_in(keys: str) -> None:
    with pytest.raises(NotAuthentic) as told:
        adapter(keys).receive(KNOWN, NOW)
    assert keys == "another" or "No webhook signature key" in str(told.value)


def event(kind: str, body: dict[str, Any], **changes: Any) -> bytes:
    name = READERS[kind][0] if kind in READERS else "thing"
    whole: dict[str, Any] = {
        "type": kind,
        "event_id": "e1",
        "created_at": "2026-11-25T12:00:00Z",
        "data": {"type": name, "id": "x", "object": {name: body}},
    }
    return json.dumps(whole | changes).encode()


MONEY = {"amount": 1050, "currency": "USD"}
TOTAL = Money(1050, "USD")
NOTE = note_of("order-1", "order-1")


def payment(status: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": "p1",
        "status": status,
        "total_money": MONEY,
        "reference_id": "order-1",
        "note": NOTE,
        "order_id": "o1",
        "updated_at": "2026-11-25T11:59:58.500Z",
        "version": 7,
        **changes,
    }


def charge(outcome: Any, key: str | None = "order-1") -> Notice:
    return ChargeNotice("p1", outcome, "order-1", key)


def on_page(status: str) -> dict[str, Any]:
    return payment(status, reference_id=None, note=page_note_of("page-1"))


NO = (DeclineReason.CARD_DECLINED, Retry.SOFT, "GENERIC_DECLINE", "p1")
FAILED = {"card_details": {"errors": [{"code": "GENERIC_DECLINE"}]}}
UNTIL = {"delayed_until": "2026-12-02T12:00:00Z"}
HELD = Pending(PendingReason.AUTHORIZED, "p1", expires_at=datetime(2026, 12, 2, 12, tzinfo=UTC))
TO_HOLD = {"note": note_of("order-1", "order-1", held=True)}
OTHER_KEY = {"note": note_of("~5f5f", "order-1")}


@pytest.mark.parametrize(
    ("body", "notices"),
    [
        (payment("COMPLETED"),               (charge(Succeeded("p1", TOTAL)),)),
        (payment("COMPLETED", **OTHER_KEY),  (charge(Succeeded("p1", TOTAL), "~5f5f"),)),
        (payment("COMPLETED", note="mine"),  (charge(Succeeded("p1", TOTAL), None),)),
        (payment("APPROVED", **UNTIL),       ()),
        (payment("APPROVED", **UNTIL, **TO_HOLD), (charge(HELD),)),
        (payment("COMPLETED", **TO_HOLD),    (charge(Succeeded("p1", TOTAL)),)),
        (payment("FAILED", **FAILED),        (charge(Declined(*NO)),)),
        (on_page("COMPLETED"),               (PageNotice("o1", "page-1"),)),
        (on_page("APPROVED"),                (PageNotice("o1", "page-1"),)),
        (on_page("FAILED"),                  ()),
        (payment("COMPLETED", reference_id=None, note="in the shop"), ()),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["payment.created", "payment.updated"])
def test_payments(kind: str, body: dict[str, Any], notices: tuple[Notice, ...]) -> None:
    told = adapter().read(event(kind, body))
    assert told.notices == notices
    assert (told.version, told.as_of.isoformat()) == (7, "2026-11-25T11:59:58.500000+00:00")


def refund(status: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": "r1", "status": status, "payment_id": "p1", "amount_money": MONEY,
        "updated_at": "2026-11-25T12:00:00Z", "reason": "op:0199-a1 a letter", **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "outcome", "operation"),
    [
        (refund("PENDING"), Waiting("r1"), "0199-a1"),
        (refund("COMPLETED"), Done("r1", TOTAL), "0199-a1"),
        (refund("FAILED"), Refused(RefusalReason.REJECTED_BY_BANK, "FAILED", "r1"), "0199-a1"),
        (refund("COMPLETED", reason="Returned goods"), Done("r1", TOTAL), None),
        (refund("COMPLETED", reason=None), Done("r1", TOTAL), None),
    ],
)
def test_refunds(body: dict[str, Any], outcome: Any, operation: str | None) -> None:
    [notice] = adapter().read(event("refund.updated", body)).notices
    assert notice == RefundNotice("r1", "p1", TOTAL, outcome, operation)


def dispute(state: str) -> dict[str, Any]:
    return {
        "id": "d1", "state": state, "reason": "DUPLICATE", "amount_money": MONEY, "version": 3,
        "disputed_payment": {"payment_id": "p1"}, "due_at": "2026-12-09T00:00:00Z",
        "reported_at": "2026-11-25T00:00:00Z", "updated_at": "2026-11-25T12:00:00Z",
    }  # fmt: skip


@pytest.mark.parametrize(("state", "stage"), STAGES.items())
def test_disputes(state: str, stage: DisputeStage) -> None:
    [notice] = adapter().read(event("dispute.state.updated", dispute(state))).notices
    assert isinstance(notice, DisputeNotice)
    facts = notice.dispute
    assert (facts.stage, facts.psp_reference, facts.charge_reference) == (stage, "d1", "p1")
    assert (facts.amount, facts.reason, facts.version) == (TOTAL, "DUPLICATE", 3)
    assert facts.evidence_due_at == datetime(2026, 12, 9, tzinfo=UTC)


def test_every_state_of_a_dispute_has_a_stage() -> None:
    assert set(STAGES) == set(STATES)


@pytest.mark.parametrize("kind", ["order.updated", "payout.sent", "of.a.new.kind"])
def test_what_concerns_nothing_of_ours_says_nothing(kind: str) -> None:
    assert adapter().read(event(kind, {"id": "x"})).notices == ()


@pytest.mark.parametrize(
    "body",
    [
        event("payment.updated", payment("OF_A_NEW_KIND")),
        event("payment.updated", payment("COMPLETED", total_money=None)),
        event("payment.updated", {}),
        event("refund.updated", refund("OF_A_NEW_KIND")),
        event("refund.updated", refund("COMPLETED", amount_money=None)),
        event("dispute.created", dispute("OF_A_NEW_KIND")),
        event("dispute.created", dispute("WON") | {"disputed_payment": None}),
        event("payment.updated", payment("COMPLETED", updated_at="soon")),
        event("of.a.new.kind", {}, created_at=None),
        event("payment.updated", payment("COMPLETED"), event_id=7),
        event("payment.updated", payment("COMPLETED"), data=[]),
    ],
)
def test_what_is_not_as_documented_is_told(body: bytes) -> None:
    with pytest.raises(NotReadable):
        adapter().read(body)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
))  # fmt: skip
def test_odd_objects_are_read_or_told(odd: Any) -> None:
    for kind in READERS:
        with suppress(NotReadable):  # and nothing else is raised
            adapter_of_all.read(event(kind, odd))


adapter_of_all = adapter()
