"""The form decoder undoes what Stripe's SDK encodes, and refuses what is no form."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe._encode import _api_encode  # pyright: ignore[reportPrivateUsage]

from clearhouse.sandbox.stripe.form import FormError, decode

_NAMES = st.text("abcdefgh_", min_size=1, max_size=6)
_TEXTS = st.text(max_size=8)
_VALUES = st.recursive(
    _TEXTS,
    lambda inner: (
        st.dictionaries(_NAMES, inner, min_size=1, max_size=3)
        | st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(_NAMES, _VALUES, max_size=4))
def test_what_the_sdk_encodes_is_decoded(params):
    encoded = urlencode([(key, value) for key, value in _api_encode(params) if value is not None])
    assert decode(encoded) == params


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("a=1&b=true", {"a": "1", "b": "true"}),
        ("a[b][0][c]=1&a[b][1][c]=2", {"a": {"b": [{"c": "1"}, {"c": "2"}]}}),
        ("a[]=x&a[]=y", {"a": ["x", "y"]}),
        ("metadata[o'1]=x%26y", {"metadata": {"o'1": "x&y"}}),
        ("a=", {"a": ""}),
    ],
)
def test_decoding(text: str, expected):
    assert decode(text) == expected


@pytest.mark.parametrize(
    "text", ["[a]=1", "a[b=1", "a]=1", "a[b]c=1", "a=1&a[b]=2", "a" + "[b]" * 20]
)
def test_what_is_no_path_is_refused(text: str):
    with pytest.raises(FormError):
        decode(text)
