"""Captures, voids and refunds at Braintree: tables of replies, and what is special there."""

import json
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from braintree.exceptions.authentication_error import AuthenticationError
from braintree.exceptions.not_found_error import NotFoundError
from braintree.exceptions.server_error import ServerError
from tests.sandbox.braintree_world import gateway_to

from clearhouse.kernel.errors import ConfigurationError, UnavailableError
from clearhouse.kernel.money import Money
from clearhouse.psp import registry
from clearhouse.psp.braintree.objects import Dispute, Refusal, Transaction
from clearhouse.psp.braintree.operation_outcomes import (
    capture_outcome,
    credit_outcome,
    failure_of,
    given_back_by_dispute,
    given_back_by_void,
    not_refundable_yet,
    refusal_of,
    void_outcome,
)
from clearhouse.psp.contract import ChargeRequest, NotCharged, PspConfig, Succeeded, Unknown
from clearhouse.psp.operations import (
    Done,
    NotDone,
    OperationKind,
    OperationOutcome,
    OperationRequest,
    RefusalReason,
    Refused,
    Waiting,
)
from clearhouse.sandbox.server import Running, running

R = RefusalReason
TEN, SIX = Money(10_00, "USD"), Money(6_00, "USD")
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def sale(status: str, amount: str = "10.00", **fields: Any) -> Transaction:
    return Transaction("t1", status, amount, "USD", **fields)


def asked(amount: Money = TEN, kind: OperationKind = OperationKind.REFUND) -> OperationRequest:
    return OperationRequest(kind, "op-1", "op-1", "order-1", "t1", TEN, amount, NOW)


DONE = Done("t1", TEN)


def wrong(code: str) -> Refused:
    return Refused(R.WRONG_STATE, code, "t1")


#  status                       capture          void             credit
STATES: list[tuple[str, Any, Any, Any]] = [
    ("authorizing",             NotDone,         NotDone,         Waiting("t1")),
    ("authorized",              NotDone,         NotDone,         Waiting("t1")),
    ("submitted_for_settlement", DONE,           NotDone,         DONE),
    ("settlement_pending",      Waiting("t1"),   NotDone,         Waiting("t1")),
    ("settling",                DONE,            wrong("settling"), DONE),
    ("settlement_confirmed",    DONE,            wrong("settlement_confirmed"), DONE),
    ("settled",                 DONE,            wrong("settled"), DONE),
    ("voided",                  wrong("voided"), DONE,            wrong("voided")),
    ("authorization_expired",   wrong("authorization_expired"), wrong("authorization_expired"),
                                Unknown),
    ("settlement_declined",     wrong("settlement_declined"), wrong("settlement_declined"),
                                Refused(R.REJECTED_BY_BANK, "settlement_declined", "t1")),
    ("processor_declined",      wrong("processor_declined"), wrong("processor_declined"),
                                Refused(R.REJECTED_BY_BANK, "processor_declined", "t1")),
    ("gateway_rejected",        wrong("gateway_rejected"), wrong("gateway_rejected"),
                                Refused(R.REJECTED_BY_PSP, "gateway_rejected:", "t1")),
    ("brand_new",               wrong("brand_new"), wrong("brand_new"), Unknown),
]  # fmt: skip


@pytest.mark.parametrize(("status", "capture", "void", "credit"), STATES)
def test_what_a_state_says(status: str, capture: Any, void: Any, credit: Any) -> None:
    made = sale(status)
    found = (capture_outcome(made), void_outcome(made), credit_outcome(made))
    for outcome, expected in zip(found, (capture, void, credit), strict=True):
        assert expected in (outcome, type(outcome)), status


@pytest.mark.parametrize("amount", ["ten", "10.001", "NaN"])
def test_an_amount_without_sense_is_unknown(amount: str) -> None:
    assert isinstance(capture_outcome(sale("settled", amount)), Unknown)
    assert isinstance(credit_outcome(sale("settled", amount)), Unknown)


def test_a_credit_that_was_declined_tells_its_code() -> None:
    declined = sale("processor_declined", response_code="2046")
    assert credit_outcome(declined) == Refused(R.REJECTED_BY_BANK, "2046", "t1")
    late = sale("settlement_declined", response_code="1002", settlement_code="4001")
    assert credit_outcome(late) == Refused(R.REJECTED_BY_BANK, "4001", "t1")


#  status                      amount   given back by a void   else
EARLY: list[tuple[str, Money, Any, Any]] = [
    ("authorized",               TEN,   None,                  None),
    ("submitted_for_settlement", TEN,   None,                  None),
    ("submitted_for_settlement", SIX,   None,                  NotDone),
    ("settlement_pending",       SIX,   None,                  NotDone),
    ("settlement_confirmed",     TEN,   None,                  NotDone),
    ("voided",                   TEN,   DONE,                  Refused),
    ("voided",                   SIX,   wrong("voided"),       Refused),
    ("settlement_declined",      TEN,   None,                  Refused),
    ("authorization_expired",    TEN,   None,                  Refused),
]  # fmt: skip


