"""The PSPs' settlement reports, read: each kind of line, and each way a file can be wrong."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearhouse.psp.braintree import reports as braintree
from clearhouse.psp.csv_reports import report_minor, report_time
from clearhouse.psp.settlements import LineKind, SettlementLine, Trouble, TroubleKind
from clearhouse.psp.square import reports as square
from clearhouse.psp.stripe import reports as stripe

Reader = Callable[[Iterable[bytes]], Iterator[SettlementLine | Trouble]]

STRIPE_HEADER = ",".join((*stripe.COLUMNS, *stripe.OPTIONAL))
BRAINTREE_HEADER = ",".join((*braintree.COLUMNS, *braintree.OPTIONAL))
NOON = "2026-11-21T12:00:00+00:00"


def stripe_csv(*rows: str) -> bytes:
    return ("\n".join((STRIPE_HEADER, *rows)) + "\n").encode()


def braintree_csv(*rows: str) -> bytes:
    return ("\n".join((BRAINTREE_HEADER, *rows)) + "\n").encode()


def square_lines(*records: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def read(reader: Reader, content: bytes, size: int = 1 << 16) -> list[SettlementLine | Trouble]:
    return list(reader(content[at : at + size] for at in range(0, len(content), size)))


def entry(**changes: Any) -> dict[str, Any]:
    fields = {
        "id": "poe_1",
        "payout_id": "po_1",
        "effective_at": "2026-11-21T12:00:00Z",
        "type": "CHARGE",
        "gross_amount_money": {"amount": 1000, "currency": "USD"},
        "fee_amount_money": {"amount": 59, "currency_code": "USD"},
        "type_charge_details": {"payment_id": "pay_1"},
    }
    return {"entry": fields | changes}


PAYOUT: dict[str, Any] = {
    "payout": {
        "id": "po_1",
        "created_at": "2026-11-21T12:00:00Z",
        "amount_money": {"amount": 941, "currency": "USD"},
    }
}


def stripe_row(words: str) -> str:
    """A line of Stripe's from its category, currency, gross, fee, net, source and intent."""
    category, currency, gross, fee, net, source, intent = words.split(" ")
    amounts = f"{currency},{gross},{fee},{net}"
    return f"txn_1,2026-11-21 12:00:00,{amounts},{category},{source},{intent},po_1,ord-1,4242"


