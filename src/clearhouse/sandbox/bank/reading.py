"""Payment files as the bank reads them: pain.001 of any version, and NACHA credits. Pure."""

import re
from datetime import UTC, date, datetime
from typing import Final
from xml.etree.ElementTree import Element, ParseError, fromstring

import msgspec

from clearhouse.kernel.money import MoneyError, parse_minor

_SPACE: Final = re.compile(r"\{[^}]*\}")


class Refused(Exception):
    """The bank does not take a file; ``code`` is its reason as pain.002 has it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Transfer(msgspec.Struct, frozen=True):
    """One payment of a file. ``key`` is its EndToEndId, or NACHA's individual id number."""

    key: str
    amount_minor: int
    currency: str
    account: str
    holder: str
    raw: str = ""


class PaymentFile(msgspec.Struct, frozen=True):
    """A file: ``format`` is ``sepa`` or ``nacha``; ``debtor`` whose account is charged."""

    format: str
    message_id: str
    debtor: str
    execution_date: date
    transfers: tuple[Transfer, ...]


def read(data: bytes) -> PaymentFile:
    """A file that was handed in. Raises Refused."""
    if data.startswith(b"101"):
        return _nacha(data)
    if b"<!" in data:
        raise Refused("FF01", "a document type is not allowed")
    try:
        root = fromstring(data)  # noqa: S314 - without a document type there are no entities
    except ParseError:
        raise Refused("FF01", "the file is not XML") from None
    for element in root.iter():
        element.tag = _SPACE.sub("", element.tag)
    try:
        return _pain001(root)
    except (MoneyError, ValueError, TypeError, AttributeError):
        raise Refused("FF01", "the file is no pain.001") from None


def _pain001(root: Element) -> PaymentFile:
    header = root.find("CstmrCdtTrfInitn/GrpHdr")
    block = root.find("CstmrCdtTrfInitn/PmtInf")
    message_id = _text(header, "MsgId")
    debtor, day = _text(block, "DbtrAcct/Id/IBAN"), _text(block, "ReqdExctnDt/Dt")
    found = () if block is None else block.findall("CdtTrfTxInf")
    transfers = tuple(_transfer(element) for element in found)
    if not message_id or not debtor or not transfers:
        raise Refused("FF01", "the file lacks what pain.001 must have")
    if int(_text(header, "NbOfTxs")) != len(transfers):
        raise Refused("AM18", "the number of transfers is wrong")
    total = sum(each.amount_minor for each in transfers)
    if parse_minor(_text(header, "CtrlSum"), transfers[0].currency) != total:
        raise Refused("AM10", "the control sum is wrong")
    return PaymentFile("sepa", message_id, debtor, date.fromisoformat(day), transfers)


def _transfer(element: Element) -> Transfer:
    amount = element.find("Amt/InstdAmt")
    if amount is None or "Ccy" not in amount.attrib:
        raise Refused("FF01", "a transfer has no amount")
    currency = amount.attrib["Ccy"]
    return Transfer(
        key=_text(element, "PmtId/EndToEndId"),
        amount_minor=parse_minor(amount.text or "", currency),
        currency=currency,
        account=_text(element, "CdtrAcct/Id/IBAN"),
        holder=_text(element, "Cdtr/Nm"),
    )


def _nacha(data: bytes) -> PaymentFile:
    records = data.decode("ascii", "replace").splitlines()
    if any(len(record) != 94 for record in records) or len(records) % 10:
        raise Refused("FF01", "a NACHA file has records of 94 characters in blocks of ten")
    header = next((each for each in records if each[0] == "5"), None)
    control = next((each for each in records if each[0] == "9" and each != "9" * 94), None)
    entries = [each for each in records if each[0] == "6"]
    if header is None or control is None or not entries:
        raise Refused("FF01", "the file lacks what NACHA must have")
    transfers = tuple(
        Transfer(e[39:54].strip(), int(e[29:39]), "USD", e[12:29].strip(), e[54:76].strip(), e)
        for e in entries
    )
    if int(control[43:55]) != sum(each.amount_minor for each in transfers):
        raise Refused("AM10", "the total credit is wrong")
    day = datetime.strptime(header[69:75], "%y%m%d").replace(tzinfo=UTC).date()
    # NACHA has no id of a file: its time, its modifier and its sender are one.
    identity = f"{records[0][13:34].strip()}-{records[0][33]}-{control[21:55]}"
    return PaymentFile("nacha", identity, header[40:50].strip(), day, transfers)


def _text(element: Element | None, path: str) -> str:
    found = None if element is None else element.find(path)
    return "" if found is None or found.text is None else found.text.strip()
