"""What the bank answers: pain.002, camt.054, camt.053 and NACHA returns. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

import msgspec

from clearhouse.kernel.money import format_minor
from clearhouse.sandbox.bank.reading import PaymentFile

_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:"
Reasons = Mapping[str, str]
"""Keys of transfers to the codes they are rejected with."""


class Entry(msgspec.Struct, frozen=True):
    """One line on an account. ``amount_minor`` is negative where money leaves.

    ``returned`` is the code a payment came back with; ``key`` its EndToEndId.
    """

    number: int
    account: str
    amount_minor: int
    currency: str
    booked_at: datetime
    key: str
    text: str
    returned: str | None = None


def status_report(
    file: PaymentFile, report_id: str, at: datetime, rejected: Reasons, whole: str | None
) -> bytes:
    """A pain.002.001.10: ``whole`` is the code with which the file is rejected as such."""
    document, body = _document("pain.002.001.10", "CstmrPmtStsRpt")
    header = SubElement(body, "GrpHdr")
    _put(header, "MsgId", report_id)
    _put(header, "CreDtTm", _time(at))
    group = SubElement(body, "OrgnlGrpInfAndSts")
    _put(group, "OrgnlMsgId", file.message_id)
    _put(group, "OrgnlMsgNmId", "pain.001.001.09")
    if whole is not None:
        _put(group, "GrpSts", "RJCT")
        _put(group, "StsRsnInf/Rsn/Cd", whole)
        return _bytes(document)
    none_left = len(rejected) == len(file.transfers)
    _put(group, "GrpSts", "ACCP" if not rejected else "RJCT" if none_left else "PART")
    block = SubElement(body, "OrgnlPmtInfAndSts")
    _put(block, "OrgnlPmtInfId", file.message_id)
    for transfer in file.transfers:
        status = SubElement(block, "TxInfAndSts")
        _put(status, "OrgnlEndToEndId", transfer.key)
        code = rejected.get(transfer.key)
        _put(status, "TxSts", "ACCP" if code is None else "RJCT")
        if code is not None:
            _put(status, "StsRsnInf/Rsn/Cd", code)
    return _bytes(document)


def notification(entries: Sequence[Entry], message_id: str, at: datetime) -> bytes:
    """A camt.054.001.08: what was just booked on one account."""
    document, body = _document("camt.054.001.08", "BkToCstmrDbtCdtNtfctn")
    _head(body, message_id, at)
    block = SubElement(body, "Ntfctn")
    _put(block, "Id", message_id)
    _put(block, "CreDtTm", _time(at))
    _put(block, "Acct/Id/IBAN", entries[0].account)
    for entry in entries:
        _put_entry(block, entry)
    return _bytes(document)


def statement(
    entries: Sequence[Entry], opening: int, account: str, currency: str, at: datetime, off: int = 0
) -> bytes:
    """A camt.053.001.08: a day of one account; opening and entries add up to closing.

    Unless ``off`` says how far they do not.
    """
    identity = f"STMT-{account[-8:]}-{currency}-{at:%Y%m%d}"
    document, body = _document("camt.053.001.08", "BkToCstmrStmt")
    _head(body, identity, at)
    block = SubElement(body, "Stmt")
    _put(block, "Id", identity)
    _put(block, "CreDtTm", _time(at))
    _put(block, "Acct/Id/IBAN", account)
    closing = opening + sum(entry.amount_minor for entry in entries) + off
    for kind, balance in (("OPBD", opening), ("CLBD", closing)):
        element = SubElement(block, "Bal")
        _put(element, "Tp/CdOrPrtry/Cd", kind)
        _put_amount(element, balance, currency)
        _put(element, "CdtDbtInd", "DBIT" if balance < 0 else "CRDT")
        _put(element, "Dt/Dt", f"{at:%Y-%m-%d}")
    for entry in entries:
        _put_entry(block, entry)
    return _bytes(document)


def nacha_return(file: PaymentFile, raw: str, code: str, at: datetime, number: int) -> bytes:
    """A return (R..) or a notification of change (C..) of one entry, the entry repeated."""
    change = code.startswith("C")
    kind = {"22": "21", "32": "31"}[raw[1:3]]
    routing, amount = raw[3:12], 0 if change else int(raw[29:39])
    trace = f"{routing[:8]}{number % 10_000_000:07d}"
    entry = f"6{kind}{raw[79:87]}0{raw[12:29]}{amount:010d}{raw[39:78]}1{trace}"
    correction = f"{raw[12:29].strip()[::-1]:<29}" if change else " " * 29
    addenda = f"7{'98' if change else '99'}{code}{raw[79:94]}{'':6}{routing[:8]}{correction}{'':15}"
    hashed, sums = f"{int(raw[79:87]):010d}", f"{0:012d}{amount:012d}"
    records = [
        f"101 {routing} {routing}{at:%y%m%d%H%M}A094101{'SANDBOX BANK':23}{'CUSTOMER':31}",
        (
            f"5220{'SANDBOX BANK':16}{'':20}{file.debtor:10}{'COR' if change else 'PPD'}"
            f"{'RETURN':10}{'':6}{at:%y%m%d}{'':3}1{routing[:8]}{1:07d}"
        ),
        entry,
        f"{addenda}{trace}",
        f"8220{2:06d}{hashed}{sums}{file.debtor:10}{'':25}{routing[:8]}{1:07d}",
        f"9{1:06d}{1:06d}{2:08d}{hashed}{sums}{'':39}",
    ]
    records += ["9" * 94] * (10 - len(records))
    return ("\n".join(records) + "\n").encode("ascii")


def _put_entry(block: Element, entry: Entry) -> None:
    element = SubElement(block, "Ntry")
    _put_amount(element, entry.amount_minor, entry.currency)
    _put(element, "CdtDbtInd", "DBIT" if entry.amount_minor < 0 else "CRDT")
    _put(element, "Sts/Cd", "BOOK")
    _put(element, "BookgDt/Dt", f"{entry.booked_at:%Y-%m-%d}")
    _put(element, "ValDt/Dt", f"{entry.booked_at:%Y-%m-%d}")
    _put(element, "AcctSvcrRef", f"BANK{entry.number:012d}")
    details = SubElement(SubElement(element, "NtryDtls"), "TxDtls")
    _put(details, "Refs/EndToEndId", entry.key or "NOTPROVIDED")
    _put_amount(details, entry.amount_minor, entry.currency)
    if entry.text:
        _put(details, "RmtInf/Ustrd", entry.text)
    if entry.returned is not None:
        _put(details, "RtrInf/Rsn/Cd", entry.returned)


def _put_amount(parent: Element, minor: int, currency: str) -> None:
    element = SubElement(parent, "Amt", {"Ccy": currency})
    element.text = format_minor(abs(minor), currency)


def _head(body: Element, message_id: str, at: datetime) -> None:
    header = SubElement(body, "GrpHdr")
    _put(header, "MsgId", message_id)
    _put(header, "CreDtTm", _time(at))


def _document(version: str, name: str) -> tuple[Element, Element]:
    document = Element("Document", {"xmlns": _NAMESPACE + version})
    return document, SubElement(document, name)


def _put(parent: Element, path: str, value: str) -> None:
    for tag in path.split("/"):
        parent = SubElement(parent, tag)
    parent.text = value


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _bytes(document: Element) -> bytes:
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(document, "utf-8")
