"""Square's disputes: opened by the documented amounts, answered, decided; and the adapter there."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from square import Square
from square.core.api_error import ApiError
from tests.sandbox.specs import schema_checks
from tests.sandbox.world import HandClock, charge_square, square_client

from clearhouse.psp import registry
from clearhouse.psp.contract import PspConfig
from clearhouse.psp.disputes import DisputeFacts, DisputeStage, Evidence
from clearhouse.psp.operations import Done, RefusalReason, Refused
from clearhouse.sandbox.server import Running, open_core, running
from clearhouse.sandbox.square.sources import DISPUTE_BY_AMOUNT

TOKEN = "token-disputes"
EVIDENCE = Evidence("They have it. " * 60, {"tracking_number": "1Z", "colour": "red"})


@pytest.fixture
def box() -> Iterator[Running]:
    with running(open_core(clock=HandClock())) as sandbox:
        yield sandbox


@pytest.fixture
def sdk(box: Running) -> Square:
    return square_client(box.base_url, TOKEN)


@pytest.fixture
async def adapter(box: Running) -> AsyncIterator[Any]:
    config = PspConfig({"access_token": TOKEN}, box.base_url, 10.0, 4)
    made: Any = registry.create("square", config)
    yield made
    await made.close()


def pass_time(box: Running, **by: float) -> None:
    httpx.post(f"{box.base_url}/_sandbox/clock", json=by, trust_env=False).raise_for_status()


def act(box: Running, action: str, identifier: str) -> None:
    call = {"psp": "square", "action": action, "id": identifier}
    reply = httpx.post(f"{box.base_url}/_sandbox/actions", json=call, trust_env=False)
    assert reply.status_code == 200, reply.text


def paid(sdk: Square, amount: int = 8803) -> Any:
    money = {"amount": amount, "currency": "USD"}
    return charge_square(sdk, amount_money=money).payment


def disputed(box: Running, sdk: Square, amount: int = 8803) -> str:
    payment = paid(sdk, amount)
    pass_time(box, advance_seconds=61)
    [fact] = box.core.truth.disputes("square", payment.id)
    return fact.psp_id


def truth(box: Running) -> list[str]:
    return [each.status for each in box.core.truth.disputes("square")]


@pytest.mark.parametrize(("amount", "reason"), DISPUTE_BY_AMOUNT.items())
def test_the_documented_amounts_are_disputed(box: Running, sdk: Square, amount: int, reason: str):
    found = sdk.disputes.get(disputed(box, sdk, amount)).dispute
    assert found is not None
    assert found.amount_money is not None
    assert (found.reason, found.state) == (reason, "EVIDENCE_REQUIRED")
    assert (found.amount_money.amount, found.version) == (amount, 1)
    assert [each.id for each in sdk.disputes.list()] == [found.id]
    assert list(sdk.disputes.list(states="WON")) == []
    for check in schema_checks("square-openapi.json", "Dispute"):
        check(found.model_dump(mode="json", by_alias=True, exclude_none=True))


@pytest.mark.parametrize(
    ("actions", "days", "status"),
    [
        ([], 15, "lost"),
        (["win"], 0, "won"),
        (["lose"], 0, "lost"),
        ([], 13, "open"),
    ],
)
def test_what_becomes_of_it_unanswered(
    box: Running, sdk: Square, actions: list[str], days: int, status: str
):
    identifier = disputed(box, sdk)
    for action in actions:
        act(box, action, identifier)
    pass_time(box, days=days)
    assert truth(box) == [status]


@pytest.mark.parametrize(
    ("actions", "days", "status"),
    [
        ([], 15, "open"),
        ([], 30, "lost"),
        (["close_inquiry"], 40, "closed"),
        (["escalate", "win"], 0, "won"),
    ],
)
def test_an_inquiry_takes_no_money_until_it_is_a_dispute(
    box: Running, sdk: Square, actions: list[str], days: int, status: str
):
    payment = paid(sdk, 1000)
    act(box, "inquire", payment.id)
    assert truth(box) == ["inquiry"]
    [fact] = box.core.truth.disputes("square")
    for action in actions:
        act(box, action, fact.psp_id)
    pass_time(box, days=days)
    assert truth(box) == [status]


def test_a_disputed_payment_is_not_refunded_as_well(box: Running, sdk: Square):
    payment = paid(sdk)
    pass_time(box, advance_seconds=61)
    money: Any = {"amount": 1, "currency": "USD"}
    with pytest.raises(ApiError) as caught:
        sdk.refunds.refund_payment(idempotency_key="r", payment_id=payment.id, amount_money=money)
    assert caught.value.errors[0].code == "PAYMENT_NOT_REFUNDABLE_DUE_TO_DISPUTE"


def test_what_makes_no_sense_is_refused(box: Running, sdk: Square):
    identifier = disputed(box, sdk)
    once: Any = {"max_retries": 0}
    with pytest.raises(ApiError):
        sdk.disputes.submit_evidence(identifier, request_options=once)
    with pytest.raises(ApiError):
        sdk.disputes.create_evidence_text(
            identifier, idempotency_key="k", evidence_text="t" * 501, request_options=once
        )
    with pytest.raises(ApiError):
        sdk.disputes.create_evidence_text(
            identifier, idempotency_key="k", evidence_text="t", evidence_type="RUMOUR",
            request_options=once,
        )  # fmt: skip
    with pytest.raises(ApiError):
        sdk.disputes.get("nobody")
    with pytest.raises(ApiError):
        list(sdk.disputes.list(states="ASLEEP"))


async def test_the_adapter_reads_a_dispute(box: Running, sdk: Square, adapter: Any):
    payment = paid(sdk)
    pass_time(box, advance_seconds=61)
    [facts] = await adapter.disputes_of(payment.id)
    assert isinstance(facts, DisputeFacts)
    assert (facts.stage, facts.reason) == (DisputeStage.NEEDS_RESPONSE, "DUPLICATE")
    assert await adapter.dispute(facts.psp_reference) == facts
    assert await adapter.dispute("nobody") is None
    assert await adapter.disputes_of("nobody") == ()


async def test_evidence_is_sent_once_however_often_it_is_asked(
    box: Running, sdk: Square, adapter: Any
):
    identifier = disputed(box, sdk)
    for _ in range(2):
        assert await adapter.send_evidence(identifier, EVIDENCE) == Done(identifier)
    found = sdk.disputes.get(identifier).dispute
    assert found is not None
    assert (found.state, len(found.evidence_ids or ())) == ("PROCESSING", 4)
    pass_time(box, days=31)
    facts = await adapter.dispute(identifier)
    assert facts is not None
    assert (facts.stage, truth(box)) == (DisputeStage.WON, ["won"])
    refused = await adapter.send_evidence(identifier, EVIDENCE)
    assert refused == Refused(RefusalReason.WRONG_STATE, "WON", identifier)


async def test_an_inquiry_is_answered_as_well(box: Running, sdk: Square, adapter: Any):
    act(box, "inquire", paid(sdk, 1000).id)
    [fact] = box.core.truth.disputes("square")
    assert await adapter.send_evidence(fact.psp_id, EVIDENCE) == Done(fact.psp_id)
    pass_time(box, days=31)
    assert truth(box) == ["closed"]


async def test_giving_in_is_harmless_when_repeated(box: Running, sdk: Square, adapter: Any):
    identifier = disputed(box, sdk)
    for _ in range(2):
        assert await adapter.accept_dispute(identifier) == Done(identifier)
    assert truth(box) == ["lost"]
    refused = await adapter.send_evidence(identifier, EVIDENCE)
    assert refused == Refused(RefusalReason.WRONG_STATE, "ACCEPTED", identifier)


@pytest.mark.parametrize("ask", ["send_evidence", "accept_dispute"])
async def test_a_dispute_that_square_does_not_know(ask: str, adapter: Any):
    given = (EVIDENCE,) if ask == "send_evidence" else ()
    refused = await getattr(adapter, ask)("nobody", *given)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.CHARGE_UNKNOWN


@pytest.mark.parametrize("fault", ["lost-request", "lost-answer", "error-after", "conflict"])
@pytest.mark.parametrize("ask", ["send_evidence", "accept_dispute"])
async def test_after_a_fault_it_is_done_once_when_repeated(
    box: Running, sdk: Square, adapter: Any, fault: str, ask: str
):
    identifier = disputed(box, sdk)
    order = {"fault": fault, "psp": "square", "operation": "dispute"}
    httpx.post(f"{box.base_url}/_sandbox/faults", json=order, trust_env=False)
    given = (EVIDENCE,) if ask == "send_evidence" else ()
    first = await getattr(adapter, ask)(identifier, *given)
    assert not isinstance(first, Refused)
    assert await getattr(adapter, ask)(identifier, *given) == Done(identifier)
