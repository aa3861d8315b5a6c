"""Braintree's notifications: signatures with known answers, odd bytes, and what each kind means."""

import hashlib
import hmac
from base64 import encodebytes
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

import braintree
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.kernel.money import Money
from clearhouse.psp import registry
from clearhouse.psp.braintree.dispute_rules import facts_of
from clearhouse.psp.braintree.notice_rules import notification_of
from clearhouse.psp.braintree.notifications import Told
from clearhouse.psp.braintree.objects import Dispute, Transaction
from clearhouse.psp.contract import PspConfig, Reversed, Succeeded
from clearhouse.psp.disputes import DisputeStage
from clearhouse.psp.notices import (
    AskAgain,
    ChargeNotice,
    DisputeNotice,
    NotAuthentic,
    NotReadable,
    RawWebhook,
    RefundNotice,
    WebhookChallenge,
    Webhooks,
)
from clearhouse.psp.operations import Done, RefusalReason, Refused

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CREDENTIALS = {
    "merchant_id": "shop",
    "public_key": "integration_public_key",
    "private_key": "integration_private_key",
    "merchant_accounts": "{currency}",
}
OPERATION = "re_0191d0f0000070008000000000000001"
TEN = Money(10_00, "USD")


def adapter(**changes: str) -> Any:
    return registry.create("braintree", PspConfig(CREDENTIALS | changes, None, 1.0, 1))


def webhook(signature: str, payload: str) -> RawWebhook:
    body = urlencode({"bt_signature": signature, "bt_payload": payload}).encode()
    return RawWebhook({}, body, "https://shop.example/v1/webhooks/braintree")


def sample(kind: str, public: str = "", private: str = "") -> RawWebhook:
    """A notification as the SDK's own test generator makes it."""
    configuration = braintree.Configuration(
        braintree.Environment.Sandbox,
        "shop",
        public or CREDENTIALS["public_key"],
        private or CREDENTIALS["private_key"],
    )
    testing = braintree.BraintreeGateway(configuration).webhook_testing
    made: Any = testing.sample_notification(kind, "the-id")
    return webhook(made["bt_signature"], made["bt_payload"])


def signed(xml: bytes, private: str = CREDENTIALS["private_key"]) -> RawWebhook:
    """Signed without the SDK, by the documented rule."""
    payload = encodebytes(xml)
    key = hashlib.sha1(private.encode()).digest()
    digest = hmac.new(key, payload, hashlib.sha1).hexdigest()
    return webhook(f"{CREDENTIALS['public_key']}|{digest}", payload.decode())


def test_it_has_both_protocols() -> None:
    assert isinstance(adapter(), Webhooks)
    assert isinstance(adapter(), WebhookChallenge)


def test_the_challenge_has_the_known_answer() -> None:
    # The SDK's own test has this pair for its integration keys.
    answer = adapter().answer({"bt_challenge": "20f9f8ed05f77439fe955c977e4c8a53"})
    assert answer == "integration_public_key|d9b899556c966b3f06945ec21311865d35df3ce4"


@pytest.mark.parametrize(
    "challenge", ["", "short", "g" * 24, "a" * 19, "a" * 33, "a" * 24 + "\n", "A" * 24, "é" * 24]
)
def test_what_is_no_challenge_is_not_answered(challenge: str) -> None:
    for query in ({"bt_challenge": challenge}, {}):
        with pytest.raises(NotAuthentic):
            adapter().answer(query)


KINDS = [
    getattr(braintree.WebhookNotification.Kind, name)
    for name in dir(braintree.WebhookNotification.Kind)
    if not name.startswith("_")
]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_the_sdk_is_received_and_read(kind: str) -> None:
    one = sample(kind)
    received = adapter().receive(one, NOW)
    assert received.kind == kind
    assert adapter().read(one.body).as_of.tzinfo is UTC


def test_a_signature_of_our_own_making_is_the_sdks() -> None:
    xml = b'<notification><timestamp type="datetime">2026-01-01T00:00:00Z</timestamp>'
    xml += b'<kind>check</kind><subject><check type="boolean">true</check></subject></notification>'
    assert adapter().receive(signed(xml), NOW).kind == "check"
    assert adapter().read(signed(xml).body).notices == ()


