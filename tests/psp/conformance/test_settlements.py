"""What a PSP settled, fetched and read: each line leads to our charge, and wrong files are told.

The sandbox is one of its own, since its clock is moved on by days.
"""

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from tests.psp.conformance.world import World

from clearhouse.kernel.errors import UnavailableError
from clearhouse.kernel.money import Money
from clearhouse.psp import registry
from clearhouse.psp.braintree.gateway import Gateway
from clearhouse.psp.operations import OperationKind
from clearhouse.psp.settlements import (
    LineKind,
    SettlementLine,
    Settlements,
    Trouble,
    TroubleKind,
)
from clearhouse.sandbox.server import Running, running

PROTOCOL = Settlements
K, T = LineKind, TroubleKind
PAYS = {"stripe", "square"}
"""PSPs whose reports have a line for a payout."""
Told = tuple[list[SettlementLine], list[Trouble]]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as server:
        yield server


@pytest.fixture(autouse=True)
def _withdrawn(world: World) -> Iterator[None]:
    yield
    control(world, "DELETE", "/settlement-faults")


def control(world: World, method: str, path: str, body: Any = None) -> Any:
    answer = httpx.request(method, f"{world.base_url}/_sandbox{path}", json=body, trust_env=False)
    answer.raise_for_status()
    return answer.json()


def pass_days(world: World, days: int) -> date:
    """Move the sandbox's clock on; says the day it is then."""
    return date.fromisoformat(control(world, "POST", "/clock", {"days": days})["now"][:10])


def spoil(world: World, fault: str, day: date, **more: Any) -> None:
    order = {"fault": fault, "psp": world.name, "day": f"{day}", **more}
    control(world, "POST", "/settlement-faults", order)


async def fetched(world: World, adapter: Any, first: date, days: int = 1) -> Told:
    """All that the reports of some days say, each line once, as the last of them has it."""
    reader = registry.report_reader(world.name)
    assert reader is not None
    lines: dict[str, SettlementLine] = {}
    troubles: list[Trouble] = []
    for number in range(days):
        async for report in adapter.reports(first + timedelta(days=number)):
            assert f"{first + timedelta(days=number)}" in report.name
            troubles += report.troubles
            for said in reader(report.content):
                if isinstance(said, Trouble):
                    troubles.append(said)
                else:
                    lines[said.key] = said
    return list(lines.values()), troubles


async def sold(world: World, adapter: Any, count: int = 1) -> tuple[date, list[str]]:
    """Charges on a day of their own that is settled and paid out now, and their references."""
    day = pass_days(world, 3)
    paid = [await world.paid(adapter, Money(10_00 + n, "USD")) for n in range(count)]
    pass_days(world, 6)
    return day, [reference for _, reference in paid]


def charges(told: Told) -> dict[str, SettlementLine]:
    return {line.reference: line for line in told[0] if line.kind is K.CHARGE}


async def test_every_charge_is_a_line_that_leads_to_our_order(world: World) -> None:
    adapter = world.adapter()
    assert isinstance(adapter, Settlements)
    day = pass_days(world, 3)
    amounts = (Money(12_34, "USD"), Money(1_500, "JPY"), Money(15_500, "KWD"))
    sales = [await world.paid(adapter, amount) for amount in amounts]
    pass_days(world, 6)
    lines, troubles = await fetched(world, adapter, day, 6)
    found = charges((lines, troubles))
    assert troubles == []
    for (request, reference), amount in zip(sales, amounts, strict=True):
        line = found[reference]
        assert (line.gross_minor, line.currency) == (amount.minor, amount.currency)
        assert 0 < line.fee_minor < amount.minor
        assert line.order_hint in {request.payment_order_id, ""}
        assert line.order_hint or world.name == "square"
        assert line.occurred_at.startswith(f"{day}")
        assert line.settlement


async def test_payouts_are_the_sum_of_their_lines(world: World) -> None:
    adapter = world.adapter()
    day, references = await sold(world, adapter, 3)
    lines, _ = await fetched(world, adapter, day, 6)
    ours = [line for line in lines if line.reference in references]
    assert len({line.settlement for line in ours}) == 1
    payouts = [line for line in lines if line.kind is K.PAYOUT]
    if world.name in PAYS:
        payout = next(one for one in payouts if one.reference == ours[0].settlement)
        assert -payout.gross_minor == sum(line.net_minor for line in ours)
        assert payout.charge_reference or world.name == "stripe"
    else:
        assert payouts == []


