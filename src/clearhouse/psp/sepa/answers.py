"""What a bank's answers say: pain.002, camt.052/053/054 and pacs.004, of any version. Pure.

================================  =======================================================
pain.002 ``RJCT``                 Failed with our word for the reason; a duplicate: Unknown
pain.002 any other status         Submitted; only a booking says that money moved
pain.002 ``RJCT`` of all          the same for every transfer of the file it names
camt ``DBIT`` booked              PaidOut
camt ``CRDT`` with a return       Returned (``RtrInf``), or a debit that was taken back
pacs.004                          Returned
================================  =======================================================
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from xml.etree.ElementTree import Element

from clearhouse.kernel.money import Money, MoneyError, parse_minor
from clearhouse.psp.banks.inbox import KeysOf, WrongDocument
from clearhouse.psp.banks.xml import every, parse, text
from clearhouse.psp.contract import Unknown
from clearhouse.psp.rails import Failed, PaidOut, PayoutNews, PayoutOutcome, Returned, Submitted
from clearhouse.psp.sepa.reasons import DUPLICATE, reason

_STATEMENTS: Final = ("BkToCstmrDbtCdtNtfctn/Ntfctn", "BkToCstmrStmt/Stmt", "BkToCstmrAcctRpt/Rpt")
_NOT_PROVIDED: Final = frozenset({"", "NOTPROVIDED", "NOT PROVIDED"})


def read(data: bytes, name: str, debtor_iban: str, keys_of: KeysOf) -> list[PayoutNews]:
    """A document's news; none for one that says nothing of payouts.

    Raises HalfWritten for one that is cut off, and WrongDocument for one that is not ours.
    """
    root = parse(data)
    report = root.find("CstmrPmtStsRpt")
    returns = root.find("PmtRtr")
    try:
        if report is not None:
            return list(_statuses(report, name, keys_of))
        if returns is not None:
            return list(_returns(returns, name))
        blocks = [block for path in _STATEMENTS for block in every(root, path)]
        if blocks:
            return [news for block in blocks for news in _entries(block, name, debtor_iban)]
    except (MoneyError, ValueError) as error:
        raise WrongDocument(f"it does not say what its standard says it would ({error})") from None
    raise WrongDocument("it is none of pain.002, camt.052, camt.053, camt.054 and pacs.004")


def _statuses(report: Element, name: str, keys_of: KeysOf) -> Iterator[PayoutNews]:
    group = report.find("OrgnlGrpInfAndSts")
    message = text(group, "OrgnlMsgId")
    keys = dict.fromkeys(keys_of(message))
    if not keys:
        raise WrongDocument(f"it answers a file that was never sent from here ({message[:35]!r})")
    told: dict[str, PayoutOutcome] = {}
    whole = _status(group, "GrpSts", message)
    if isinstance(whole, Failed | Unknown):
        told = dict.fromkeys(keys, whole)
    for block in every(report, "OrgnlPmtInfAndSts"):
        of_block = _status(block, "PmtInfSts", message)
        if isinstance(of_block, Failed | Unknown):
            # There is one block in our files, so it speaks of all of them.
            told = dict.fromkeys(keys, of_block)
        for transfer in every(block, "TxInfAndSts"):
            outcome = _status(transfer, "TxSts", text(transfer, "AcctSvcrRef") or message)
            key = text(transfer, "OrgnlEndToEndId")
            if outcome is not None and key in keys:
                told[key] = outcome
    if not told and whole is not None:
        told = dict.fromkeys(keys, whole)
    for key, outcome in told.items():
        yield PayoutNews(key, outcome, name)


def _status(element: Element | None, path: str, reference: str) -> PayoutOutcome | None:
    status = text(element, path)
    if not status or status == "PART":
        return None
    if status not in {"RJCT", "CANC"}:
        return Submitted(reference)
    code = _code(element, "StsRsnInf/Rsn")
    if code in DUPLICATE:
        return Unknown(f"The bank takes it for a repetition ({code}); the first may have been paid")
    return Failed(reason(code), code or status)


def _returns(returns: Element, name: str) -> Iterator[PayoutNews]:
    created = _moment(returns, ("GrpHdr/IntrBkSttlmDt", "GrpHdr/CreDtTm"))
    for transfer in every(returns, "TxInf"):
        key = text(transfer, "OrgnlEndToEndId")
        if key in _NOT_PROVIDED:
            continue
        code = _code(transfer, "RtrRsnInf/Rsn")
        at = _moment(transfer, ("IntrBkSttlmDt",)) or created
        if at is None:
            raise WrongDocument("a return in it has no date")
        amount = _amount(transfer.find("RtrdIntrBkSttlmAmt"))
        yield PayoutNews(key, Returned(reason(code), code, at), name, amount)


def _entries(block: Element, name: str, debtor_iban: str) -> Iterator[PayoutNews]:
    account = text(block, "Acct/Id/IBAN").replace(" ", "")
    if account and account != debtor_iban:
        raise WrongDocument("it is about another account")
    for entry in every(block, "Ntry"):
        status = text(entry, "Sts/Cd") or text(entry, "Sts")
        if status != "BOOK":
            continue
        at = _moment(entry, ("BookgDt/DtTm", "BookgDt/Dt", "ValDt/DtTm", "ValDt/Dt"))
        details = list(every(entry, "NtryDtls/TxDtls"))
        for detail in details:
            key = text(detail, "Refs/EndToEndId")
            if key in _NOT_PROVIDED:
                continue
            if at is None:
                raise WrongDocument("an entry in it has no date")
            element = detail.find("Amt")
            if element is None:
                element = detail.find("AmtDtls/TxAmt/Amt")
            if element is None and len(details) == 1:
                element = entry.find("Amt")
            outcome = _booked(entry, detail, at)
            yield PayoutNews(key, outcome, name, _amount(element))


def _booked(entry: Element, detail: Element, at: datetime) -> PayoutOutcome:
    side = text(detail, "CdtDbtInd") or text(entry, "CdtDbtInd")
    reference = text(detail, "Refs/AcctSvcrRef") or text(entry, "AcctSvcrRef") or "booked"
    returned = detail.find("RtrInf") is not None
    if side == "DBIT" and not returned:
        return PaidOut(reference, at)
    if side != "CRDT":
        raise WrongDocument(f"an entry in it is neither a debit nor a return ({side!r})")
    # With our key on it, a credit is money that comes back, whether its reason is told or not.
    code = _code(detail, "RtrInf/Rsn")
    return Returned(reason(code), code, at)


def _code(element: Element | None, path: str) -> str:
    return text(element, f"{path}/Cd") or text(element, f"{path}/Prtry")


def _moment(element: Element, paths: Sequence[str]) -> datetime | None:
    for path in paths:
        found = text(element, path)
        if found:
            moment = datetime.fromisoformat(found)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def _amount(element: Element | None) -> Money | None:
    if element is None or not element.text:
        return None
    attributes: Mapping[str, str] = element.attrib
    currency = attributes.get("Ccy", "")
    # Banks write one decimal less, or zeros more, than the currency has.
    whole, _, fraction = element.text.strip().partition(".")
    fraction = fraction.rstrip("0")
    decimal = f"{whole}.{fraction}" if fraction else whole
    return Money(parse_minor(decimal, currency), currency)
