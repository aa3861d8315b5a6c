"""The SEPA rail: what its files say, and what is read in a bank's answers."""

from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.psp.rails.files import DAY, DEBTOR, SEPA, taken_out

from clearhouse.kernel.money import Money
from clearhouse.psp.banks.inbox import HalfWritten, WrongDocument
from clearhouse.psp.banks.letters import plain
from clearhouse.psp.banks.numbers import is_iban
from clearhouse.psp.contract import Unknown
from clearhouse.psp.rails import Failed, FailureReason, PaidOut, PayoutNews, Returned, Submitted
from clearhouse.psp.sepa import answers

R = FailureReason
KEYS = [SEPA.instruction(number).key for number in range(3)]
AT = datetime(2026, 11, 26, tzinfo=UTC)


def keys_of(batch_id: str) -> list[str]:
    return KEYS if batch_id == "batch-1" else []


def status_report(
    group: str, *transfers: str, version: str = "10", message: str = "batch-1"
) -> str:
    return (
        '<?xml version="1.0"?>'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version}">'
        f"<CstmrPmtStsRpt><OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId>{group}"
        f"</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts>{''.join(transfers)}</OrgnlPmtInfAndSts>"
        "</CstmrPmtStsRpt></Document>"
    )


def transfer(key: str, status: str, code: str = "") -> str:
    reason = f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>" if code else ""
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{key}</OrgnlEndToEndId><TxSts>{status}</TxSts>{reason}"
        "</TxInfAndSts>"
    )


def statement(*entries: str, root: str = "BkToCstmrStmt/Stmt", iban: str = DEBTOR) -> str:
    outer, inner = root.split("/")
    return (
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><{outer}><{inner}>'
        f"<Acct><Id><IBAN>{iban}</IBAN></Id></Acct>{''.join(entries)}</{inner}></{outer}></Document>"
    )


def entry(key: str, side: str, more: str = "", status: str = "<Cd>BOOK</Cd>") -> str:
    return (
        f'<Ntry><Amt Ccy="EUR">123.45</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts>{status}</Sts>'
        f"<BookgDt><Dt>2026-11-26</Dt></BookgDt><AcctSvcrRef>B1</AcctSvcrRef><NtryDtls><TxDtls>"
        f"<Refs><EndToEndId>{key}</EndToEndId></Refs>{more}</TxDtls></NtryDtls></Ntry>"
    )


RETURN = "<RtrInf><Rsn><Cd>{}</Cd></Rsn></RtrInf>"
EUR = Money(12_345, "EUR")


@pytest.mark.parametrize(
    ("document", "outcomes"),
    [
        (status_report("<GrpSts>ACCP</GrpSts>"), [Submitted("batch-1")] * 3),
        (
            status_report("<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>FF01</Cd></Rsn></StsRsnInf>"),
            [Failed(R.REJECTED_BY_RAIL, "FF01")] * 3,
        ),
        (
            status_report(
                "<GrpSts>PART</GrpSts>",
                transfer(KEYS[0], "ACCP"),
                transfer(KEYS[1], "RJCT", "AC04"),
            ),
            [Submitted("batch-1"), Failed(R.ACCOUNT_CLOSED, "AC04")],
        ),
        (
            status_report("<GrpSts>PART</GrpSts>", transfer(KEYS[2], "RJCT", "ZZ99"), version="03"),
            [Failed(R.OTHER, "ZZ99")],
        ),
        (status_report("", transfer("not-ours", "RJCT", "AC01")), []),
        (statement(entry(KEYS[0], "DBIT")), [PaidOut("B1", AT)]),
        (statement(entry(KEYS[0], "DBIT", status="BOOK")), [PaidOut("B1", AT)]),
        (statement(entry(KEYS[0], "DBIT", status="<Cd>PDNG</Cd>")), []),
        (
            statement(entry(KEYS[0], "DBIT"), root="BkToCstmrDbtCdtNtfctn/Ntfctn"),
            [PaidOut("B1", AT)],
        ),
        (
            statement(entry(KEYS[0], "CRDT", RETURN.format("MD07"))),
            [Returned(R.REGULATORY, "MD07", AT)],
        ),
        (
            statement(entry(KEYS[0], "CRDT", RETURN.format("AC04"))),
            [Returned(R.ACCOUNT_CLOSED, "AC04", AT)],
        ),
        (statement(entry(KEYS[0], "CRDT")), [Returned(R.OTHER, "", AT)]),
        (statement(entry("NOTPROVIDED", "DBIT")), []),
        (statement(), []),
    ],
)
def test_what_documents_say(document: str, outcomes: list[object]) -> None:
    found = answers.read(document.encode(), "answer.xml", DEBTOR, keys_of)
    assert [news.outcome for news in found] == outcomes
    assert all(news.amount in {None, EUR} and news.source == "answer.xml" for news in found)


