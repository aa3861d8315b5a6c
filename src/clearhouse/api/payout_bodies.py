"""The bodies of requests about payouts and about how sellers are paid."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from clearhouse.api.faults import Faults
from clearhouse.api.flat_bodies import read_flat
from clearhouse.api.operation_bodies import check_amount
from clearhouse.api.requests import MAX_AMOUNT, Identifier
from clearhouse.kernel.errors import InvalidRequest
from clearhouse.kernel.money import EXPONENTS, parse_charge
from clearhouse.psp.rails import Destination
from clearhouse.wallets.payouts import accounts

MAX_NOTE: Final = 140
_AMOUNT: Final = r"^[0-9]{1,18}(\.[0-9]{1,18})?$"

Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217, in capital letters.")]
Text = Annotated[str, Meta(max_length=255)]


class PayoutRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Money to pay to a seller out of what is available."""

    seller_account: Annotated[Identifier, Meta(description="Who is paid.")]
    currency: Currency
    amount: (
        Annotated[
            str,
            Meta(
                pattern=_AMOUNT,
                max_length=MAX_AMOUNT,
                description="A decimal string in major units. Left out: all that may be paid.",
            ),
        ]
        | UnsetType
    ) = UNSET
    note: (
        Annotated[str, Meta(max_length=MAX_NOTE, description="For your own people.")] | UnsetType
    ) = UNSET


class PayoutCancelRequest(
    msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True
):
    """Why a payout is taken back."""

    reason: Annotated[str, Meta(max_length=MAX_NOTE, description="For people.")] | UnsetType = UNSET


class BankDetailsRequest(
    msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True
):
    """Where a seller is paid in a currency: an IBAN, an American account, or one at Stripe."""

    currency: Currency
    holder: (
        Annotated[Text, Meta(description="The account holder's name; not with Stripe.")] | UnsetType
    ) = UNSET
    iban: Annotated[Text, Meta(description="With or without spaces. Paid EUR.")] | UnsetType = UNSET
    bic: Annotated[Text, Meta(description="May be left out.")] | UnsetType = UNSET
    routing_number: Annotated[Text, Meta(description="Nine digits. Paid USD.")] | UnsetType = UNSET
    account_number: Text | UnsetType = UNSET
    account_type: (
        Annotated[Literal["checking", "savings"], Meta(description="Left out: `checking`.")]
        | UnsetType
    ) = UNSET
    stripe_account: (
        Annotated[Text, Meta(description="The seller's own account at Stripe: `acct_...`.")]
        | UnsetType
    ) = UNSET


_RULES: Final = {
    "seller_account": "must be 1 to 255 ASCII letters, digits and . _ : ~ @ + = -",
    "currency": "must be an ISO 4217 currency in capital letters",
    "amount": 'must be a string of digits with at most one point, such as "12.50"',
    "note": f"must be a text of at most {MAX_NOTE} characters",
    "reason": f"must be a text of at most {MAX_NOTE} characters",
    "holder": "must be a name",
    "iban": "must be an IBAN",
    "bic": "must be a BIC",
    "routing_number": "must be nine digits",
    "account_number": "must be 1 to 17 letters or digits",
    "account_type": "must be checking or savings",
    "stripe_account": "must be an account's id: acct_...",
}
_NUMBERS: Final = frozenset({"iban", "account_number", "routing_number"})


def read_payout(body: bytes) -> tuple[PayoutRequest, int | None, bytes]:
    """What is asked for, its amount in minor units (None: all), and the canonical JSON."""
    wanted, canonical = read_flat(body, PayoutRequest, _RULES)
    faults = Faults()
    _check_currency(wanted.currency, faults)
    amount = None if wanted.amount is UNSET else wanted.amount
    if amount is not None and not faults:
        check_amount(amount, wanted.currency, faults)
    if faults:
        raise InvalidRequest(faults.found)
    minor = None if amount is None else parse_charge(amount, wanted.currency).minor
    return wanted, minor, canonical


def read_cancel(body: bytes) -> str:
    """Why a payout is taken back; empty where nobody says."""
    wanted, _ = read_flat(body, PayoutCancelRequest, _RULES)
    return "" if wanted.reason is UNSET else wanted.reason


def read_details(body: bytes) -> tuple[str, Destination]:
    """A currency, and the account that a seller is paid to in it."""
    wanted, _ = read_flat(body, BankDetailsRequest, _RULES, unlike_cards=_NUMBERS)
    faults = Faults()
    _check_currency(wanted.currency, faults)
    given = {
        name: value
        for name in wanted.__struct_fields__
        if name != "currency" and (value := getattr(wanted, name)) is not UNSET
    }
    kinds = [kind for kind in _KINDS if kind in given]
    if len(kinds) != 1:
        faults.add("", "one-account", f"must hold one of {', '.join(_KINDS)}")
    else:
        for name in given.keys() - _KINDS[kinds[0]]:
            faults.add(f"/{name}", "unknown-field", f"does not go with {kinds[0]}")
    if faults:
        raise InvalidRequest(faults.found)
    return wanted.currency, _destination(kinds[0], given)


_KINDS: Final = {
    "iban": {"iban", "bic", "holder"},
    "account_number": {"account_number", "routing_number", "account_type", "holder"},
    "stripe_account": {"stripe_account"},
}
"""What names each kind of account, and the members that go with it."""


def _destination(kind: str, given: dict[str, str]) -> Destination:
    holder = given.get("holder", "")
    match kind:
        case "iban":
            return accounts.iban_account(given["iban"], given.get("bic", ""), holder)
        case "account_number":
            return accounts.us_account(
                given.get("routing_number", ""),
                given["account_number"],
                holder,
                given.get("account_type", "checking"),
            )
        case _:
            return accounts.connected_account(given["stripe_account"])


def _check_currency(currency: str, faults: Faults) -> None:
    if currency not in EXPONENTS:
        faults.add("/currency", "unknown-currency", _RULES["currency"])