def test_the_same_payload_has_the_same_key_with_and_without_its_last_line_break() -> None:
    one = sample("check")
    fields = dict(pair.split("=") for pair in one.body.decode().split("&"))
    bare = one.body.decode().replace(fields["bt_payload"], fields["bt_payload"].removesuffix("%0A"))
    cut = RawWebhook({}, bare.encode(), one.url)
    assert cut.body != one.body
    assert adapter().receive(cut, NOW) == adapter().receive(one, NOW)
    assert adapter().receive(sample("dispute_won"), NOW).key != adapter().receive(one, NOW).key


def test_pairs_can_be_replaced() -> None:
    old = sample("check", "old_public", "old_private")
    with pytest.raises(NotAuthentic):
        adapter().receive(old, NOW)
    both = adapter(webhook_keys="old_public|old_private, older|older_private")
    assert both.receive(old, NOW).kind == "check"
    assert both.receive(sample("check"), NOW).kind == "check"
    with pytest.raises(NotAuthentic):
        both.receive(sample("check", "old_public", "another"), NOW)


@pytest.mark.parametrize("pairs", ["public", "public|", "|private", "a|b, c", "ä|b"])
def test_pairs_that_are_none_are_told(pairs: str) -> None:
    with pytest.raises(ConfigurationError, match="webhook_keys"):
        adapter(webhook_keys=pairs)


def test_signed_and_not_readable_is_kept_for_a_person() -> None:
    for xml in (b"no xml", b"<notification/>", b"<other/>", b"<notification><kind>x</kind>"):
        one = signed(xml)
        assert adapter().receive(one, NOW).kind == "unreadable"
        with pytest.raises(NotReadable):
            adapter().read(one.body)


GOOD = sample("check")
SIGNATURE, PAYLOAD = (
    part.split("=", 1)[1] for part in GOOD.body.decode().replace("%7C", "|").split("&")
)


ODD = [
    b"",
    b"bt_signature=&bt_payload=",
    b"bt_signature=x",
    f"bt_payload={PAYLOAD}".encode(),
    f"bt_signature={SIGNATURE}".encode(),
    f"bt_signature={SIGNATURE}&bt_signature={SIGNATURE}&bt_payload={PAYLOAD}".encode(),
    f"bt_signature={SIGNATURE}&bt_payload={PAYLOAD}%C3%BC".encode(),
    f"bt_signature={SIGNATURE}%FF&bt_payload={PAYLOAD}".encode(),
    f"bt_signature={SIGNATURE}|x&bt_payload={PAYLOAD}".encode(),
    f"bt_signature={SIGNATURE[:-1]}&bt_payload={PAYLOAD}".encode(),
    f"bt_signature=other|{SIGNATURE.split('|')[1]}&bt_payload={PAYLOAD}".encode(),
    f"bt_signature=|&bt_payload={PAYLOAD}".encode(),
    f"bt_signature={SIGNATURE}&bt_payload=QUFB".encode(),
    b"\xff\xfe\x00",
    b"&" * 5000,
]


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))  # signatures are of this very moment
def test_odd_bytes_are_not_authentic(body: bytes) -> None:
    with pytest.raises(NotAuthentic):
        adapter().receive(RawWebhook({}, body, GOOD.url), NOW)


_READER = adapter()