@pytest.mark.parametrize("code", ["AM05", "DUPL"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_duplicate_says_nothing_of_the_first_so_nobody_is_told_that_it_failed(
    code: str, whole: bool
) -> None:
    group = f"<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>"
    of_all, of_one = status_report(group), status_report("", transfer(KEYS[0], "RJCT", code))
    found = answers.read((of_all if whole else of_one).encode(), "a.xml", DEBTOR, keys_of)
    assert found
    assert all(isinstance(news.outcome, Unknown) for news in found)


def test_a_return_by_pacs004() -> None:
    document = (
        "<Document><PmtRtr><GrpHdr><CreDtTm>2026-11-30T10:00:00+01:00</CreDtTm></GrpHdr><TxInf>"
        f"<OrgnlEndToEndId>{KEYS[0]}</OrgnlEndToEndId>"
        '<RtrdIntrBkSttlmAmt Ccy="EUR">123.450</RtrdIntrBkSttlmAmt>'
        "<RtrRsnInf><Rsn><Cd>AC06</Cd></Rsn></RtrRsnInf></TxInf></PmtRtr></Document>"
    )
    at = datetime(2026, 11, 30, 9, tzinfo=UTC)
    assert answers.read(document.encode(), "r.xml", DEBTOR, keys_of) == [
        PayoutNews(KEYS[0], Returned(R.ACCOUNT_BLOCKED, "AC06", at), "r.xml", EUR)
    ]


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (status_report("<GrpSts>ACCP</GrpSts>", message="somebody-elses"), WrongDocument),
        (statement(entry(KEYS[0], "DBIT"), iban="NL91ABNA0417164300"), WrongDocument),
        (statement(entry(KEYS[0], "SIDEWAYS")), WrongDocument),
        (statement(entry(KEYS[0], "DBIT").replace("123.45", "1,2")), WrongDocument),
        (statement(entry(KEYS[0], "DBIT").replace("2026-11-26", "soon")), WrongDocument),
        ("<Document><a></b></Document>", WrongDocument),
        ("<a>" * 100, WrongDocument),
        (statement(entry(KEYS[0], "DBIT"))[:-20], HalfWritten),
        ("<?xml version='1.0'?>", HalfWritten),
        ("", HalfWritten),
    ],
)
def test_what_is_no_document_for_us(document: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        answers.read(document.encode(), "a.xml", DEBTOR, keys_of)


async def test_a_file_says_what_the_batch_says(tmp_path: Path) -> None:
    batch = SEPA.batch()
    await SEPA.rail(tmp_path).submit(batch)
    (data,) = taken_out(tmp_path).values()
    root = ET.fromstring(data)
    ns = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}

    def all_of(path: str) -> list[str | None]:
        return [found.text for found in root.findall(f".//p:{path}", ns)]

    assert all_of("MsgId") == [batch.batch_id]
    assert all_of("EndToEndId") == [each.key for each in batch.instructions]
    assert all_of("InstdAmt") == ["123.45", "123.46", "123.47"]
    assert all_of("CtrlSum") == ["370.38", "370.38"]
    assert all_of("NbOfTxs") == ["3", "3"]
    assert all_of("ReqdExctnDt/p:Dt") == [DAY.isoformat()]
    assert all_of("Cdtr/p:Nm") == ["Societe OEuvre", "Lukasz .Ltd. + Co", "A" * 70]
    assert b"Tochter" in data


async def test_news_come_again_until_they_are_stored_and_then_never(tmp_path: Path) -> None:
    rail, batch = SEPA.rail(tmp_path), SEPA.batch(batch_id="batch-1")
    await rail.submit(batch)
    document = statement(entry(KEYS[0], "DBIT")).encode()
    (tmp_path / "in" / "a.xml").write_bytes(document)
    news, cursor = await rail.news(None)
    assert [each.key for each in news] == [KEYS[0]]
    # The process died before it stored them, and another one takes over.
    assert await SEPA.rail(tmp_path).news(None) == (news, cursor)
    assert await rail.news(cursor) == ([], cursor)
    assert list((tmp_path / "in").iterdir()) == []
    # The bank delivers the very same document once more, under another name.
    (tmp_path / "in" / "b.xml").write_bytes(document)
    assert await rail.news(cursor) == ([], cursor)
    assert await rail.news(None) == ([], None)
    assert [path.read_bytes() for path in (tmp_path / "read").iterdir()] == [document]


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ("Müller & Söhne", "Muller + Sohne"),
        ("//a//b//", "a/b"),
        ("日本", ".."),
        ("  ", "."),
        ("ß", "ss"),
    ],
)
def test_names_in_the_letters_of_banks(text: str, spelt: str) -> None:
    assert plain(text, 70) == spelt


def test_the_check_digits_of_an_iban() -> None:
    assert is_iban(DEBTOR)
    assert not any(is_iban(DEBTOR[:n] + "1" + DEBTOR[n + 1 :]) for n in (3, 5, 8))
    wrong = ("", "DE", DEBTOR.lower(), f" {DEBTOR}", "DE89 3704 0044 0532 0130 00")
    assert not any(map(is_iban, wrong))
