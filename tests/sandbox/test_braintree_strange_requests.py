"""Whatever is sent, the sandbox answers as Braintree would: never with a failure of its own."""

from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from braintree.util.generator import Generator
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sandbox.braintree_world import World, world

_FIELDS = [
    *("amount", "type", "order_id", "payment_method_nonce", "payment_method_token"),
    *("merchant_account_id", "credit_card", "options", "billing", "custom_fields"),
    *("api_request_key", "submit_for_settlement", "number", "is", "min", "max", "contains"),
    *("created_at", "ids", "status", "refund", "settled_at", "currency"),
]
_VALUES = st.one_of(
    st.sampled_from(
        [
            *("", "10.00", "sale", "fake-valid-nonce", "NaN", "Infinity", "usd", "true", "-0"),
            *("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2026-11-23", "é\u2028"),
        ]
    ),
    st.integers(-(10**17), 10**17),
    st.booleans(),
    st.none(),
)
_CONTENT = st.recursive(
    _VALUES,
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(_FIELDS), inner, max_size=5), st.lists(inner, max_size=3)
    ),
    max_leaves=15,
)
_PATHS = [
    ("transaction", "/transactions"),
    ("search", "/transactions/advanced_search_ids"),
    ("search", "/transactions/advanced_search"),
    ("client_token", "/client_token"),
]


@pytest.fixture(scope="module")
def shop():
    with world() as each:
        each.sale()
        yield each


@settings(max_examples=150, deadline=None)
@given(
    where=st.sampled_from(_PATHS),
    content=st.dictionaries(st.sampled_from(_FIELDS), _CONTENT, max_size=6),
)
def test_no_request_makes_it_fail(shop: World, where, content):
    root, path = where
    body = Generator({root: content}).generate().encode()
    assert _status(shop, path, body) in {200, 201, 400, 422}


@settings(max_examples=50, deadline=None)
@given(body=st.binary(max_size=200))
def test_no_bytes_make_it_fail(shop: World, body):
    assert _status(shop, "/transactions", body) in {400, 422}


def _status(shop: World, path: str, body: bytes) -> int:
    url = f"{shop.sandbox.base_url}/merchants/shop{path}"
    request = Request(url, body, {"Authorization": "Basic cHVibGljOnNlY3JldA=="})
    try:
        with urlopen(request) as answer:
            return answer.status
    except HTTPError as error:
        return error.code