# fmt: off
K = LineKind
STRIPE = [
    # category currency gross fee net source intent  kind                leads to     gross fee
    ("charge usd 10.00 0.59 9.41 ch_1 pi_1",         K.CHARGE,           "pi_1",       1000,   59),
    ("refund usd -4.00 0.00 -4.00 re_1 pi_1",        K.REFUND,           "re_1 pi_1",  -400,    0),
    ("refund_failure usd 4.00 0 4.00 re_1 pi_1",     K.REFUND_REVERSAL,  "re_1 pi_1",   400,    0),
    ("dispute usd -10.00 15.00 -25.00 dp_1 pi_1",    K.DISPUTE,          "dp_1 pi_1", -1000, 1500),
    ("dispute_reversal usd 10.00 0 10.00 dp_1 pi_1", K.DISPUTE_REVERSAL, "dp_1 pi_1",  1000,    0),
    ("payout usd -941.00 0.00 -941.00 po_1 ",        K.PAYOUT,           "po_1",     -94100,    0),
    ("charge jpy 1000.00 36 964.00 ch_2 pi_2",       K.CHARGE,           "pi_2",       1000,   36),
    ("charge kwd 1.234 0.004 1.230 ch_3 ",           K.CHARGE,           "ch_3",       1234,    4),
    ("network_cost usd 0.00 0.10 -0.10 fee_1 ",      K.FEE,              "fee_1",         0,   10),
    ("contribution usd -0.10 0 -0.10 cx_1 ",         K.OTHER,            "cx_1",        -10,    0),
]
BRAINTREE = [
    # row                                                    kind      leads to  gross fee paid out
    ("m,tx1,sale,USD,10.00,2026-11-21,,2026-11-23,o,0.59,,", K.CHARGE, "tx1",     1000, 59, "23"),
    ("m,tx2,credit,USD,4.00,2026-11-21,tx1,2026-11-23,,,,",  K.REFUND, "tx2 tx1", -400,  0, "23"),
    ("m,tx3,credit,USD,-4.00,2026-11-21,tx1,,,,0.07,",       K.REFUND, "tx3 tx1", -400,  7, ""),
    ("m,tx4,verification,USD,0,2026-11-21,,,,,,",            K.OTHER,  "tx4",        0,  0, ""),
]
REFUND = {"type": "REFUND", "type_refund_details": {"payment_id": "pay_1", "refund_id": "ref_1"}}
OPENED = {
    "type": "OPEN_DISPUTE", "gross_amount_money": {"amount": -1000, "currency": "USD"},
    "type_open_dispute_details": {"payment_id": "pay_1", "dispute_id": "dis_1"},
}
CLOSED = {"type": "DISPUTE", "type_dispute_details": {"payment_id": "pay_1", "dispute_id": "dis_1"}}
SQUARE = [
    # changes                            kind                reference charge
    ({},                                 K.CHARGE,           "pay_1",  ""),
    (REFUND,                             K.REFUND,           "ref_1",  "pay_1"),
    (OPENED,                             K.DISPUTE,          "dis_1",  "pay_1"),
    (CLOSED,                             K.DISPUTE_REVERSAL, "dis_1",  "pay_1"),
    ({"type": "SQUARE_CAPITAL_PAYMENT"}, K.OTHER,            "",       ""),
]
GOOD = "txn_1,2026-11-21 12:00:00,usd,10.00,0.59,9.41,charge,ch_1,pi_1,po_1,ord-1,4242"
HALF = {"amount": 1.5, "currency": "USD"}
NOWHERE = {"amount": 1, "currency": "XXQ"}
T = TroubleKind
S, B, Q = stripe.read_report, braintree.read_report, square.read_report
WRONG = [
    # content                                                    what is wrong      line
    (S, b"",                                                     T.NOT_THIS_REPORT, 0),
    (S, b"a,b\n1,2\n",                                           T.NOT_THIS_REPORT, 0),
    (S, stripe_csv(GOOD).decode().encode("utf-16"),              T.WRONG_ENCODING,  0),
    (S, stripe_csv(GOOD) + b"txn_2\xff,,,,\n",                   T.WRONG_ENCODING,  3),
    (S, stripe_csv(GOOD, GOOD)[:-20],                            T.CUT_OFF,         3),
    (S, stripe_csv(GOOD.replace("9.41", "9.42")),                T.UNREADABLE_LINE, 2),
    (S, stripe_csv(GOOD.replace("10.00", "ten")),                T.UNREADABLE_LINE, 2),
    (S, stripe_csv(GOOD.replace("10.00", "10.001")),             T.UNREADABLE_LINE, 2),
    (S, stripe_csv(GOOD.replace("usd", "xxq")),                  T.UNREADABLE_LINE, 2),
    (S, stripe_csv(GOOD.replace("2026-11-21", "2026-13-21")),    T.UNREADABLE_LINE, 2),
    (S, stripe_csv(GOOD.replace("txn_1", "")),                   T.UNREADABLE_LINE, 2),
    (S, stripe_csv(GOOD + ",more"),                              T.UNREADABLE_LINE, 2),
    (S, stripe_csv(GOOD.replace("ch_1", '"ch_1')),               T.UNREADABLE_LINE, 2),
    (B, b"Transaction ID\nx\n",                                  T.NOT_THIS_REPORT, 0),
    (B, braintree_csv("main,tx1,sale,USD,?,2026-11-21,,,,,,"),   T.UNREADABLE_LINE, 2),
    (B, braintree_csv("main,tx1,sale,USD,1,21.11.2026,,,,,,"),   T.UNREADABLE_LINE, 2),
    (Q, b"",                                                     T.NOT_THIS_REPORT, 0),
    (Q, square_lines(PAYOUT, entry())[:-9],                      T.UNREADABLE_LINE, 2),
    (Q, square_lines(PAYOUT, entry()),                           T.CUT_OFF,         2),
    (Q, square_lines(entry(gross_amount_money=HALF)),            T.UNREADABLE_LINE, 1),
    (Q, square_lines(entry(gross_amount_money=NOWHERE)),         T.UNREADABLE_LINE, 1),
]
TIMES = [
    ("2026-11-21",                "2026-11-21T00:00:00+00:00"),
    ("2026-11-21 12:00:00",       NOON),
    ("2026-11-21T14:00:00+02:00", NOON),
    ("2026-11-21T12:00:00Z",      NOON),
]
# fmt: on


@pytest.mark.parametrize(("words", "kind", "leads_to", "gross", "fee"), STRIPE)
def test_stripes_lines(words: str, kind: LineKind, leads_to: str, gross: int, fee: int) -> None:
    [line] = read(stripe.read_report, stripe_csv(stripe_row(words)))
    assert isinstance(line, SettlementLine)
    assert (line.kind, f"{line.reference} {line.charge_reference}".strip()) == (kind, leads_to)
    assert (line.gross_minor, line.fee_minor, line.net_minor) == (gross, fee, gross - fee)
    assert (line.key, line.occurred_at, line.order_hint) == ("txn_1", NOON, "ord-1")


