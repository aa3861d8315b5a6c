"""Sealed fields open where they were sealed, with any key that is still there, and nowhere else."""

from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.access.encryption import FieldCipher, NotOpened, keys_of
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.kernel.randomness import SeededRandomness, SystemRandomness

OLD, NEW = b"o" * 32, b"n" * 32
PLACE = "webhooks.endpoints/1/secret"


def cipher(**keys: bytes) -> FieldCipher:
    return FieldCipher(keys, SystemRandomness())


@given(st.text(), st.text(max_size=40))
def test_what_is_sealed_opens_in_its_place(text: str, place: str) -> None:
    box = cipher(a=OLD)
    assert box.open(box.seal(text, place), place) == text


def test_another_place_does_not_open_it() -> None:
    box = cipher(a=OLD)
    sealed = box.seal("whsec_1", PLACE)
    with pytest.raises(NotOpened, match="changed or moved"):
        box.open(sealed, "webhooks.endpoints/2/secret")


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_changed_byte_is_noticed(place: int, change: int) -> None:
    box = cipher(a=OLD)
    head, packed = box.seal("a secret", PLACE).rsplit(".", 1)
    data = bytearray(urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    data[place % len(data)] ^= change
    changed = urlsafe_b64encode(bytes(data)).decode().rstrip("=")
    with pytest.raises(NotOpened, match="changed or moved"):
        box.open(f"{head}.{changed}", PLACE)


def test_the_same_text_is_never_sealed_alike() -> None:
    box = cipher(a=OLD)
    assert box.seal("x", PLACE) != box.seal("x", PLACE)


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    sealed = cipher(old=OLD).seal("secret", PLACE)
    both = cipher(new=NEW, old=OLD)
    assert both.open(sealed, PLACE) == "secret"
    assert not both.is_current(sealed)
    again = both.seal("secret", PLACE)
    assert both.is_current(again)
    assert cipher(new=NEW).open(again, PLACE) == "secret"


@pytest.mark.parametrize("sealed", ["", "v1", "v1.a", "v1.a.", "v2.a.AAAA", "v1.b.AAAA", "v1.a.é"])
def test_what_is_no_sealed_value_is_said_to_be_none(sealed: str) -> None:
    with pytest.raises(NotOpened):
        cipher(a=OLD).open(sealed, PLACE)


def test_a_key_of_another_name_is_not_tried() -> None:
    sealed = cipher(a=OLD).seal("secret", PLACE)
    with pytest.raises(NotOpened, match="not configured"):
        cipher(b=OLD).open(sealed, PLACE)


@pytest.mark.parametrize("keys", [{}, {"a": b"short"}, {"a.b": OLD}, {"": OLD}, {"a" * 33: OLD}])
def test_keys_that_are_none_stop_the_start(keys: dict[str, bytes]) -> None:
    with pytest.raises(ConfigurationError):
        FieldCipher(keys, SeededRandomness(1))


def test_keys_are_read_in_their_order() -> None:
    text = f"2026b={b64encode(NEW).decode()}, 2026a={b64encode(OLD).decode()},"
    assert list(keys_of(text).items()) == [("2026b", NEW), ("2026a", OLD)]


@pytest.mark.parametrize("text", ["a", "a=", "a=AAAA", "a=!!!", f"a={'A' * 43}=,a={'A' * 43}="])
def test_keys_that_cannot_be_read_are_named_and_not_shown(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        keys_of(text)
    assert "AAAA" not in caught.value.message