@given(body=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_bytes_are_believed_or_crash(body: bytes) -> None:
    with pytest.raises(NotAuthentic):
        _READER.receive(RawWebhook({}, body, GOOD.url), NOW)
    with pytest.raises(NotReadable):
        _READER.read(body)


@given(signature=st.text(max_size=60), payload=st.text(max_size=60))
def test_no_fields_are_believed_or_crash(signature: str, payload: str) -> None:
    body = urlencode({"bt_signature": signature, "bt_payload": payload}, errors="replace").encode()
    with pytest.raises(NotAuthentic):
        _READER.receive(RawWebhook({}, body, GOOD.url), NOW)


# What each kind means ---------------------------------------------------------------------------


def sale(status: str = "settled", **fields: Any) -> Transaction:
    return Transaction("t1", status, "10.00", "USD", order_id="order-1", **fields)


def credit(status: str, order_id: str = OPERATION) -> Transaction:
    return Transaction(
        "r1", status, "10.00", "USD", order_id=order_id, type="credit", refunded="t1",
        settlement_code="4001",
    )  # fmt: skip


def refund(outcome: Any, operation: str | None = OPERATION) -> RefundNotice:
    return RefundNotice("r1", "t1", TEN, outcome, operation)


SENT_BACK = Refused(RefusalReason.REJECTED_BY_BANK, "4001", "r1")

#  kind                             transaction                    notice
TOLD: list[tuple[str, Transaction, Any]] = [
    ("transaction_settled",             sale(),
        ChargeNotice("t1", Succeeded("t1", TEN), "order-1")),
    ("transaction_disbursed",           sale(""),
        ChargeNotice("t1", Succeeded("t1", TEN), "order-1")),
    ("transaction_settlement_declined", sale("settlement_declined", settlement_code="4003"),
        ChargeNotice("t1", Reversed("t1", TEN, "4003"), "order-1")),
    ("transaction_retried",             sale("submitted_for_settlement"),
        ChargeNotice("t1", Succeeded("t1", TEN), "order-1")),
    ("transaction_disbursed",           credit("settled"),   refund(Done("r1", TEN))),
    ("refund_failed",                   credit("settlement_declined"), refund(SENT_BACK)),
    ("refund_failed",                   credit("settled"),   refund(SENT_BACK)),
    ("refund_failed",                   credit("", "order-1"), refund(SENT_BACK, "order-1")),
    ("refund_failed",                   credit("", ""),      refund(SENT_BACK, None)),
    ("transaction_settled",             Transaction("t2", "settled", "1", ""),
        AskAgain(psp_reference="t2")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "made", "notice"), TOLD)
def test_a_transaction_that_is_told_of(kind: str, made: Transaction, notice: Any) -> None:
    found = notification_of(Told(kind, NOW, transaction=made))
    assert (found.notices, found.as_of, found.version) == ((notice,), NOW, None)


def test_a_review_is_asked_about() -> None:
    told = Told("transaction_reviewed", NOW, reviewed="t1")
    assert notification_of(told).notices == (AskAgain(psp_reference="t1"),)


def test_what_concerns_nothing_of_ours_says_nothing() -> None:
    for kind in ("check", "disbursement", "subscription_expired", "local_payment_completed"):
        assert notification_of(Told(kind, NOW)).notices == ()
    assert notification_of(Told("subscription_canceled", NOW, transaction=sale())).notices == ()


def dispute(status: str, kind: str = "chargeback", program: str = "none") -> Dispute:
    return Dispute(
        id="d1",
        status=status,
        kind=kind,
        amount="10.00",
        currency="USD",
        reason="fraud",
        transaction_id="t1",
        opened=date(2026, 1, 2),
        reply_by=date(2026, 1, 23),
        program=program,
    )


S = DisputeStage

#  dispute                                             stage
STAGES = [
    (dispute("open"),                                  S.NEEDS_RESPONSE),
    (dispute("disputed"),                              S.UNDER_REVIEW),
    (dispute("under_review"),                          S.UNDER_REVIEW),
    (dispute("won"),                                   S.WON),
    (dispute("lost"),                                  S.LOST),
    (dispute("expired"),                               S.LOST),
    (dispute("accepted"),                              S.ACCEPTED),
    (dispute("auto_accepted"),                         S.ACCEPTED),
    (dispute("auto_accepted", program="visa_rdr"),     S.PREVENTED),
    (dispute("open", "pre_arbitration"),               S.NEEDS_RESPONSE),
    (dispute("open", "retrieval"),                     S.INQUIRY),
    (dispute("disputed", "retrieval"),                 S.INQUIRY),
    (dispute("won", "retrieval"),                      S.INQUIRY_CLOSED),
    (dispute("expired", "retrieval"),                  S.INQUIRY_CLOSED),
]  # fmt: skip


@pytest.mark.parametrize(("told", "stage"), STAGES)
def test_a_dispute(told: Dispute, stage: DisputeStage) -> None:
    facts = facts_of(told)
    assert (facts.psp_reference, facts.charge_reference, facts.amount) == ("d1", "t1", TEN)
    assert (facts.stage, facts.reason) == (stage, "fraud")
    assert facts.opened_at == datetime(2026, 1, 2, tzinfo=UTC)
    assert facts.evidence_due_at == datetime(2026, 1, 23, tzinfo=UTC)
    found = notification_of(Told(f"dispute_{told.status}", NOW, dispute=told))
    assert found.notices == (DisputeNotice(facts),)


def test_a_dispute_without_sense_is_not_readable() -> None:
    with pytest.raises(ValueError, match="unknown state"):
        facts_of(dispute("brand_new"))
