"""Bank statements in three formats: the same day says the same, and wrong files are told."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp.banks import camt053, csv_statements, mt940
from clearhouse.psp.banks.statements import Balance, BankLine, Said, StatementReader
from clearhouse.psp.settlements import Trouble, TroubleKind
from clearhouse.sandbox.bank import statements, writing
from clearhouse.sandbox.bank.writing import Entry

T = TroubleKind
ACCOUNT = "DE89370400440532013000"
DAY = datetime(2026, 11, 21, 6, tzinfo=UTC)
OPENING = 100_000_00
MAPPING = csv_statements.Columns.parse(
    "booked_on=booked_on, value_on=value_on, account=account, amount=amount, currency=currency,"
    " reference=reference, text=text, key=bank_id, balance=balance"
)
READERS: dict[str, StatementReader] = {
    "camt": camt053.read_statement,
    "mt940": mt940.read_statement,
    "csv": csv_statements.reader(MAPPING),
}
Write = Callable[..., bytes]
WRITERS: dict[str, Write] = {
    "camt": writing.statement,
    "mt940": statements.mt940,
    "csv": lambda entries, opening, _account, _currency, _at, off=0: statements.as_csv(
        entries, opening, off
    ),
}


def entry(number: int, minor: int, key: str = "", text: str = "", currency: str = "EUR") -> Entry:
    return Entry(number, ACCOUNT, minor, currency, DAY, key, text)


ENTRIES = [
    entry(1, 18_82, "LO5XHXPOBWMM3EGIF", "SQUARE INC LEUR"),
    entry(2, -50_00, "payout-1", "A seller"),
    entry(3, 5, "", "STRIPE TRANSFER"),
]


def write(form: str, entries: list[Entry], off: int = 0) -> bytes:
    return WRITERS[form](entries, OPENING, ACCOUNT, entries[0].currency, DAY, off)


def read(reader: StatementReader, content: bytes, size: int = 1 << 16) -> list[Said]:
    def pieces() -> Iterator[bytes]:
        yield from (content[at : at + size] for at in range(0, len(content), size))

    return list(reader(pieces()))


def lines(said: list[Said]) -> list[BankLine]:
    return [one for one in said if isinstance(one, BankLine)]


def troubles(said: list[Said]) -> list[TroubleKind]:
    return [one.kind for one in said if isinstance(one, Trouble)]


@pytest.mark.parametrize("form", READERS)
def test_a_day_is_read_whole(form: str) -> None:
    said = read(READERS[form], write(form, ENTRIES))
    assert troubles(said) == []
    told = [(one.key, one.amount_minor, one.reference, one.text) for one in lines(said)]
    assert told == [
        ("BANK000000000001", 18_82, "LO5XHXPOBWMM3EGIF", "SQUARE INC LEUR"),
        ("BANK000000000002", -50_00, "payout-1", "A seller"),
        ("BANK000000000003", 5, "", "STRIPE TRANSFER"),
    ]
    assert {(one.account, one.currency, one.booked_on) for one in lines(said)} == {
        (ACCOUNT, "EUR", date(2026, 11, 21))
    }
    closing = OPENING + 18_82 - 50_00 + 5
    assert said[-1] == Balance(ACCOUNT, "EUR", date(2026, 11, 21), OPENING, closing)


@pytest.mark.parametrize("form", READERS)
@given(size=st.integers(1, 60), amounts=st.lists(st.integers(-(10**9), 10**9), min_size=1))
def test_pieces_of_any_size_say_the_same(form: str, size: int, amounts: list[int]) -> None:
    made = [entry(n, minor, f"key-{n}", "Überweisung") for n, minor in enumerate(amounts, 1)]
    content = write(form, made)
    said = read(READERS[form], content, size)
    assert said == read(READERS[form], content)
    assert troubles(said) == []
    assert [one.amount_minor for one in lines(said)] == amounts


@pytest.mark.parametrize("currency", ["JPY", "KWD", "USD"])
@pytest.mark.parametrize("form", READERS)
def test_currencies_have_their_own_decimals(form: str, currency: str) -> None:
    said = read(READERS[form], write(form, [entry(1, 12_345, currency=currency)]))
    [line] = lines(said)
    assert (line.amount_minor, line.currency, troubles(said)) == (12_345, currency, [])


@pytest.mark.parametrize("form", READERS)
def test_a_balance_that_is_not_the_sum_is_told(form: str) -> None:
    said = read(READERS[form], write(form, ENTRIES, 1_00))
    assert (len(lines(said)), troubles(said)) == (3, [T.WRONG_TOTAL])


@pytest.mark.parametrize("form", READERS)
def test_a_file_that_is_cut_off_is_told(form: str) -> None:
    content = write(form, ENTRIES)
    for end in range(len(content) - 40, len(content) - 4):
        said = read(READERS[form], content[:end])
        assert T.CUT_OFF in troubles(said), (end, said)


# fmt: off
HEAD = b":20:S\r\n:25:123\r\n:60F:C261121EUR1,00\r\n"
WRONG = [
    # format   content                                                 what is wrong
    ("camt",  b"",                                                     T.CUT_OFF),
    ("camt",  b"no xml",                                               T.NOT_THIS_REPORT),
    ("camt",  b"<Document><BkToCstmrDbtCdtNtfctn/></Document>",        T.NOT_THIS_REPORT),
    ("camt",  b'<!DOCTYPE a [<!ENTITY b "c">]><Document/>',            T.NOT_THIS_REPORT),
    ("camt",  b'<?xml version="1.0" encoding="odd"?><Document/>',      T.WRONG_ENCODING),
    ("camt",  write("camt", ENTRIES).replace(b">18.82<", b">ten<"),    T.UNREADABLE_LINE),
    ("camt",  write("camt", ENTRIES).replace(b">18.82<", b">1.001<"),  T.UNREADABLE_LINE),
    ("mt940", b"",                                                     T.NOT_THIS_REPORT),
    ("mt940", b"booked,amount\n1,2\n",                                 T.NOT_THIS_REPORT),
    ("mt940", write("mt940", ENTRIES).decode().encode("utf-16"),       T.WRONG_ENCODING),
    ("mt940", HEAD + b":61:2611211121X1,00NTRFA\r\n:62F:C261121EUR1,00\r\n-\r\n",
                                                                       T.UNREADABLE_LINE),
    ("mt940", HEAD + b":61:2613211121C1,00NTRFA\r\n:62F:C261121EUR1,00\r\n-\r\n",
                                                                       T.UNREADABLE_LINE),
    ("csv",   b"",                                                     T.NOT_THIS_REPORT),
    ("csv",   b"date,sum\n",                                           T.NOT_THIS_REPORT),
    ("csv",   write("csv", ENTRIES).decode().encode("utf-16"),         T.WRONG_ENCODING),
    ("csv",   write("csv", ENTRIES).replace(b"18.82", b"ten"),         T.UNREADABLE_LINE),
    ("csv",   write("csv", ENTRIES).replace(b"2026-11-21", b"21.11."), T.UNREADABLE_LINE),
]
AMOUNTS = [
    # written      decimals   minor
    ("1.234,56",   "comma",   1_234_56),
    ("-1.234,56",  "comma",  -1_234_56),
    ("1.234,56-",  "comma",  -1_234_56),
    ("1 234,5",    "comma",   1_234_50),
    ("1,234.56",   "point",   1_234_56),
    ("1'234.56",   "point",   1_234_56),
    ("\u221212.00", "point", -12_00),
    ("+7",         "point",   7_00),
]
MAPPINGS = [
    "amount=Betrag, currency=EUR",
    "booked_on=Tag, currency=EUR",
    "booked_on=Tag, amount=Betrag",
    "booked_on=Tag, amount=Betrag, currency=EUR, colour=red",
    "booked_on=Tag, amount=Betrag, currency=EUR, delimiter=x",
    "booked_on=Tag, amount=Betrag, currency=EUR, encoding=nonsense",
    "booked_on=Tag, amount, currency=EUR",
]
# fmt: on


@pytest.mark.parametrize(("form", "content", "kind"), WRONG)
def test_what_is_wrong_is_told(form: str, content: bytes, kind: TroubleKind) -> None:
    said = read(READERS[form], content)
    assert kind in troubles(said)
    assert all(one.text.endswith(".") for one in said if isinstance(one, Trouble))


def test_a_batch_is_told_as_its_transactions() -> None:
    details = (
        b"<TxDtls><Refs><EndToEndId>a</EndToEndId></Refs><Amt Ccy='EUR'>8.82</Amt></TxDtls>"
        b"<TxDtls><Refs><EndToEndId>b</EndToEndId></Refs><Amt Ccy='EUR'>10.00</Amt></TxDtls>"
    )
    whole = write("camt", ENTRIES[:1])
    start, end = whole.index(b"<TxDtls>"), whole.index(b"</NtryDtls>")
    told = lines(read(READERS["camt"], whole[:start] + details + whole[end:]))
    assert [(one.key[-2:], one.reference, one.amount_minor) for one in told] == [
        ("/1", "a", 8_82),
        ("/2", "b", 10_00),
    ]
    odd = details.replace(b"8.82", b"8.83")
    [one] = lines(read(READERS["camt"], whole[:start] + odd + whole[end:]))
    assert one.amount_minor == 18_82


def test_equal_lines_without_a_bank_reference_stay_two_and_keep_their_keys() -> None:
    content = write("csv", [entry(1, 5_00), entry(2, 5_00), entry(3, 6_00)])
    mapping = "booked_on=booked_on, amount=amount, currency=EUR, account=account"
    reader = csv_statements.reader(csv_statements.Columns.parse(mapping))
    keys = [one.key for one in lines(read(reader, content))]
    assert len(set(keys)) == 3
    shorter = b"\n".join(content.split(b"\n")[:3]) + b"\n"
    assert [one.key for one in lines(read(reader, shorter))] == keys[:2]


def test_mt940_as_german_banks_write_it() -> None:
    content = (
        ":20:S\r\n:25:37040044/0532013000\r\n:28C:1/1\r\n:60F:C261231EUR10,00\r\n"
        ":61:2701021231RD2,50NMSCNONREF\r\n"
        ":86:166?00GUTSCHRIFT?20EREF+L123?21SVWZ+Zahlung fü?22r den 21.?32Square In?33c\r\n"
        ":62F:C270102EUR12,50\r\n-\r\n"
    ).encode("latin-1")
    said = read(READERS["mt940"], content)
    [line] = lines(said)
    assert (line.amount_minor, line.reference, line.counterparty) == (2_50, "L123", "Square Inc")
    assert (line.text, line.account) == ("Zahlung für den 21.", "0532013000")
    assert (line.booked_on, line.value_on) == (date(2026, 12, 31), date(2027, 1, 2))
    assert troubles(said) == []


@pytest.mark.parametrize(("written", "decimals", "minor"), AMOUNTS)
def test_amounts_as_banks_write_them(written: str, decimals: str, minor: int) -> None:
    mapping = (
        f"booked_on=Tag, amount=Betrag, currency=EUR, delimiter=semicolon, decimals={decimals}"
    )
    reader = csv_statements.reader(csv_statements.Columns.parse(mapping))
    [line] = lines(read(reader, f"Tag;Betrag\n2026-11-21;{written}\n".encode()))
    assert line.amount_minor == minor


def test_csv_backwards_in_time_with_credit_and_debit_in_latin_1() -> None:
    mapping = (
        "booked_on=Tag, credit=Haben, debit=Soll, currency=EUR, balance=Saldo, text=Für,"
        " dates=%d.%m.%Y, encoding=latin-1, delimiter=semicolon, decimals=comma"
    )
    reader = csv_statements.reader(csv_statements.Columns.parse(mapping))
    rows = "Tag;Haben;Soll;Saldo;Für\n22.11.2026;;5,00;15,00;Ö\n21.11.2026;20,00;;20,00;\n"
    said = read(reader, rows.encode("latin-1"))
    assert [one.amount_minor for one in lines(said)] == [-5_00, 20_00]
    assert said[-1] == Balance("", "EUR", date(2026, 11, 22), 0, 15_00)


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_mapping_that_cannot_be_used_is_refused(mapping: str) -> None:
    with pytest.raises(ConfigurationError, match="mapping of CSV"):
        csv_statements.Columns.parse(mapping)
