"""Where a seller is paid: what people give is checked, and what is stored is read back. Pure.

An account is never shown whole: its last four characters say which one it is. Formats are checked
as far as they can be without asking a bank: IBANs by their country's length, structure and check
digits, BICs by their structure, American routing numbers by their check digit.
"""

import re
from types import MappingProxyType
from typing import Final

import msgspec

from clearhouse.kernel.errors import Fault, InvalidRequest
from clearhouse.psp.banks.numbers import is_routing, is_us_account
from clearhouse.psp.rails import (
    BankAccount,
    ConnectedAccount,
    Destination,
    UsAccount,
    UsAccountKind,
)

RAILS: Final = MappingProxyType({"iban": "sepa", "us_account": "nacha", "stripe": "stripe"})
"""The rail that pays each kind of account."""

CURRENCIES: Final = MappingProxyType({"iban": "EUR", "us_account": "USD"})
"""The one currency that the rail of a kind pays; others take any."""

_CONNECTED: Final = re.compile(r"acct_[A-Za-z0-9]{6,64}", re.ASCII)
_SHOWN: Final = 4
_LONGEST_NAME: Final = 70


class _Iban(msgspec.Struct, frozen=True, tag="iban", tag_field="kind"):
    iban: str
    bic: str
    holder: str


class _UsAccount(msgspec.Struct, frozen=True, tag="us_account", tag_field="kind"):
    routing: str
    account: str
    holder: str
    type: str


class _Connected(msgspec.Struct, frozen=True, tag="stripe", tag_field="kind"):
    account: str


_encoder: Final = msgspec.json.Encoder()
_decoder: Final[msgspec.json.Decoder[_Iban | _UsAccount | _Connected]] = msgspec.json.Decoder(
    _Iban | _UsAccount | _Connected
)


def iban_account(iban: str, bic: str, holder: str) -> BankAccount:
    """An account by IBAN, spaces taken out. Raises InvalidRequest, which never tells the number."""
    # Loading its registry of all banks takes half a second, which only those wait who need it.
    import schwifty

    faults: list[Fault] = []
    number, code = _compact(iban), _compact(bic)
    try:
        number = str(schwifty.IBAN(number))
    except ValueError as error:
        faults.append(Fault("/iban", "invalid-iban", _why(error)))
    if code:
        try:
            code = str(schwifty.BIC(code))
        except ValueError:
            faults.append(Fault("/bic", "invalid-bic", "must be a BIC of 8 or 11 characters"))
    faults += _holder_faults(holder)
    if faults:
        raise InvalidRequest(faults)
    return BankAccount(number, code, _plain(holder))


def us_account(routing: str, account: str, holder: str, kind: str) -> UsAccount:
    """An American account. Raises InvalidRequest."""
    faults: list[Fault] = []
    number = _compact(account)
    if not is_routing(_compact(routing)):
        faults.append(
            Fault("/routing_number", "invalid-routing-number", "its check digit does not hold")
        )
    if not is_us_account(number):
        faults.append(
            Fault("/account_number", "invalid-account-number", "must be 1 to 17 letters or digits")
        )
    if kind not in tuple(UsAccountKind):
        words = ", ".join(UsAccountKind)
        faults.append(Fault("/account_type", "invalid-value", f"must be one of {words}"))
    faults += _holder_faults(holder)
    if faults:
        raise InvalidRequest(faults)
    return UsAccount(_compact(routing), number, _plain(holder), UsAccountKind(kind))


def connected_account(account: str) -> ConnectedAccount:
    """A seller's own account at Stripe. Raises InvalidRequest."""
    if not _CONNECTED.fullmatch(account):
        fault = Fault("/stripe_account", "invalid-value", "must be an account's id: acct_...")
        raise InvalidRequest([fault])
    return ConnectedAccount(account)


def kind_of(destination: Destination) -> str:
    """The word under which such an account is stored and asked for."""
    match destination:
        case BankAccount():
            return "iban"
        case UsAccount():
            return "us_account"
        case ConnectedAccount():
            return "stripe"


def last_four(destination: Destination) -> str:
    """What may be shown of an account."""
    match destination:
        case BankAccount():
            return destination.iban[-_SHOWN:]
        case UsAccount():
            # Of a short number, four would be all of it.
            number = destination.account
            return number[-min(_SHOWN, max(len(number) // 2, 1)) :]
        case ConnectedAccount():
            return destination.psp_account[-_SHOWN:]


def pack(destination: Destination) -> str:
    """An account as the text that is sealed."""
    match destination:
        case BankAccount():
            packed = _Iban(destination.iban, destination.bic, destination.holder)
        case UsAccount():
            packed = _UsAccount(
                destination.routing, destination.account, destination.holder, destination.kind
            )
        case ConnectedAccount():
            packed = _Connected(destination.psp_account)
    return _encoder.encode(packed).decode()


def unpack(text: str) -> Destination:
    """The account that was packed. Raises msgspec.MsgspecError for any other text."""
    packed = _decoder.decode(text)
    match packed:
        case _Iban():
            return BankAccount(packed.iban, packed.bic, packed.holder)
        case _UsAccount():
            kind = UsAccountKind(packed.type)
            return UsAccount(packed.routing, packed.account, packed.holder, kind)
        case _Connected():
            return ConnectedAccount(packed.account)


def _why(error: Exception) -> str:
    """A fault in words, without the number that the library's own message quotes."""
    words = {
        "InvalidLength": "does not have the length that its country's IBANs have",
        "InvalidCountryCode": "does not begin with a country that has IBANs",
        "InvalidStructure": "does not have the form that its country's IBANs have",
        "InvalidChecksumDigits": "has check digits that do not hold",
        "InvalidBBANChecksum": "has an account number whose check digits do not hold",
    }
    return words.get(type(error).__name__, "is no IBAN")


def _holder_faults(holder: str) -> list[Fault]:
    if 1 <= len(_plain(holder)) <= _LONGEST_NAME and holder.isprintable():
        return []
    detail = f"must be the account holder's name, of 1 to {_LONGEST_NAME} printable characters"
    return [Fault("/holder", "invalid-holder", detail)]


def _plain(text: str) -> str:
    return " ".join(text.split())


def _compact(text: str) -> str:
    return "".join(text.split()).upper()
