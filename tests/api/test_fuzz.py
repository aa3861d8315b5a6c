"""Whatever is sent, the answer is one we mean: never a 500, and nothing echoed that may harm."""

import asyncio
import contextlib
import json
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.memory import PSPS, MemoryPayments, Readiness, memory_dependencies
from tests.api.payloads import VALID, raw

from clearhouse.api import reading
from clearhouse.api.app import create_app
from clearhouse.api.cards import bytes_hold_card_number
from clearhouse.api.problems import HttpError
from clearhouse.api.strict_json import read_strictly
from clearhouse.api.validation import check_payment
from clearhouse.kernel.errors import InvalidRequest

NASTY_TEXT = st.one_of(
    st.text(max_size=30),
    st.text(st.characters(categories=["Cs", "Cc", "Nd", "Zs", "Pd"]), max_size=30),
    st.sampled_from(["\x00", "\ud800", "\udfff\ud800", "4111111111111111", "x" * 300, "1e400"]),
)
NASTY_NUMBER = st.one_of(
    st.integers(),
    st.integers(min_value=10**18, max_value=10**300),
    st.floats(),
    st.sampled_from([1e308, -0.0, 5e-324, 2**63, 2**64, 10**4000]),
)
NASTY = st.recursive(
    st.one_of(st.none(), st.booleans(), NASTY_TEXT, NASTY_NUMBER),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(NASTY_TEXT, inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = [
    "checkout_id",
    "buyer_info",
    "credit_card_info",
    "payment_orders",
    "psp",
    "token",
    "payment_order_id",
    "seller_account",
    "amount",
    "currency",
]


@st.composite
def near_misses(draw: st.DrawFn) -> Any:
    """The valid request with a few places replaced, removed or added."""
    document: Any = json.loads(json.dumps(VALID))
    for _ in range(draw(st.integers(0, 3))):
        places: list[tuple[Any, Any]] = []
        stack = [document]
        while stack:
            here = stack.pop()
            steps = list(here) if isinstance(here, dict) else range(len(here))
            for step in steps:
                places.append((here, step))
                if isinstance(here[step], dict | list):
                    stack.append(here[step])
        if not places:
            break
        place, step = draw(st.sampled_from(places))
        action = draw(st.sampled_from(["replace", "remove", "add"]))
        if action == "replace":
            place[step] = draw(NASTY)
        elif action == "remove":
            del place[step]
        elif isinstance(place, dict):
            place[draw(st.one_of(st.sampled_from(NAMES), NASTY_TEXT))] = draw(NASTY)
    return document


def bodies_of(document: Any) -> list[bytes]:
    """A document as escaped ASCII, and as UTF-8 where it can be."""
    found = [json.dumps(document).encode()]
    with contextlib.suppress(UnicodeEncodeError):
        found.append(json.dumps(document, ensure_ascii=False, indent=1).encode())
    return found


def post(body: bytes) -> httpx.Response:
    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(_APP)  # pyright: ignore[reportArgumentType]
        # Nothing is encrypted here, and reading the certificates would take most of the time.
        async with httpx.AsyncClient(
            transport=transport, base_url="http://api.test", verify=False
        ) as client:
            headers = {"Authorization": "Bearer all", "Content-Type": "application/json"}
            return await client.post("/v1/payments", content=body, headers=headers)

    return asyncio.run(run())


_APP = create_app(memory_dependencies(MemoryPayments(), Readiness()))


@given(st.one_of(near_misses(), NASTY))
@settings(max_examples=300, deadline=None)
def test_no_document_makes_the_api_fail(document: Any) -> None:
    for body in bodies_of(document):
        answer = post(body)
        assert answer.status_code in {202, 400, 409, 422}
        answer.json()


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_bytes_make_the_api_fail(noise: bytes) -> None:
    assert post(noise).status_code in {400, 422}
    assert post(raw(VALID)[:60] + noise + raw(VALID)[60:]).status_code in {202, 400, 409, 422}


@given(st.sampled_from(["[", '{"a":', '{"buyer_info":', '[{"x":[']), st.integers(1, 20_000))
@settings(max_examples=50, deadline=None)
def test_no_nesting_makes_the_api_fail(opening: str, times: int) -> None:
    times = min(times, 60_000 // len(opening))
    assert post((opening * times).encode()).status_code in {400, 422}


@given(near_misses())
@settings(max_examples=500, deadline=None)
def test_the_glance_accepts_only_what_the_complete_check_accepts_and_reads_it_alike(
    document: Any,
) -> None:
    for body in bodies_of(document):
        try:
            whole = reading.thoroughly(body, PSPS)
        except (InvalidRequest, HttpError):
            whole = None
        glance = None
        if b"\\" not in body and not bytes_hold_card_number(body):
            glance = reading.at_a_glance(body, PSPS)
        if glance is not None:
            assert glance == whole
        elif whole is not None:
            assert json.loads(whole[1])["checkout_id"] == whole[0].checkout_id


@given(near_misses())
@settings(max_examples=200, deadline=None)
def test_no_fault_repeats_what_was_sent(document: Any) -> None:
    marker = "zq9-secret"
    document = {"checkout_id": marker + " ", **document} if isinstance(document, dict) else document
    for body in bodies_of(document):
        try:
            _, faults = check_payment(read_strictly(body), PSPS)
        except ValueError:
            continue
        assert all(marker not in fault.detail for fault in faults.found)
        assert all(fault.pointer.isprintable() for fault in faults.found)
