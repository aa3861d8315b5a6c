"""Every fault of the sandbox as the SDK sees it, and what becomes of the charge."""

from collections import Counter
from contextlib import contextmanager

import pytest
from braintree import TransactionSearch
from braintree.exceptions.http.connection_error import ConnectionError as Cut
from braintree.exceptions.http.timeout_error import ReadTimeoutError as Late
from braintree.exceptions.server_error import ServerError
from braintree.exceptions.service_unavailable_error import ServiceUnavailableError
from braintree.exceptions.too_many_requests_error import TooManyRequestsError
from braintree.exceptions.unexpected_error import UnexpectedError
from tests.sandbox.braintree_world import World, at_once, world

from clearhouse.sandbox.faults import Fault, FaultOrder, Latency


@pytest.fixture
def shop():
    with world() as each:
        yield each


@contextmanager
def losing(shop: World, raised: type[Exception]):
    """The SDK is expected to raise within the block, where it waits for half a second only."""
    patient, shop.gateway = shop.gateway, shop.connect(timeout=0.5 if raised is Late else 10)
    with pytest.raises(raised):
        yield
    shop.gateway = patient


def order(shop: World, fault: Fault, **fields) -> None:
    shop.core.faults.order(FaultOrder(fault, psp="braintree", **fields))


#  fault                 what the SDK raises       charged
FAULTS = [
    (Fault.LOST_REQUEST, Cut, False),
    (Fault.LOST_ANSWER, Cut, True),
    (Fault.RESET, UnexpectedError, True),
    (Fault.ERROR_BEFORE, ServiceUnavailableError, False),
    (Fault.ERROR_AFTER, ServiceUnavailableError, True),
    (Fault.ERROR_STORED, ServerError, True),
    (Fault.CONFLICT, UnexpectedError, False),
    (Fault.RATE_LIMITED, TooManyRequestsError, False),
    (Fault.HANG, Late, True),
    (Fault.HANG_BEFORE, Late, False),
]


def test_the_table_knows_every_fault():
    assert {fault for fault, _, _ in FAULTS} == set(Fault) - {Fault.SLOW_BODY}


@pytest.mark.parametrize(("fault", "raised", "charged"), FAULTS)
def test_a_lost_outcome_is_settled_by_look_up_and_by_the_same_key(
    shop: World, fault, raised, charged
):
    order(shop, fault)
    with losing(shop, raised):
        shop.sale(api_request_key="k")
    before = shop.truth()
    assert [each.status for each in before] == (["succeeded"] if charged else [])
    assert shop.found("order-1") == [each.psp_id for each in before]
    again = shop.sale(api_request_key="k")
    assert again.is_success
    [charge] = shop.truth()
    assert (charge.psp_id, charge.status) == (again.transaction.id, "succeeded")
    assert [charge] == before or not charged


@pytest.mark.parametrize(("fault", "raised", "charged"), FAULTS)
def test_a_lost_decline_stays_a_decline(shop: World, fault, raised, charged):
    order(shop, fault)
    with losing(shop, raised):
        shop.sale("2001.00", api_request_key="k")
    assert [each.status for each in shop.truth()] == (["declined"] if charged else [])
    again = shop.sale("2001.00", api_request_key="k")
    assert again.transaction.processor_response_code == "2001"
    assert len(shop.truth()) == 1


def test_a_slow_body_is_slow_and_whole(shop: World):
    shop.core.settings.slow_seconds = 0.4
    order(shop, Fault.SLOW_BODY)
    result = shop.sale()
    assert result.is_success
    assert [each.psp_id for each in shop.truth()] == [result.transaction.id]


def test_latency_beyond_the_timeout_is_an_unknown_outcome(shop: World):
    shop.core.settings.latency["braintree"] = Latency(median_ms=4_000, p99_ms=4_000)
    with losing(shop, Late):
        shop.sale(api_request_key="k")
    shop.core.settings.latency.clear()
    refused = shop.sale(api_request_key="k")
    assert [each.code for each in refused.errors.deep_errors] == ["915233"]
    while not shop.truth():
        shop.gateway.transaction.search(TransactionSearch.type == "sale")
    assert shop.sale(api_request_key="k").transaction.id == shop.truth()[0].psp_id
    assert len(shop.truth()) == 1


def test_without_a_key_duplicate_checking_points_at_the_original(shop: World):
    order(shop, Fault.LOST_ANSWER)
    with pytest.raises(Cut):
        shop.sale()
    again = shop.sale()
    assert again.transaction.gateway_rejection_reason == "duplicate"
    [original] = [each for each in shop.truth() if each.status == "succeeded"]
    assert set(shop.found("order-1")) == {original.psp_id, again.transaction.id}


def test_a_fault_can_be_asked_for_one_order(shop: World):
    order(shop, Fault.ERROR_BEFORE, match="order-2")
    assert shop.sale().is_success
    with pytest.raises(ServiceUnavailableError):
        shop.sale(order_id="order-2")
    assert shop.sale(order_id="order-2").is_success


#  operation, how it is called
OPERATIONS = [
    ("look-up", lambda shop, made: shop.gateway.transaction.find(made.id)),
    ("look-up", lambda shop, _: shop.found("order-1")),
    ("capture", lambda shop, made: shop.gateway.transaction.submit_for_settlement(made.id)),
    ("cancel", lambda shop, made: shop.gateway.transaction.void(made.id)),
    ("refund", lambda shop, made: shop.gateway.transaction.refund(made.id)),
]


@pytest.mark.parametrize(("operation", "call"), OPERATIONS)
def test_other_operations_can_fail_too(shop: World, operation, call):
    made = shop.sale(options={}).transaction
    order(shop, Fault.ERROR_BEFORE, operation=operation)
    with pytest.raises(ServiceUnavailableError):
        call(shop, made)
    call(shop, made)
    assert shop.core.faults.waiting() == []


def test_a_search_for_one_order_can_fail(shop: World):
    shop.sale()
    order(shop, Fault.RATE_LIMITED, operation="look-up", match="order-1")
    assert shop.found("order-2") == []
    with pytest.raises(TooManyRequestsError):
        shop.found("order-1")


def test_under_faults_by_rate_each_key_charges_once(shop: World):
    """Twelve threads, a third of the calls spoilt: repeating with the key settles each order."""
    rates = {Fault.LOST_ANSWER: 0.1, Fault.LOST_REQUEST: 0.1, Fault.ERROR_AFTER: 0.1}
    shop.core.faults.rates = {"braintree": rates | {Fault.RESET: 0.05}}

    def until_known(number: int) -> str:
        for _ in range(50):
            try:
                result = shop.sale(order_id=f"o-{number}", api_request_key=f"k-{number}")
            except (Cut, ServiceUnavailableError, UnexpectedError):
                continue
            if result.is_success:
                return result.transaction.id
        raise AssertionError("never settled")

    settled = at_once(12, lambda thread: [until_known(12 * n + thread) for n in range(8)])
    known = [identifier for each in settled for identifier in each]
    charges = shop.truth()
    assert len(charges) == 96
    assert sorted(each.psp_id for each in charges) == sorted(known)
    assert Counter(each.status for each in charges) == {"succeeded": 96}