async def test_refunds_and_disputes_take_and_lead_to_their_charge(world: World) -> None:
    adapter = world.adapter()
    day = pass_days(world, 3)
    sale = await world.paid(adapter)
    back = await adapter.refund(world.operation(OperationKind.REFUND, sale, Money(4_00, "USD")))
    disputed = world.profile.disputed
    assert disputed is not None
    lost = await world.paid(adapter, disputed.amount, disputed.method)
    pass_days(world, 6)
    lines, troubles = await fetched(world, adapter, day, 6)
    assert troubles == []
    [refund] = [one for one in lines if one.kind is K.REFUND and one.charge_reference == sale[1]]
    assert (refund.reference, refund.gross_minor) == (back.psp_reference, -4_00)
    withdrawn = [one for one in lines if one.kind is K.DISPUTE]
    if world.name == "braintree":  # Its report has no disputes.
        assert withdrawn == []
    else:
        assert [one.charge_reference for one in withdrawn] == [lost[1]]
        assert withdrawn[0].gross_minor == -disputed.amount.minor


async def test_a_day_without_anything_has_no_lines(world: World) -> None:
    day = pass_days(world, 9)
    pass_days(world, 2)
    assert await fetched(world, world.adapter(), day) == ([], [])


async def test_more_than_a_page_is_fetched_whole_and_once(world: World) -> None:
    adapter = world.adapter(concurrency=16)
    day = pass_days(world, 3)
    requests = [world.request() for _ in range(120)]
    await asyncio.gather(*(adapter.charge(request) for request in requests))
    pass_days(world, 6)
    reader = registry.report_reader(world.name)
    assert reader is not None
    keys: list[str] = []
    for number in range(3):
        async for report in adapter.reports(day + timedelta(days=number)):
            said = [each for each in reader(report.content) if isinstance(each, SettlementLine)]
            assert len({each.key for each in said}) == len(said)
            keys += [each.key for each in said if each.kind is K.CHARGE]
    assert len(set(keys)) == 120


# fmt: off
LINES = [
    # fault              what is there instead of a charge of 10.00 (gross, kind), and how many more
    ("missing-line",     [],                                    0),
    ("extra-line",       [(10_00, K.CHARGE)],                   1),
    ("wrong-amount",     [(11_00, K.CHARGE)],                   0),
    ("wrong-fee",        [(10_00, K.CHARGE)],                   0),
    ("wrong-currency",   [(10_00, K.CHARGE)],                   0),
    ("duplicate-charge", [(10_00, K.CHARGE)],                   1),
]
FILES = [
    # fault            what its reader says
    ("half-written",   T.CUT_OFF),
    ("wrong-encoding", T.WRONG_ENCODING),
]
# fmt: on


@pytest.mark.parametrize(("fault", "instead", "more"), LINES)
async def test_a_report_can_lie_about_one_line(
    world: World, fault: str, instead: list[tuple[int, LineKind]], more: int
) -> None:
    adapter = world.adapter()
    day, [first, second] = await sold(world, adapter, 2)
    right = charges(await fetched(world, adapter, day, 6))
    spoil(world, fault, day, match=first)
    told = await fetched(world, adapter, day, 6)
    wrong = charges(told)
    ours = [(wrong[first].gross_minor, wrong[first].kind)] if first in wrong else []
    assert ours == instead
    assert wrong[second] == right[second]
    assert len(wrong.keys() - right.keys()) == more
    if fault == "wrong-fee":
        assert wrong[first].fee_minor == right[first].fee_minor + 25
    if fault == "wrong-currency":
        assert (right[first].currency, wrong[first].currency) == ("USD", "EUR")
    if fault == "duplicate-charge":
        [twin] = [wrong[each] for each in wrong.keys() - right.keys()]
        assert twin.order_hint == wrong[first].order_hint
    control(world, "DELETE", "/settlement-faults")
    assert charges(await fetched(world, adapter, day, 6)) == right


async def test_a_charge_can_be_told_as_taken_back(world: World) -> None:
    adapter = world.adapter()
    day, [reference] = await sold(world, adapter)
    spoil(world, "wrong-status", day)
    lines, _ = await fetched(world, adapter, day, 6)
    [line] = [one for one in lines if reference in {one.reference, one.charge_reference}]
    assert line.kind is not K.CHARGE
    assert line.gross_minor == -10_00


