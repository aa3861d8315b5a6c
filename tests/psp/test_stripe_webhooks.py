"""Stripe's signatures by known answers, and its events as a table."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
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
from clearhouse.psp.disputes import DisputeFacts, DisputeStage
from clearhouse.psp.notices import (
    AskAgain,
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
from clearhouse.psp.stripe.events import READERS, notification

BODY = b'{"id":"evt_1","object":"event","type":"charge.succeeded"}'
SECRET = "whsec_known_answer"
SIGNED_AT = 1_760_000_000
# HMAC-SHA256 of "1760000000." and the body, taken with another tool (openssl dgst -hmac).
SIGNATURE = "755946d7210a1b8749b8756904f2f9ba8601ae0cbce0328d941f55633455caf6"
HEADER = f"t={SIGNED_AT},v1={SIGNATURE}"
NOW = datetime.fromtimestamp(SIGNED_AT, UTC)


def adapter(secrets: str = SECRET) -> Any:
    credentials = {"secret_key": "sk_test_webhooks", "webhook_secrets": secrets}
    return registry.create("stripe", PspConfig(credentials, None, 1.0, 1))


def webhook(header: str | None = HEADER, body: bytes = BODY) -> RawWebhook:
    headers = {} if header is None else {"stripe-signature": header}
    return RawWebhook(headers, body, "https://shop.example/v1/webhooks/stripe")


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        f"t={SIGNED_AT},v1={'0' * 64},v1={SIGNATURE}",
        f"t={SIGNED_AT},v0={'0' * 64},v1={SIGNATURE},v2=later",
    ],
)
@pytest.mark.parametrize("secrets", [SECRET, f"whsec_new,{SECRET}", f" {SECRET} , whsec_old,"])
def test_a_known_signature_is_good(header: str, secrets: str) -> None:
    assert adapter(secrets).receive(webhook(header), NOW) == Received("evt_1", "charge.succeeded")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        f"v1={SIGNATURE}",
        f"t=,v1={SIGNATURE}",
        f"t=soon,v1={SIGNATURE}",
        f"t={SIGNED_AT}",
        f"t={SIGNED_AT + 1},v1={SIGNATURE}",
        f"t={SIGNED_AT},v0={SIGNATURE}",
        f"t={SIGNED_AT},v1={SIGNATURE[:-1]}",
        f"t={SIGNED_AT},v1=\u2603\udcff",
        f"t={'9' * 5000},v1={SIGNATURE}",
    ],
)
def test_an_odd_header_is_not_authentic(header: str | None) -> None:
    with pytest.raises(NotAuthentic):
        adapter().receive(webhook(header), NOW)


@pytest.mark.parametrize("off", [-301, -86_400, 301, 86_400])
def test_a_signature_too_old_or_from_the_future_is_refused(off: int) -> None:
    with pytest.raises(NotAuthentic, match="five minutes"):
        adapter().receive(webhook(), NOW + timedelta(seconds=off))


@pytest.mark.parametrize("off", [-299, 299])
def test_clocks_may_differ_a_little(off: int) -> None:
    assert adapter().receive(webhook(), NOW + timedelta(seconds=off)).key == "evt_1"


def test_without_a_secret_nothing_is_believed() -> None:
    with pytest.raises(NotAuthentic, match="No webhook secret") as told:
        adapter("").receive(webhook(), NOW)
    assert "WEBHOOK_SECRETS" in str(told.value.hint)


@pytest.mark.parametrize("body", [b"not json", b"{}", b'{"object":"event"}', b"[]"])
def test_a_signed_body_that_is_no_event_is_kept_under_its_hash(body: bytes) -> None:
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), SECRET, SIGNED_AT)
    received = adapter().receive(webhook(header, body), NOW)
    assert (received.kind, len(received.key)) == ("unreadable", 32)
    with pytest.raises(NotReadable):
        adapter().read(body)


CREATED = 1_760_000_001
AS_OF = datetime.fromtimestamp(CREATED, UTC)
OURS = {"payment_order_id": "order-1", "attempt_key": "key-1"}
PAGE = {**OURS, "page_id": "order-1"}
R = DeclineReason
TEN = Money(10_00, "USD")


def event(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"object": "event", "type": kind, "created": CREATED, "data": {"object": body}}


def intent(status: str, metadata: dict[str, str] = OURS, **more: Any) -> dict[str, Any]:
    basis = {"id": "pi_1", "currency": "usd", "amount_received": 1000}
    return {**basis, "status": status, "metadata": metadata, **more}


def charge(**more: Any) -> dict[str, Any]:
    basis = {"id": "ch_1", "payment_intent": "pi_1", "status": "succeeded", "metadata": OURS}
    return {**basis, "currency": "usd", "captured": True, "amount_captured": 1000, **more}


def refund(status: str, **more: Any) -> dict[str, Any]:
    basis = {"id": "re_1", "payment_intent": "pi_1", "charge": "ch_1", "amount": 600}
    return {**basis, "status": status, "currency": "usd", "metadata": {}, **more}


def told(outcome: Any) -> ChargeNotice:
    return ChargeNotice("pi_1", outcome, "order-1", "key-1")


def back(outcome: Any, operation: str | None = None) -> RefundNotice:
    return RefundNotice("re_1", "pi_1", Money(6_00, "USD"), outcome, operation)


REFUSED = {"code": "card_declined", "decline_code": "lost_card"}
LOST = Declined(R.LOST_OR_STOLEN, Retry.HARD, "lost_card", "pi_1")
ENDED = Declined(R.OTHER, Retry.CUSTOMER, "canceled:automatic", "pi_1")
AUTOMATIC = intent("canceled", cancellation_reason="automatic")
UNTIL = {"payment_method_details": {"card": {"capture_before": CREATED}}}
HELD = Pending(PendingReason.AUTHORIZED, "pi_1", expires_at=AS_OF)
DISPUTE = {
    "id": "du_1",
    "payment_intent": "pi_1",
    "charge": "ch_1",
    "amount": 1000,
    "currency": "usd",
    "status": "needs_response",
    "reason": "fraudulent",
    "created": CREATED,
    "evidence_details": {"due_by": CREATED + 60},
}
FACTS = DisputeFacts(
    *("du_1", "pi_1", TEN, DisputeStage.NEEDS_RESPONSE, "fraudulent"),
    *(AS_OF, AS_OF + timedelta(minutes=1)),
)
SESSION = {"id": "cs_1", "metadata": {"page_id": "page-1"}}

MEANINGS: list[tuple[str, dict[str, Any], Notice | None]] = [
    ("payment_intent.succeeded", intent("succeeded"), told(Succeeded("pi_1", TEN))),
    (
        "payment_intent.succeeded",
        intent("succeeded", review="prv_1"),
        told(Pending(PendingReason.PENDING_REVIEW, "pi_1")),
    ),
    (
        "payment_intent.payment_failed",
        intent("requires_payment_method", last_payment_error=REFUSED),
        told(LOST),
    ),
    (
        "payment_intent.processing",
        intent("processing"),
        told(Pending(PendingReason.PROCESSING, "pi_1")),
    ),
    (
        "payment_intent.requires_action",
        intent("requires_action", next_action={"redirect_to_url": {"url": "https://bank"}}),
        told(Pending(PendingReason.REQUIRES_ACTION, "pi_1", "https://bank")),
    ),
    (
        "payment_intent.amount_capturable_updated",
        intent("requires_capture"),
        told(Pending(PendingReason.AUTHORIZED, "pi_1")),
    ),
    ("payment_intent.canceled", AUTOMATIC, told(ENDED)),
    ("payment_intent.succeeded", intent("succeeded", {}), None),
    ("payment_intent.payment_failed", intent("requires_payment_method"), None),
    ("payment_intent.created", intent("requires_payment_method"), None),
    ("payment_intent.succeeded", intent("succeeded", PAGE), told(Succeeded("pi_1", TEN))),
    (
        "payment_intent.payment_failed",
        intent("requires_payment_method", PAGE, last_payment_error=REFUSED),
        None,
    ),
    ("payment_intent.requires_action", intent("requires_action", PAGE), None),
    ("charge.succeeded", charge(), told(Succeeded("pi_1", TEN))),
    ("charge.captured", charge(amount_captured=600), told(Succeeded("pi_1", Money(6_00, "USD")))),
    ("charge.updated", charge(amount_refunded=1000, refunded=True), told(Succeeded("pi_1", TEN))),
    ("charge.succeeded", charge(captured=False, **UNTIL), told(HELD)),
    ("charge.updated", charge(captured=False, refunded=True), None),
    ("charge.succeeded", charge(review="prv_1"), None),
    ("charge.succeeded", charge(metadata={}), None),
    ("charge.succeeded", charge(payment_intent=None), None),
    ("charge.updated", charge(status="failed"), None),
    ("charge.failed", charge(status="failed"), None),
    ("charge.refunded", charge(), None),
    ("charge.expired", charge(captured=False), told(ENDED)),
    ("charge.expired", charge(captured=False, metadata={}), None),
    ("refund.created", refund("succeeded"), back(Done("re_1", Money(6_00, "USD")))),
    (
        "refund.created",
        refund("pending", metadata={"operation_id": "op"}),
        back(Waiting("re_1"), "op"),
    ),
    (
        "refund.failed",
        refund("failed", failure_reason="unknown"),
        back(Refused(RefusalReason.REJECTED_BY_BANK, "unknown", "re_1")),
    ),
    ("charge.refund.updated", refund("succeeded"), back(Done("re_1", Money(6_00, "USD")))),
    ("charge.dispute.created", DISPUTE, DisputeNotice(FACTS)),
    ("charge.dispute.funds_withdrawn", DISPUTE, DisputeNotice(FACTS)),
    ("review.opened", {"id": "prv_1", "payment_intent": "pi_1"}, AskAgain("pi_1")),
    ("review.closed", {"id": "prv_1", "payment_intent": None, "charge": "ch_1"}, None),
    ("checkout.session.completed", SESSION, PageNotice("cs_1", "page-1")),
    ("checkout.session.expired", {"id": "cs_1", "metadata": {}}, None),
    ("radar.early_fraud_warning.created", {"id": "issfr_1"}, None),
    ("a.kind.of.tomorrow", {"id": "x"}, None),
]


@pytest.mark.parametrize(("kind", "body", "notice"), MEANINGS)
def test_what_an_event_means(kind: str, body: dict[str, Any], notice: Notice | None) -> None:
    found = notification(event(kind, body))
    assert found.as_of == AS_OF
    assert found.notices == (() if notice is None else (notice,))
    assert adapter().read(json.dumps(event(kind, body)).encode()) == found


UNREADABLE: list[dict[str, Any]] = [
    {"object": "v2.core.event", "id": "evt_1", "type": "v1.charge.succeeded"},
    {"object": "event", "type": "charge.succeeded", "data": {"object": charge()}},
    {**event("charge.succeeded", charge()), "created": "now"},
    {**event("charge.succeeded", charge()), "created": 10**30},
    {**event("charge.succeeded", charge()), "data": None},
    event("payment_intent.succeeded", intent("of a new kind")),
    event("payment_intent.succeeded", intent("succeeded", amount_received=None)),
    event("payment_intent.succeeded", {"metadata": OURS}),
    event("charge.succeeded", charge(currency="xxq")),
    event(
        "charge.succeeded",
        charge(captured=False, payment_method_details={"card": {"capture_before": "x"}}),
    ),
    event("refund.created", refund("succeeded", amount="six")),
    event("refund.created", refund("of a new kind")),
    event("charge.dispute.created", {**DISPUTE, "status": "of a new kind"}),
    event("charge.dispute.created", {**DISPUTE, "amount": None}),
]


@pytest.mark.parametrize("body", UNREADABLE)
def test_what_stripe_does_not_document_is_not_readable(body: dict[str, Any]) -> None:
    with pytest.raises(NotReadable):
        notification(body)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = ("id", "status", "metadata", "amount", "currency", "captured", "payment_intent", "created")


@given(
    kind=st.sampled_from(sorted(READERS)), fields=st.dictionaries(st.sampled_from(FIELDS), anything)
)
def test_no_object_makes_a_reader_stumble(kind: str, fields: dict[str, Any]) -> None:
    with contextlib.suppress(NotReadable):
        notification(event(kind, fields))
