"""Columns as text: PostgreSQL reads from them exactly what was written into them."""

from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clearhouse.postgres.arrays import numbers, texts, uuids
from clearhouse.postgres.connection import PlainConnection

# PostgreSQL's text holds everything but NUL and lone surrogates.
ANY_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
AWKWARD = st.sampled_from(
    ["", " ", "NULL", "null", '"', '""', "\\", '\\"', "{", "}", ",", '","', "a\nb", "'", "\\\\n"]
)
SLOW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(values=st.lists(ANY_TEXT | AWKWARD, max_size=6))
async def test_texts_come_back_as_they_were(owner: PlainConnection, values: list[str]) -> None:
    assert await owner.fetchval("select $1::text::text[]", texts(values)) == values


@SLOW
@given(values=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=6))
async def test_numbers_come_back_as_they_were(owner: PlainConnection, values: list[int]) -> None:
    assert await owner.fetchval("select $1::text::bigint[]", numbers(values)) == values


@SLOW
@given(values=st.lists(st.uuids(), max_size=6))
async def test_uuids_come_back_as_they_were(owner: PlainConnection, values: list[UUID]) -> None:
    assert await owner.fetchval("select $1::text::uuid[]", uuids(values)) == values