@pytest.mark.parametrize(("status", "amount", "voided", "otherwise"), EARLY)
def test_a_refund_before_settlement(
    status: str, amount: Money, voided: OperationOutcome | None, otherwise: type | None
) -> None:
    assert given_back_by_void(sale(status), asked(amount)) == voided
    outcome = not_refundable_yet(sale(status), asked(amount))
    assert (type(outcome) if outcome else None) is otherwise
    if isinstance(outcome, NotDone):
        assert outcome.retry_after == HOUR


def disputed(status: str, amount: str = "10.00") -> Dispute:
    return Dispute("d1", status, "chargeback", amount, "USD", "fraud", "t1")


#  disputes                                        refused: the whole, a part
DISPUTED: list[tuple[tuple[Dispute, ...], bool, bool]] = [
    ((),                                           False, False),
    ((disputed("open"),),                          True,  True),
    ((disputed("lost"),),                          True,  True),
    ((disputed("won"),),                           False, False),
    ((disputed("won"), disputed("under_review")),  True,  True),
    ((disputed("accepted", "4.00"),),              True,  False),
    ((disputed("accepted", "4.01"),),              True,  True),
]  # fmt: skip


@pytest.mark.parametrize(("disputes", "whole", "part"), DISPUTED)
def test_what_a_dispute_took_is_not_given_back_as_well(
    disputes: tuple[Dispute, ...], whole: bool, part: bool
) -> None:
    made = sale("settled", disputes=disputes)
    for amount, refused in ((TEN, whole), (SIX, part)):
        expected = wrong("disputed") if refused else None
        assert given_back_by_dispute(made, asked(amount)) == expected


def test_a_dispute_without_sense_leaves_it_unknown() -> None:
    made = sale("settled", disputes=(disputed("brand_new"),))
    assert isinstance(given_back_by_dispute(made, asked()), Unknown)


@pytest.mark.parametrize(
    ("codes", "outcome"),
    [
        ((), Unknown),
        (("915233",), Unknown),
        (("91521", "915233"), Unknown),
        (("915232",), Unknown),
        (("915235",), Unknown),
        (("915231",), NotDone),
        (("91574",), NotDone),
        (("91522",), Refused(R.EXCEEDS_CHARGE, "91522")),
        (("91521",), Refused(R.EXCEEDS_CHARGE, "91521")),
        (("91512",), Refused(R.EXCEEDS_CHARGE, "91512")),
        (("91505",), Refused(R.WRONG_STATE, "91505")),
        (("91579",), Refused(R.TOO_OLD, "91579")),
        (("915200",), Refused(R.REJECTED_BY_BANK, "915200")),
        (("915201",), Refused(R.REJECTED_BY_BANK, "915201")),
        (("91547",), Refused(R.REJECTED_BY_PSP, "91547")),
        (("91547", "91521"), Refused(R.EXCEEDS_CHARGE, "91521")),
    ],
)
def test_a_refused_request(codes: tuple[str, ...], outcome: Any) -> None:
    found = refusal_of(Refusal(codes))
    assert outcome in (found, type(found))


def test_an_exception() -> None:
    assert failure_of(NotFoundError()) == Refused(R.CHARGE_UNKNOWN, "not_found")
    assert isinstance(failure_of(AuthenticationError()), NotDone)
    assert isinstance(failure_of(ServerError()), Unknown)
    assert isinstance(failure_of(TimeoutError()), Unknown)


# Against the sandbox ---------------------------------------------------------------------------

CREDENTIALS = {
    "merchant_id": "operations",
    "public_key": "public",
    "private_key": "private",
    "merchant_accounts": "{currency}",
}
WITHOUT_KEYS = CREDENTIALS | {
    "merchant_id": "operations-without-request-keys",
    "idempotency": "order_id",
}
_numbers = count(1)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as server:
        yield server


class Shop:
    """An adapter, and what a merchant does with it."""

    def __init__(self, sandbox: Running, credentials: dict[str, str]) -> None:
        config = PspConfig(credentials, sandbox.base_url, 30.0, 4)
        self.adapter: Any = registry.create("braintree", config)
        self.url = f"{sandbox.base_url}/_sandbox"
        self.sdk = gateway_to(sandbox.port, merchant=credentials["merchant_id"])

    def request(self) -> ChargeRequest:
        order, now = f"special-{next(_numbers)}", datetime.now(UTC)
        return ChargeRequest(order, order, TEN, "fake-valid-nonce", "seller", now)

    async def paid(self) -> str:
        outcome = await self.adapter.charge(self.request())
        assert isinstance(outcome, Succeeded)
        return outcome.psp_reference

    def refund(self, reference: str, amount: Money = TEN) -> OperationRequest:
        name = f"refund-{next(_numbers)}"
        return replace(
            asked(amount), operation_id=name, idempotency_key=name, charge_reference=reference
        )

    def fault(self, fault: str, operation: str) -> None:
        order = {"fault": fault, "psp": "braintree", "operation": operation}
        httpx.post(f"{self.url}/faults", json=order, trust_env=False).raise_for_status()


