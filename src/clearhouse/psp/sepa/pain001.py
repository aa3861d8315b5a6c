"""A batch as pain.001.001.09 (credit transfers, SEPA). Pure: the same batch, the same bytes.

Written here and not by the package ``sepaxml``, which puts the system's time and random numbers
into every file, so that a file could not be made a second time. Its copy of ISO's schema accepts
what is written here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from clearhouse.kernel.money import format_minor
from clearhouse.psp.banks.letters import plain
from clearhouse.psp.rails import BankAccount, Batch, Instruction

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
CURRENCY: Final = "EUR"


@dataclass(frozen=True, slots=True)
class Debtor:
    """The platform's own account, from which payouts are made."""

    name: str
    iban: str = field(repr=False)
    bic: str


def render(batch: Batch, debtor: Debtor) -> bytes:
    """The file; ``batch_id`` is its message id and the id of its one payment block."""
    count = str(len(batch.instructions))
    total = format_minor(sum(each.amount.minor for each in batch.instructions), CURRENCY)
    document = Element("Document", {"xmlns": NAMESPACE})
    body = SubElement(document, "CstmrCdtTrfInitn")
    header = SubElement(body, "GrpHdr")
    _put(
        header,
        ("MsgId", batch.batch_id),
        ("CreDtTm", batch.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")),
        ("NbOfTxs", count),
        ("CtrlSum", total),
        ("InitgPty/Nm", plain(debtor.name, 70)),
    )
    block = SubElement(body, "PmtInf")
    _put(
        block,
        ("PmtInfId", batch.batch_id),
        ("PmtMtd", "TRF"),
        # Each transfer on a line of its own in the statement, so that each can be matched.
        ("BtchBookg", "false"),
        ("NbOfTxs", count),
        ("CtrlSum", total),
        ("PmtTpInf/SvcLvl/Cd", "SEPA"),
        ("ReqdExctnDt/Dt", batch.execution_date.isoformat()),
        ("Dbtr/Nm", plain(debtor.name, 70)),
        ("DbtrAcct/Id/IBAN", debtor.iban),
    )
    _put_agent(block, "DbtrAgt", debtor.bic)
    _put(block, ("ChrgBr", "SLEV"))
    for instruction in batch.instructions:
        _put_transfer(block, instruction)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(document, "utf-8")


def _put_transfer(block: Element, instruction: Instruction) -> None:
    account = instruction.destination
    assert isinstance(account, BankAccount)
    transfer = SubElement(block, "CdtTrfTxInf")
    _put(transfer, ("PmtId/InstrId", instruction.key), ("PmtId/EndToEndId", instruction.key))
    amount = SubElement(SubElement(transfer, "Amt"), "InstdAmt", {"Ccy": CURRENCY})
    amount.text = format_minor(instruction.amount.minor, CURRENCY)
    if account.bic:
        _put_agent(transfer, "CdtrAgt", account.bic)
    _put(
        transfer,
        ("Cdtr/Nm", plain(account.holder, 70)),
        ("CdtrAcct/Id/IBAN", account.iban),
        ("RmtInf/Ustrd", plain(instruction.statement_text, 140)),
    )


def _put_agent(parent: Element, tag: str, bic: str) -> None:
    if bic:
        _put(parent, (f"{tag}/FinInstnId/BICFI", bic))
    else:
        _put(parent, (f"{tag}/FinInstnId/Othr/Id", "NOTPROVIDED"))


def _put(parent: Element, *leaves: tuple[str, str]) -> None:
    """Elements at their paths, in this order; what two paths share at their start is one."""
    for path, value in leaves:
        _at(parent, path.split("/")).text = value


def _at(parent: Element, path: Iterable[str]) -> Element:
    *folders, leaf = path
    for tag in folders:
        last = parent[-1] if len(parent) and parent[-1].tag == tag else None
        parent = SubElement(parent, tag) if last is None else last
    return SubElement(parent, leaf)
