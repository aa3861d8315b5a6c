"""Disputes at Braintree, read and answered by the adapter, against the sandbox."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from tests.sandbox.braintree_world import gateway_to

from clearhouse.kernel.errors import UnavailableError
from clearhouse.kernel.money import Money
from clearhouse.psp import registry
from clearhouse.psp.contract import PspConfig, Unknown
from clearhouse.psp.disputes import DisputeFacts, Disputes, DisputeStage, Evidence
from clearhouse.psp.operations import (
    Done,
    NotDone,
    OperationKind,
    OperationRequest,
    RefusalReason,
    Refused,
)
from clearhouse.sandbox.server import Running, running

CREDENTIALS = {
    "merchant_id": "disputes",
    "public_key": "public",
    "private_key": "private",
    "merchant_accounts": "{currency}",
}
S = DisputeStage
WINNING = Evidence("compelling_evidence", {})
_numbers = count(1)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as server:
        yield server


class Shop:
    """An adapter, and the hand that moves the sandbox."""

    def __init__(self, sandbox: Running) -> None:
        self.sdk = gateway_to(sandbox.port, merchant="disputes")
        self.url = sandbox.base_url
        self.adapter: Any = self.connect()

    def connect(self, timeout: float = 30.0) -> Any:
        return registry.create("braintree", PspConfig(CREDENTIALS, self.url, timeout, 4))

    def control(self, path: str, **body: Any) -> None:
        url = f"{self.url}/_sandbox/{path}"
        httpx.post(url, json=body, trust_env=False).raise_for_status()

    def act(self, identifier: str, action: str) -> None:
        self.control("actions", psp="braintree", id=identifier, action=action)

    def fault(self, fault: str, operation: str = "dispute", times: int = 1) -> None:
        order = {"fault": fault, "psp": "braintree", "operation": operation, "times": times}
        self.control("faults", **order)

    def passes(self, days: int) -> None:
        self.control("clock", advance_seconds=timedelta(days=days).total_seconds())

    async def disputed(self) -> DisputeFacts:
        sale = {
            "amount": "10.00",
            "order_id": f"disputed-{next(_numbers)}",
            "payment_method_nonce": "fake-valid-nonce",
            "options": {"submit_for_settlement": True},
        }
        made = self.sdk.transaction.sale(sale).transaction
        self.act(made.id, "settle")
        self.act(made.id, "open_dispute")
        [found] = await self.adapter.disputes_of(made.id)
        return found

    async def stage(self, dispute: DisputeFacts) -> DisputeStage:
        found = await self.adapter.dispute(dispute.psp_reference)
        return found.stage

    def evidence(self, dispute: DisputeFacts) -> list[tuple[str | None, str]]:
        found = self.sdk.dispute.find(dispute.psp_reference).evidence
        return [(each.category, each.comments) for each in found]


@pytest.fixture
async def shop(sandbox: Running) -> AsyncIterator[Shop]:
    made = Shop(sandbox)
    yield made
    await made.adapter.close()


async def test_a_dispute_is_read_as_it_is(shop: Shop) -> None:
    assert isinstance(shop.adapter, Disputes)
    opened = await shop.disputed()
    assert (opened.stage, opened.reason) == (S.NEEDS_RESPONSE, "fraud")
    assert opened.amount == Money(10_00, "USD")
    assert opened.opened_at is not None
    assert opened.evidence_due_at == opened.opened_at + timedelta(days=21)
    assert await shop.adapter.dispute(opened.psp_reference) == opened
    assert await shop.adapter.dispute("nobody-knows") is None
    assert await shop.adapter.disputes_of("nobody-knows") == ()


async def test_evidence_is_sent_and_wins(shop: Shop) -> None:
    opened = await shop.disputed()
    evidence = Evidence(WINNING.text, {"tracking_number": "1Z999", "carrier_name": "UPS", "x": " "})
    done = Done(opened.psp_reference)
    assert await shop.adapter.send_evidence(opened.psp_reference, evidence) == done
    pieces = [(None, WINNING.text), ("CARRIER_NAME", "UPS"), ("TRACKING_NUMBER", "1Z999")]
    assert shop.evidence(opened) == pieces
    assert await shop.stage(opened) is S.UNDER_REVIEW
    assert await shop.adapter.send_evidence(opened.psp_reference, evidence) == done
    shop.passes(days=1)
    shop.passes(days=3)
    assert await shop.stage(opened) is S.WON
    assert await shop.adapter.send_evidence(opened.psp_reference, evidence) == done
    assert shop.evidence(opened) == pieces


async def test_giving_in_is_harmless_when_repeated(shop: Shop) -> None:
    opened = await shop.disputed()
    done = Done(opened.psp_reference)
    assert await shop.adapter.accept_dispute(opened.psp_reference) == done
    assert await shop.adapter.accept_dispute(opened.psp_reference) == done
    assert await shop.stage(opened) is S.ACCEPTED
    late = await shop.adapter.send_evidence(opened.psp_reference, WINNING)
    assert late == Refused(RefusalReason.WRONG_STATE, "accepted", opened.psp_reference)


@pytest.mark.parametrize("fault", ["lost-answer", "error-after", "reset", "lost-request"])
async def test_a_lost_answer_is_completed_by_repeating(shop: Shop, fault: str) -> None:
    opened = await shop.disputed()
    evidence = Evidence(WINNING.text, {"carrier_name": "UPS"})
    shop.fault(fault)
    assert isinstance(await shop.adapter.send_evidence(opened.psp_reference, evidence), Unknown)
    done = await shop.adapter.send_evidence(opened.psp_reference, evidence)
    assert done == Done(opened.psp_reference)
    assert shop.evidence(opened) == [(None, WINNING.text), ("CARRIER_NAME", "UPS")]


async def test_a_lost_yes_is_found(shop: Shop) -> None:
    opened = await shop.disputed()
    shop.fault("lost-answer")
    assert isinstance(await shop.adapter.accept_dispute(opened.psp_reference), Unknown)
    done = Done(opened.psp_reference)
    assert await shop.adapter.accept_dispute(opened.psp_reference) == done


async def test_what_was_not_sent_has_done_nothing(shop: Shop) -> None:
    opened = await shop.disputed()
    shop.fault("rate-limited")
    assert isinstance(await shop.adapter.accept_dispute(opened.psp_reference), NotDone)
    shop.fault("error-before", "look-up")
    assert isinstance(await shop.adapter.accept_dispute(opened.psp_reference), NotDone)
    assert await shop.stage(opened) is S.NEEDS_RESPONSE


async def test_a_dispute_that_the_psp_does_not_know(shop: Shop) -> None:
    unknown = Refused(RefusalReason.CHARGE_UNKNOWN, "not_found")
    assert await shop.adapter.accept_dispute("nobody-knows") == unknown
    assert await shop.adapter.send_evidence("nobody-knows", WINNING) == unknown


async def test_no_evidence_is_no_answer(shop: Shop) -> None:
    opened = await shop.disputed()
    refused = await shop.adapter.send_evidence(opened.psp_reference, Evidence(" ", {}))
    assert refused == Refused(RefusalReason.REJECTED_BY_PSP, "95726")
    assert await shop.stage(opened) is S.NEEDS_RESPONSE


async def test_records_that_cannot_be_read_are_told(shop: Shop) -> None:
    shop.fault("error-before", "look-up", times=2)
    with pytest.raises(UnavailableError):
        await shop.adapter.dispute("any")
    with pytest.raises(UnavailableError):
        await shop.adapter.disputes_of("any")


async def test_what_is_disputed_is_not_refunded_as_well(shop: Shop) -> None:
    opened = await shop.disputed()
    request = OperationRequest(
        kind=OperationKind.REFUND,
        operation_id="op-1",
        idempotency_key="op-1",
        payment_order_id="disputed",
        charge_reference=opened.charge_reference,
        charged=opened.amount,
        amount=opened.amount,
        requested_at=datetime.now(UTC),
    )
    refused = Refused(RefusalReason.WRONG_STATE, "disputed", opened.charge_reference)
    assert await shop.adapter.refund(request) == refused
    shop.act(opened.psp_reference, "win_dispute")
    assert isinstance(await shop.adapter.refund(request), Done)
