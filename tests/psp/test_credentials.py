"""Credentials as data, and one account per currency."""

import pytest

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp.credentials import Credential, PerCurrency, read_credentials

WANTED = (
    Credential("key", "the key", secret=True),
    Credential("mode", "the mode", secret=False, required=False, default="test"),
)


def test_defaults_are_filled_in_and_spaces_taken_off() -> None:
    assert read_credentials("x", WANTED, {"key": " abc\n"}) == {"key": "abc", "mode": "test"}
    assert read_credentials("x", WANTED, {"key": "k", "mode": "live"})["mode"] == "live"


def test_an_empty_value_is_a_missing_one() -> None:
    with pytest.raises(ConfigurationError, match="The PSP x lacks key"):
        read_credentials("x", WANTED, {"key": "  "})


@pytest.mark.parametrize(
    ("text", "currency", "account"),
    [
        ("USD=us, EUR=eu", "USD", "us"),
        ("USD=us, EUR=eu", "EUR", "eu"),
        ("USD=us, EUR=eu", "JPY", None),
        ("", "USD", None),
        (" USD = us ,", "USD", "us"),
        ("shop_{currency}", "JPY", "shop_jpy"),
        ("L{CURRENCY}", "JPY", "LJPY"),
    ],
)
def test_an_account_per_currency(text: str, currency: str, account: str | None) -> None:
    assert PerCurrency.parse("x", "accounts", text).of(currency) == account


@pytest.mark.parametrize("text", ["usd=us", "USD", "USD=", "=us", "DOLLAR=us"])
def test_what_is_no_map_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="The PSP x cannot read accounts"):
        PerCurrency.parse("x", "accounts", text)
