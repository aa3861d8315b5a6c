"""The NACHA rail: what its files say, and what is read in returns and corrections."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.psp.rails.files import NACHA, Stopped, taken_out

from clearhouse.kernel.money import Money
from clearhouse.psp.banks.inbox import HalfWritten, WrongDocument
from clearhouse.psp.banks.numbers import is_routing
from clearhouse.psp.nacha import returns
from clearhouse.psp.nacha.render import identity
from clearhouse.psp.rails import Corrected, FailureReason, PaidOut, PayoutNews, Returned, Submitted

R = FailureReason
HEADER = f"101 091000019 0910000192612011015A094101{'FIRST BANK':23}{'MARKETPLACE INC':23}{'':8}"
FIRST = NACHA.instruction(0)
KEYS = {
    identity(NACHA.instruction(number).key): NACHA.instruction(number).key for number in range(3)
}
END = f"9{1:06d}{1:06d}{2:08d}{2100002:010d}{0:012d}{12345:012d}{'':39}"


def returned(number: int, code: str, minor: int = 12_345, addenda: str = "99") -> list[str]:
    short = identity(NACHA.instruction(number).key)
    info = f"{'1918171614':29}" if addenda == "98" else ""
    return [
        f"621021000021{'000123450':17}{minor:010d}{short}{'JANE DOE':22}  1{'021000020000001':15}",
        f"7{addenda}{code}{'091000010000001':15}{'':6}02100002{info:44}{'021000020000001':15}",
    ]


def file(*records: str, end: str = END) -> bytes:
    return ("\n".join([HEADER, *records, end]) + "\n").encode()


AT = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("records", "news"),
    [
        (
            returned(0, "R02"),
            [
                PayoutNews(
                    FIRST.key, Returned(R.ACCOUNT_CLOSED, "R02", AT), "r.ach", Money(12_345, "USD")
                )
            ],
        ),
        (
            returned(0, "R03"),
            [
                PayoutNews(
                    FIRST.key, Returned(R.ACCOUNT_INVALID, "R03", AT), "r.ach", Money(12_345, "USD")
                )
            ],
        ),
        (
            returned(0, "R99"),
            [PayoutNews(FIRST.key, Returned(R.OTHER, "R99", AT), "r.ach", Money(12_345, "USD"))],
        ),
        (
            returned(0, "C01", 0, "98"),
            [PayoutNews(FIRST.key, Corrected("C01", "1918171614"), "r.ach")],
        ),
        (returned(7, "R01"), []),
        ([], []),
    ],
)
def test_what_files_say(records: list[str], news: list[PayoutNews]) -> None:
    assert returns.read(file(*records), "r.ach", KEYS.get) == news


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", HalfWritten),
        (file(*returned(0, "R02"), end=""), HalfWritten),
        (file(*returned(0, "R02"), end=END[:50]), HalfWritten),
        (b"Dear customer", WrongDocument),
        (file("6 too short"), WrongDocument),
        (file(*returned(0, "X02")), WrongDocument),
        (file(*returned(0, "R02", 0, "98")), WrongDocument),
        (file(*returned(0, "R02")).replace(b"261201", b"269901"), WrongDocument),
        (file(*returned(0, "R02")) + b"\xff", WrongDocument),
    ],
)
def test_what_is_no_file_for_us(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        returns.read(data, "r.ach", KEYS.get)


async def test_a_return_finds_the_key_behind_its_fifteen_letters(tmp_path: Path) -> None:
    await NACHA.rail(tmp_path).submit(NACHA.batch())
    (tmp_path / "in" / "r.ach").write_bytes(file(*returned(1, "R04"), *returned(2, "R23")))
    news, _ = await NACHA.rail(tmp_path).news(None)
    assert [each.key for each in news] == [NACHA.instruction(1).key, NACHA.instruction(2).key]


async def test_a_file_adds_up(tmp_path: Path) -> None:
    batch = NACHA.batch(25)
    await NACHA.rail(tmp_path).submit(batch)
    (data,) = taken_out(tmp_path).values()
    records = data.decode("ascii").splitlines()
    assert {len(record) for record in records} == {94}
    assert len(records) % 10 == 0
    entries = [record for record in records if record[0] == "6"]
    control = next(record for record in records if record[0] == "8")
    end = next(record for record in records if record[0] == "9" and record != "9" * 94)
    total = sum(each.amount.minor for each in batch.instructions)
    assert sum(int(entry[29:39]) for entry in entries) == total
    assert int(control[32:44]) == int(end[43:55]) == total
    assert int(control[4:10]) == int(end[13:21]) == 25
    assert int(control[10:20]) == sum(int(entry[3:11]) for entry in entries) % 10**10
    assert int(end[7:13]) == len(records) // 10
    traces = [entry[79:94] for entry in entries]
    assert traces == sorted(set(traces))
    assert {entry[1:3] for entry in entries} == {"22", "32"}
    assert {entry[39:54] for entry in entries} == {identity(e.key) for e in batch.instructions}


async def test_silence_means_paid_once_the_time_for_returns_is_over(tmp_path: Path) -> None:
    clock, batch = Stopped(), NACHA.batch(1)
    rail = NACHA.rail(tmp_path, clock)
    await rail.submit(batch)
    # Executed on a Thursday: Friday, Monday and Tuesday are the banking days after it.
    clock.time = datetime(2026, 12, 1, 23, 59, tzinfo=UTC)
    assert await rail.inquire(batch) == {"payout-0": Submitted(f"{batch.batch_id}.ach")}
    clock.time += timedelta(minutes=1)
    paid = PaidOut(f"{batch.batch_id}.ach", datetime(2026, 11, 26, tzinfo=UTC))
    assert await rail.inquire(batch) == {"payout-0": paid}


def test_the_check_digit_of_a_routing_number() -> None:
    assert all(map(is_routing, ("021000021", "011401533", "091000019")))
    assert not any(map(is_routing, ("021000022", "000000000", "02100002", "0210000211", "")))