async def test_a_late_line_stands_in_the_next_report(world: World) -> None:
    adapter = world.adapter()
    day = pass_days(world, 3)
    _, first = await world.paid(adapter)
    pass_days(world, 1)
    _, second = await world.paid(adapter)
    pass_days(world, 6)
    spoil(world, "late-line", day)
    late = charges(await fetched(world, adapter, day, 6))
    assert {first, second} <= late.keys()
    if world.name != "square":  # Its report of a day has the payout of the night as well.
        assert first not in charges(await fetched(world, adapter, day))
        assert first in charges(await fetched(world, adapter, day + timedelta(days=1)))


async def test_a_report_may_be_yesterdays_or_overlap_with_it(world: World) -> None:
    adapter = world.adapter()
    first_day = pass_days(world, 3)
    _, first = await world.paid(adapter)
    second_day = pass_days(world, 1)
    _, second = await world.paid(adapter)
    pass_days(world, 6)
    spoil(world, "overlapping", second_day)
    assert {first, second} <= charges(await fetched(world, adapter, second_day)).keys()
    control(world, "DELETE", "/settlement-faults")
    spoil(world, "same-file-twice", second_day)
    twice = charges(await fetched(world, adapter, second_day))
    assert first in twice
    assert second not in twice
    control(world, "DELETE", "/settlement-faults")
    both = charges(await fetched(world, adapter, first_day, 2))
    assert {first, second} <= both.keys()


@pytest.mark.parametrize(("fault", "kind"), FILES)
async def test_a_file_that_is_broken_is_told_and_never_half_believed(
    world: World, fault: str, kind: TroubleKind
) -> None:
    adapter = world.adapter()
    day, references = await sold(world, adapter, 12)
    spoil(world, fault, day)
    if world.name == "square" and kind is T.WRONG_ENCODING:
        # JSON says its encoding by its first bytes, so nothing is wrong with it.
        assert charges(await fetched(world, adapter, day)).keys() == set(references)
        return
    if world.name == "square":
        with pytest.raises(UnavailableError, match="could not be fetched"):
            await fetched(world, adapter, day)
        return
    _, troubles = await fetched(world, adapter, day)
    assert kind in {trouble.kind for trouble in troubles}


async def test_a_total_that_is_not_the_sum_is_told(world: World) -> None:
    adapter = world.adapter()
    day, _ = await sold(world, adapter, 2)
    spoil(world, "wrong-total", day)
    _, troubles = await fetched(world, adapter, day)
    kind = T.UNREADABLE_LINE if world.name == "stripe" else T.WRONG_TOTAL
    assert [trouble.kind for trouble in troubles] == [kind]


@pytest.mark.parametrize("fault", ["error-before", "lost-request", "lost-answer", "rate-limited"])
async def test_a_report_that_cannot_be_fetched_is_told_and_never_empty(
    world: World, fault: str
) -> None:
    adapter = world.adapter()
    day, _ = await sold(world, adapter)
    world.order_fault(fault, operation="report", times=9)
    with pytest.raises(UnavailableError, match="could not be fetched"):
        await fetched(world, adapter, day)
    world.clear()
    assert charges(await fetched(world, adapter, day, 6))


@pytest.mark.parametrize("fault", ["hang", "reset"])
async def test_a_download_without_end_is_given_up(world: World, fault: str) -> None:
    adapter = world.adapter(timeout=0.5)
    day, _ = await sold(world, adapter)
    world.order_fault(fault, operation="report", times=9)
    with pytest.raises(UnavailableError, match="could not be fetched"):
        await fetched(world, adapter, day)


async def test_a_slow_report_arrives_whole(world: World) -> None:
    adapter = world.adapter()
    day, [reference] = await sold(world, adapter)
    world.set(slow_seconds=0.2)
    world.order_fault("slow-body", operation="report", times=99)
    assert reference in charges(await fetched(world, adapter, day, 2))


async def test_stripes_day_must_be_over(world: World) -> None:
    if world.name == "stripe":
        with pytest.raises(UnavailableError, match="not got all"):
            await fetched(world, world.adapter(), pass_days(world, 1))


async def test_braintree_without_a_fee_report_is_searched(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if world.name != "braintree":
        return
    adapter = world.adapter()
    day, references = await sold(world, adapter, 60)
    right = charges(await fetched(world, adapter, day))
    monkeypatch.setattr(Gateway, "fee_report", lambda _self, _day: None)
    lines, troubles = await fetched(world, adapter, day)
    assert troubles == []
    assert charges((lines, [])).keys() == set(references)
    for reference in references:
        searched = charges((lines, []))[reference]
        assert searched.gross_minor == right[reference].gross_minor
        assert (searched.fee_minor, searched.settlement) == (0, right[reference].settlement)
