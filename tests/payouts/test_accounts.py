"""Bank details: what can be an account, what is shown of it, and what is stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.kernel.errors import InvalidRequest
from clearhouse.psp.rails import BankAccount, ConnectedAccount, Destination, UsAccount
from clearhouse.wallets.payouts import accounts

# fmt: off
IBANS = [
    # iban                            bic            code of the fault
    ("DE89 3704 0044 0532 0130 00",   "",            None),
    ("de89370400440532013000",        "COBADEFF",    None),
    ("FR1420041010050500013M02606",   "",            None),
    ("GB82WEST12345698765432",        "cobadeffxxx", None),
    ("DE88370400440532013000",        "",            "invalid-iban"),
    ("DE8937040044053201300",         "",            "invalid-iban"),
    ("XX8937040044053201300",         "",            "invalid-iban"),
    ("",                              "",            "invalid-iban"),
    ("é",                             "",            "invalid-iban"),
    ("DE89370400440532013000",        "COBA",        "invalid-bic"),
    ("DE89370400440532013000",        "COBAXXFF",    "invalid-bic"),
]
US = [
    # routing     account              type        pointer of the fault
    ("021000021", "12345678",          "checking", None),
    ("021 000021", "1234 5678",        "savings",  None),
    ("021000022", "12345678",          "checking", "/routing_number"),
    ("",          "12345678",          "checking", "/routing_number"),
    ("021000021", "",                  "checking", "/account_number"),
    ("021000021", "123456789012345678", "checking", "/account_number"),
    ("021000021", "12345678",          "gold",     "/account_type"),
]
SHOWN: list[tuple[Destination, str, str]] = [
    (BankAccount("DE89370400440532013000", "", "Ann"), "iban",       "3000"),
    (UsAccount("021000021", "12345678", "Ann"),        "us_account", "5678"),
    (UsAccount("021000021", "1234", "Ann"),            "us_account", "34"),
    (UsAccount("021000021", "7", "Ann"),               "us_account", "7"),
    (ConnectedAccount("acct_1QxYzAbCdEfGhIjK"),        "stripe",     "hIjK"),
]
# fmt: on


@pytest.mark.parametrize(("iban", "bic", "code"), IBANS)
def test_ibans_are_checked_as_far_as_can_be(iban: str, bic: str, code: str | None) -> None:
    if code is None:
        made = accounts.iban_account(iban, bic, " Ann  B. ")
        assert made.iban == iban.replace(" ", "").upper()
        assert (made.bic, made.holder) == (bic.upper(), "Ann B.")
        return
    with pytest.raises(InvalidRequest) as caught:
        accounts.iban_account(iban, bic, "Ann")
    [fault] = caught.value.faults
    assert fault.code == code
    # A number that was refused is told to nobody.
    assert not iban or iban not in fault.detail + str(caught.value)


@pytest.mark.parametrize(("routing", "account", "kind", "pointer"), US)
def test_american_accounts_too(routing: str, account: str, kind: str, pointer: str | None) -> None:
    if pointer is None:
        made = accounts.us_account(routing, account, "Ann", kind)
        assert (made.routing, made.account, made.kind) == ("021000021", "12345678", kind)
        return
    with pytest.raises(InvalidRequest) as caught:
        accounts.us_account(routing, account, "Ann", kind)
    assert [fault.pointer for fault in caught.value.faults] == [pointer]


@pytest.mark.parametrize("holder", ["", "   ", "x" * 71, "Ann\x00", "Ann\nB."])
def test_an_account_needs_its_holders_name(holder: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        accounts.iban_account("DE88", "x", holder)
    assert {fault.pointer for fault in caught.value.faults} == {"/iban", "/bic", "/holder"}


@pytest.mark.parametrize("account", ["", "acct_", "acct_ä23456", "1QxYzAbC", "acct_1 2 3 4"])
def test_an_account_at_stripe_has_its_form(account: str) -> None:
    with pytest.raises(InvalidRequest):
        accounts.connected_account(account)


@pytest.mark.parametrize(("destination", "kind", "last_four"), SHOWN)
def test_no_more_than_the_end_of_an_account_is_shown(
    destination: Destination, kind: str, last_four: str
) -> None:
    assert accounts.kind_of(destination) == kind
    assert accounts.last_four(destination) == last_four
    assert accounts.RAILS[kind]


_TEXT = st.text(min_size=1, max_size=20)


@given(
    st.one_of(
        st.builds(BankAccount, _TEXT, _TEXT, _TEXT),
        st.builds(UsAccount, _TEXT, _TEXT, _TEXT),
        st.builds(ConnectedAccount, _TEXT),
    )
)
def test_what_is_packed_comes_back(destination: Destination) -> None:
    assert accounts.unpack(accounts.pack(destination)) == destination