@pytest.mark.parametrize(("row", "kind", "leads_to", "gross", "fee", "paid"), BRAINTREE)
def test_braintrees_lines(
    row: str, kind: LineKind, leads_to: str, gross: int, fee: int, paid: str
) -> None:
    [line] = read(braintree.read_report, braintree_csv(row))
    assert isinstance(line, SettlementLine)
    assert (line.kind, f"{line.reference} {line.charge_reference}".strip()) == (kind, leads_to)
    assert (line.gross_minor, line.fee_minor) == (gross, fee)
    assert line.settlement == (f"m:2026-11-{paid}" if paid else "")


@pytest.mark.parametrize(("changes", "kind", "reference", "charge"), SQUARE)
def test_squares_entries(
    changes: dict[str, Any], kind: LineKind, reference: str, charge: str
) -> None:
    [payout, line, *_] = read(square.read_report, square_lines(PAYOUT, entry(**changes)))
    assert isinstance(payout, SettlementLine)
    assert isinstance(line, SettlementLine)
    assert (payout.kind, payout.gross_minor) == (LineKind.PAYOUT, -941)
    assert (line.kind, line.reference, line.charge_reference) == (kind, reference, charge)
    assert (line.fee_minor, line.settlement, line.currency) == (59, "po_1", "USD")


def test_squares_total_is_the_sum_of_its_entries() -> None:
    right, wrong = ({"end": {"entries": count, "net_minor": 941}} for count in (1, 2))
    assert len(read(square.read_report, square_lines(PAYOUT, entry(), right))) == 2
    told = read(square.read_report, square_lines(PAYOUT, entry(), wrong))
    assert [one.kind for one in told if isinstance(one, Trouble)] == [TroubleKind.WRONG_TOTAL]


@pytest.mark.parametrize(("reader", "content", "kind", "line"), WRONG)
def test_what_is_wrong_is_told_with_its_line(
    reader: Reader, content: bytes, kind: TroubleKind, line: int
) -> None:
    troubles = [one for one in read(reader, content) if isinstance(one, Trouble)]
    assert (troubles[0].kind, troubles[0].line) == (kind, line)
    assert troubles[0].text.endswith(".")


def test_a_line_that_is_wrong_harms_no_neighbour() -> None:
    content = stripe_csv(GOOD, "rubbish", GOOD.replace("txn_1", "txn_2"))
    lines = read(stripe.read_report, content)
    assert [getattr(one, "key", None) for one in lines] == ["txn_1", None, "txn_2"]


# fmt: off
FIELDS = (
    ["txn_1", "txn_2", ""],                      ["2026-11-21 12:00:00", "2026-11-21", "noon"],
    ["usd", "eur", "jpy", "xxq"],                ["10.00", "-10.00", "1", "1.2.34", "5-.00", "-"],
    ["0.59", "", "-.59", "0.590"],               ["9.41", "10.00", "-10.59", "ten"],
    ["charge", "refund", "payout", "charge_failure", "contribution"],
    ["ch_1", "ch\\1", "ch\t1"], ["pi_1", ""],   ["po_1", ""], ["ord-1"], ["4242"],
)
# fmt: on
ROWS = st.lists(
    st.tuples(*(st.sampled_from([*some[:1] * 12, *some]) for some in FIELDS)), max_size=9
)


@given(ROWS, st.integers(40, 400), st.sampled_from(["\n", "\r\n"]))
def test_lines_in_blocks_are_what_they_are_one_by_one(
    rows: list[tuple[str, ...]], size: int, end: str
) -> None:
    """A quoted field is never in a block, so the same lines with quotes are read one by one."""
    plain = "".join(",".join(row) + end for row in rows).encode()
    quoted = "".join(",".join(f'"{field}"' for field in row) + end for row in rows).encode()
    head = stripe_csv()
    assert read(S, head + plain, size) == read(S, head + quoted, size)


@given(st.integers(1, 40), st.integers(0, 30), st.booleans())
def test_chunks_of_any_size_say_the_same(size: int, rows: int, mark: bool) -> None:
    content = stripe_csv(*(GOOD.replace("txn_1", f"txn_é{n}") for n in range(rows)))
    content = b"\xef\xbb\xbf" * mark + content
    assert read(stripe.read_report, content, size) == read(stripe.read_report, content)
    assert len(read(stripe.read_report, content, size)) == rows


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("", "USD", 0), ("1000.00", "JPY", 1000), ("-3.5000", "USD", -350), ("1.234", "KWD", 1234)],
)
def test_amounts_of_reports(text: str, currency: str, minor: int) -> None:
    assert report_minor(text, currency) == minor


@pytest.mark.parametrize(("text", "at"), TIMES)
def test_times_of_reports_are_utc(text: str, at: str) -> None:
    assert report_time(text) == at
