"""Braintree's XML against the SDK's own writer and reader, which are the measure of it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from braintree.util.generator import Generator
from braintree.util.parser import Parser
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.sandbox.braintree.markup import Items, MarkupError, Repeated, decode, encode

_NAMES = st.from_regex(r"[a-z]+(_[a-z]+)?", fullmatch=True)
_TEXTS = st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cs"], exclude_characters="\ufffe\uffff")
)
_MOMENTS = st.datetimes(datetime.fromisoformat("1970-01-01"), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
_NUMBERS = st.integers(-(10**17) + 1, 10**18 - 1)
_LEAVES = st.one_of(_TEXTS, _NUMBERS, st.booleans(), st.none())
_SENT = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(_NAMES, inner, min_size=1, max_size=4), st.lists(inner, max_size=4)
    ),
    max_leaves=12,
)


def _as_the_sdk_reads(document: bytes) -> Any:
    return Parser(document).parse()


def _absent_as_none(value):
    if isinstance(value, dict):
        return {name: _absent_as_none(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_absent_as_none(each) for each in value]
    return None if value == "" and isinstance(value, str) else value


@given(content=st.dictionaries(_NAMES, _SENT, min_size=1, max_size=4))
def test_what_the_sdk_writes_is_read_as_it_was_meant(content):
    document = Generator({"transaction": content}).generate()
    assert decode(document.encode()) == ("transaction", _absent_as_none(content))


@given(
    words=_TEXTS.filter(lambda text: not text.isspace()),  # which the SDK's reader drops
    number=st.integers(),
    moment=_MOMENTS,
    listed=st.lists(st.sampled_from(["a", "b<c>", "&amp;", ""]), max_size=3),
)
def test_what_the_sandbox_writes_is_read_by_the_sdk(words, number, moment, listed):
    node = {
        "order_id": words,
        "total_items": number,
        "created_at": moment,
        "settled": True,
        "nothing": None,
        "ids": Items("item", tuple(listed)),
        "deep": {"deeper": {"value": "x"}},
    }
    parsed = _as_the_sdk_reads(encode("search-results", node))["search_results"]
    assert parsed["order_id"] == words
    assert parsed["total_items"] == number
    assert parsed["created_at"] == moment.replace(tzinfo=None)
    assert parsed["settled"] is True
    assert parsed["nothing"] is None
    assert parsed["ids"] == listed
    assert parsed["deep"] == {"deeper": {"value": "x"}}


def test_a_collection_repeats_its_elements():
    node = {"page_size": 50, "transaction": Repeated(({"id": "a"}, {"id": "b"}))}
    document = encode("credit-card-transactions", node, kind="collection")
    assert b'<credit-card-transactions type="collection">' in document
    parsed = _as_the_sdk_reads(document)["credit_card_transactions"]
    assert parsed["transaction"] == [{"id": "a"}, {"id": "b"}]


def test_repeated_siblings_are_read_as_a_list():
    assert decode(b"<a><b>1</b><b>2</b><b>3</b></a>") == ("a", {"b": ["1", "2", "3"]})


def test_times_are_read_with_and_without_an_offset():
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    for written in ("2026-11-23T12:00:00Z", "2026-11-23T12:00:00", "2026-11-23T13:00:00+01:00"):
        _, value = decode(f'<a><at type="datetime">{written}</at></a>'.encode())
        assert value == {"at": noon}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a>",
        b"{}",
        b"<a/><b/>",
        b"\xff<a/>",
        b"<a>\x01</a>",
        b'<a xmlns="urn:x"/>',
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<a><n type="integer">ten</n></a>',
        b'<a><n type="integer">1000000000000000000</n></a>',
        b'<a><n type="datetime">yesterday</n></a>',
        b"<a>" * 40 + b"</a>" * 40,
    ],
)
def test_what_is_no_document_is_refused(body):
    with pytest.raises(MarkupError):
        decode(body)


def test_an_array_cannot_be_a_whole_document():
    with pytest.raises(TypeError):
        encode("ids", Items("item", ()))