@pytest.fixture(params=[CREDENTIALS, WITHOUT_KEYS], ids=["keys", "no-keys"])
async def shop(request: pytest.FixtureRequest, sandbox: Running) -> AsyncIterator[Shop]:
    made = Shop(sandbox, request.param)
    yield made
    await made.adapter.close()


async def test_what_is_not_settled_is_voided_as_a_whole_and_only_as_a_whole(shop: Shop) -> None:
    reference = await shop.paid()
    part = await shop.adapter.refund(shop.refund(reference, SIX))
    assert isinstance(part, NotDone)
    assert part.retry_after == HOUR
    whole = shop.refund(reference)
    assert await shop.adapter.refund(whole) == Done(reference, TEN)
    assert await shop.adapter.refund(whole) == Done(reference, TEN)
    assert await shop.adapter.find_refund(whole) == Done(reference, TEN)
    assert shop.sdk.transaction.find(reference).status == "voided"
    record = await shop.adapter.record(reference)
    assert record.is_charged


async def test_a_part_that_came_too_early_is_given_back_under_the_same_key_later(
    shop: Shop,
) -> None:
    reference = await shop.paid()
    part = shop.refund(reference, SIX)
    assert isinstance(await shop.adapter.refund(part), NotDone)
    shop.sdk.testing.settle_transaction(reference)
    done = await shop.adapter.refund(part)
    assert isinstance(done, Done)
    assert done.amount == SIX
    assert await shop.adapter.find_refund(part) == done
    assert await shop.adapter.refund(part) == done
    assert len(shop.sdk.transaction.find(reference).refund_ids) == 1


@pytest.mark.parametrize("settled", [True, False])
async def test_a_lost_answer_is_found_and_not_given_back_again(shop: Shop, settled: bool) -> None:
    reference = await shop.paid()
    if settled:
        shop.sdk.testing.settle_transaction(reference)
    asked_for = shop.refund(reference)
    shop.fault("lost-answer", "refund" if settled else "cancel")
    assert isinstance(await shop.adapter.refund(asked_for), Unknown)
    found = await shop.adapter.find_refund(asked_for)
    assert isinstance(found, Done)
    assert await shop.adapter.refund(asked_for) == found
    assert len(shop.sdk.transaction.find(reference).refund_ids) == int(settled)


async def test_a_refund_of_what_cannot_be_read_has_done_nothing(shop: Shop) -> None:
    reference = await shop.paid()
    shop.fault("hang-before", "look-up")
    shop.fault("error-before", "look-up")
    impatient = PspConfig(CREDENTIALS, shop.url.removesuffix("/_sandbox"), 0.3, 1)
    adapter: Any = registry.create("braintree", impatient)
    assert isinstance(await adapter.refund(shop.refund(reference)), NotDone)
    assert isinstance(await shop.adapter.find_refund(shop.refund(reference)), Unknown)
    await adapter.close()


async def test_without_keys_nothing_is_repeated_and_a_lost_sale_is_found(sandbox: Running) -> None:
    shop = Shop(sandbox, WITHOUT_KEYS)
    assert shop.adapter.capabilities.idempotency_key_lifetime == timedelta(0)
    request = shop.request()
    assert isinstance(await shop.adapter.look_up(request), NotCharged)
    shop.fault("lost-answer", "charge")
    assert isinstance(await shop.adapter.charge(request), Unknown)
    found = await shop.adapter.look_up(request)
    assert isinstance(found, Succeeded)
    assert await shop.adapter.charge(request) == found
    charges, _ = sandbox.core.truth.charges("braintree", reference=request.payment_order_id)
    assert len(charges) == 1
    await shop.adapter.close()


async def test_with_keys_that_are_not_enabled_nothing_is_charged(sandbox: Running) -> None:
    shop = Shop(sandbox, WITHOUT_KEYS | {"idempotency": "key"})
    outcome = await shop.adapter.charge(shop.request())
    assert isinstance(outcome, NotCharged)
    assert "915231" in outcome.detail
    await shop.adapter.close()


def test_another_idempotency_is_not_known() -> None:
    credentials = CREDENTIALS | {"idempotency": "hope"}
    with pytest.raises(ConfigurationError, match="idempotency"):
        registry.create("braintree", PspConfig(credentials, None, 1.0, 1))


async def test_a_client_token_for_each_currency_with_an_account(shop: Shop) -> None:
    token = json.loads(b64decode(await shop.adapter.client_token("EUR")))
    assert token["clientApiUrl"].endswith(f"/merchants/{token['merchantId']}/client_api")
    shop.fault("error-before", "other")
    with pytest.raises(UnavailableError):
        await shop.adapter.client_token("EUR")


async def test_a_currency_without_an_account_has_no_client_token(sandbox: Running) -> None:
    shop = Shop(sandbox, CREDENTIALS | {"merchant_accounts": "USD=usd"})
    with pytest.raises(UnavailableError, match="EUR"):
        await shop.adapter.client_token("EUR")
    await shop.adapter.close()
