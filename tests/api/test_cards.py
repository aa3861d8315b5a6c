"""Which text holds a card number: a table, and many ids and tokens that must not."""

import json
import random
import string
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.api.cards import bytes_hold_card_number, holds_card_number

CARDS = {
    "visa": "4111111111111111",
    "visa, 13 digits": "4222222222222",
    "mastercard": "5555555555554444",
    "mastercard, 2-series": "2223003122003222",
    "american express": "378282246310005",
    "diners": "30569309025904",
    "discover": "6011111111111117",
    "jcb": "3566002020360505",
    "union pay, 19 digits": "6205500000000000004",
    "with spaces": "4111 1111 1111 1111",
    "with dashes": "4111-1111-1111-1111",
    "amex grouping": "3782 822463 10005",
    "mixed separators": "4111 1111-1111 1111",
    "two spaces": "4111  1111  1111  1111",
    "spaced dashes": "4111 - 1111 - 1111 - 1111",
    "every digit apart": " ".join("4111111111111111"),
    "no-break spaces": "4111\u00a01111\u00a01111\u00a01111",
    "typographic dashes": "4111–1111–1111–1111",
    "full-width digits": "４１１１１１１１１１１１１１１１",
    "arabic-indic digits": "٤١١١١١١١١١١١١١١١",
    "in a sentence": "card 4111111111111111, thanks",
    "with the expiry after it": "4111 1111 1111 1111 12/27",
    "with expiry and code after it": "4111 1111 1111 1111 1227 123",
    "with the code before it": "123 4111 1111 1111 1111",
    "after a label": "pan:4111111111111111",
    "after an underscore": "card_4111111111111111",
    "after a word and a dash": "card-4111-1111-1111-1111",
    "oddly grouped": "411111 11111111 11",
    "glued halves": "41111111-11111111",
    "in parentheses": "(4111111111111111)",
    "beside a uuid": "6f9619ff-8b86-d011-b42d-00cf4fc964ff 4111111111111111",
}

NOT_CARDS = {
    "fails the check": "4111111111111112",
    "12 digits": "411111111111",
    "20 digits": "41111111111111111111",
    "inside letters": "a4111111111111111",
    "letters after it": "4111111111111111x",
    "stripe's payment method": "pm_1N4aBcDeFgHiJkLmNoPqRsTu",
    "hexadecimal": "5f4dcc3b5aa765d61d8327deb882cf99",
    "a uuid of digits only": "41111111-1111-4111-8111-111111111111",
    "a uuid": "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    "separated by commas": "4111,1111,1111,1111",
    "separated by dots": "4111.1111.1111.1111",
    "four spaces apart": "4111    1111    1111    1111",
    "a phone number": "+49 30 901820",
    "an IBAN": "DE89370400440532013000",
    "a time": "2026-11-23T08:37:51.123456Z",
    "an amount": "999999999.99",
    "nothing": "",
    "a dated id that passes the check": "20261123-000123-08",
    "a numbered id that passes the check": "checkout-10000000-1-1006",
    "two dates in a row": "2026-11-23 2026-11-25",
}


@pytest.mark.parametrize("text", CARDS.values(), ids=CARDS.keys())
def test_a_card_number_is_found(text: str) -> None:
    assert holds_card_number(text)
    assert bytes_hold_card_number(json.dumps({"note": text}, ensure_ascii=False).encode())
    assert bytes_hold_card_number(json.dumps({text: 1}, ensure_ascii=False).encode())


@pytest.mark.parametrize("text", NOT_CARDS.values(), ids=NOT_CARDS.keys())
def test_what_is_no_card_number_passes(text: str) -> None:
    assert not holds_card_number(text)
    assert not bytes_hold_card_number(json.dumps({"note": text}, ensure_ascii=False).encode())


def test_a_number_that_is_not_in_quotes_is_found() -> None:
    assert bytes_hold_card_number(b'{"note":4111111111111111}')
    assert bytes_hold_card_number(b'{"note":[4111111111111111.0]}')
    assert bytes_hold_card_number(b'{"note":-4111111111111111}')


def test_bytes_that_are_not_text_are_looked_at_too() -> None:
    assert bytes_hold_card_number(b"\xff\xfe4111111111111111\xff")


def test_ten_thousand_uuids_of_each_kind_pass() -> None:
    source = random.Random(1)
    for _ in range(10_000):
        noise = source.randbytes(16)
        assert not holds_card_number(str(uuid.UUID(bytes=noise, version=4)))
        assert not holds_card_number(f"order-{uuid.UUID(bytes=noise)}")
        assert not holds_card_number(str(uuid.UUID(bytes=noise[:8] + b"\x80" + noise[9:])).upper())


def test_ten_thousand_dated_and_numbered_ids_pass() -> None:
    source = random.Random(3)
    for number in range(10_000):
        assert not holds_card_number(f"2026{source.randrange(10**4):04}-{number:06}-01")
        assert not holds_card_number(f"order-2026-11-23-{number:06}")
        assert not holds_card_number(f"10{source.randrange(10**6):06}-1-{number:04}")


def test_ten_thousand_tokens_of_each_kind_pass() -> None:
    source = random.Random(2)
    base62 = string.ascii_letters + string.digits
    for _ in range(10_000):
        word = "".join(source.choices(base62, k=24))
        assert not holds_card_number(f"pm_1N{word}")
        assert not holds_card_number(f"cnon:CA4SE{word}")
        assert not holds_card_number(
            f"tokencc_bf_{word[:6]}_{word[6:12]}_{word[12:18]}_x{word[18:]}"
        )
        assert not holds_card_number(source.randbytes(16).hex() + "f")
        assert not holds_card_number(f"01J{''.join(source.choices(string.ascii_uppercase, k=23))}")


def luhn_digit(digits: str) -> str:
    """The check digit, computed the schoolbook way."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


@given(
    st.text(string.digits, min_size=12, max_size=18),
    st.sampled_from([1, 2, 3, 4, 5, 19]),
    st.sampled_from([" ", "-", " - ", "\u00a0"]),
    st.sampled_from(["", "name: ", "é ", "x,"]),
)
def test_every_luhn_valid_number_is_found_in_groups_and_in_one_piece(
    digits: str, size: int, gap: str, before: str
) -> None:
    number = digits + luhn_digit(digits)
    groups = [number[start : start + size] for start in range(0, len(number), size)]
    assert holds_card_number(before + gap.join(groups))


@given(
    st.sampled_from(["4", "51", "55", "2221", "2720", "6011", "65", "62", "3530"]),
    st.text(string.digits, min_size=15, max_size=15),
    st.lists(st.sampled_from(["", " ", "-", " - "]), min_size=16, max_size=16),
)
def test_a_networks_number_is_found_however_it_is_grouped(
    prefix: str, digits: str, gaps: list[str]
) -> None:
    body = (prefix + digits)[:15]
    number = body + luhn_digit(body)
    grouped = "".join(digit + gap for digit, gap in zip(number, gaps, strict=True)).strip(" -")
    assert holds_card_number(grouped)


@given(st.text(string.digits, min_size=12, max_size=18), st.integers(1, 9))
def test_a_wrong_check_digit_is_no_card_number(digits: str, off: int) -> None:
    wrong = str((int(luhn_digit(digits)) + off) % 10)
    assert not holds_card_number(digits + wrong)


def test_a_long_text_of_digits_is_read_in_one_pass() -> None:
    # Groups that never make a card number: 60,000 of them must not cost more than a moment.
    assert not holds_card_number("1234567 " * 1 + "12345678901234567890 " * 60_000)
