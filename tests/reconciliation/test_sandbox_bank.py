"""From the sandbox's PSPs to its bank and back: what was paid out is what the statements say.

The whole way: charges, days, the adapters' reports, statements in each format, and the match.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from tests.psp.banks.test_statements import READERS
from tests.psp.conformance.world import World

from clearhouse.psp import registry
from clearhouse.psp.banks.statements import BankLine
from clearhouse.psp.settlements import SettlementLine
from clearhouse.reconciliation.banking import Found, Payout, Verdict, match
from clearhouse.reconciliation.sent import Sent
from clearhouse.sandbox.server import Running, running

PSPS = ("stripe", "braintree", "square")
PREFIXES = {"camt": "camt.053-", "mt940": "mt940-", "csv": "csv-"}
V = Verdict


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running() as box:
        yield box


def call(box: Running, method: str, path: str, body: Any = None) -> Any:
    answer = httpx.request(method, f"{box.base_url}{path}", json=body, trust_env=False)
    answer.raise_for_status()
    return answer.json()


async def sell(box: Running, days: int = 1) -> date:
    """One sale at each PSP on some days, and the time for all of it to reach the bank."""
    first = box.core.clock.now().date()
    worlds = [World(name, box.base_url) for name in PSPS]
    for _ in range(days):
        for world in worlds:
            await world.paid(world.adapter())
        call(box, "POST", "/_sandbox/clock", {"days": 1})
    call(box, "POST", "/_sandbox/clock", {"days": 7})
    for world in worlds:
        await world.close()
    return first


async def payouts(box: Running, first: date) -> list[Payout]:
    """What the reports say was sent: lines of payouts, or what was disbursed together."""
    sent = Sent()
    for name in PSPS:
        world, reader = World(name, box.base_url), registry.report_reader(name)
        assert reader is not None
        lines: dict[str, SettlementLine] = {}
        for number in range(7):
            async for report in world.adapter().reports(first + timedelta(days=number)):
                said = [one for one in reader(report.content) if isinstance(one, SettlementLine)]
                lines |= {line.key: line for line in said}
        await world.close()
        for line in lines.values():
            sent.add(name, line)
    return sent.payouts()


def booked(box: Running, form: str) -> list[BankLine]:
    documents = call(box, "GET", "/bank/documents")["documents"]
    lines: list[BankLine] = []
    for each in documents:
        if each["format"] == "statements" and each["name"].startswith(PREFIXES[form]):
            said = list(READERS[form]([each["document"].encode(each["encoding"])]))
            lines += [one for one in said if isinstance(one, BankLine)]
    return lines


async def found(box: Running, first: date, form: str = "camt") -> tuple[Found, ...]:
    return match(await payouts(box, first), booked(box, form), box.core.clock.now().date())


@pytest.mark.parametrize("form", READERS)
async def test_all_payouts_are_at_the_bank(sandbox: Running, form: str) -> None:
    first = await sell(sandbox)
    told = await found(sandbox, first, form)
    assert [(one.verdict, one.difference_minor) for one in told] == [(V.MATCHED, 0)] * 3
    by_psp = {one.payouts[0].psp: one.confidence for one in told}
    assert by_psp == {"square": 100, "stripe": 90, "braintree": 90}


# fmt: off
SPOILT = [
    # fault              what Square's payout is then, and the bank's amount less the PSP's
    ("missing-line",     V.NOT_AT_BANK,  -9_41),
    ("wrong-fee",        V.SHORT,          -25),
    ("wrong-amount",     V.OVER,          1_00),
    ("duplicate-charge", V.OVER,          9_41),
    ("wrong-status",     V.RETURNED,     -9_41),
    ("late-line",        V.MATCHED,          0),
]
# fmt: on


@pytest.mark.parametrize(("fault", "verdict", "difference"), SPOILT)
async def test_what_goes_wrong_at_the_bank_is_found(
    sandbox: Running, fault: str, verdict: Verdict, difference: int
) -> None:
    order = {"fault": fault, "psp": "bank", "match": "square"}
    call(sandbox, "POST", "/_sandbox/settlement-faults", order)
    first = await sell(sandbox)
    told = {one.payouts[0].psp: one for one in await found(sandbox, first) if one.payouts}
    assert (told["square"].verdict, told["square"].difference_minor) == (verdict, difference)
    assert {told[psp].verdict for psp in ("stripe", "braintree")} == {V.MATCHED}


async def test_a_strangers_money_is_nobodys_payout(sandbox: Running) -> None:
    order = {"fault": "extra-line", "psp": "bank", "match": "square"}
    call(sandbox, "POST", "/_sandbox/settlement-faults", order)
    first = await sell(sandbox)
    assert {one.verdict for one in await found(sandbox, first)} == {V.MATCHED}


async def test_one_line_for_several_payouts_and_several_for_one(sandbox: Running) -> None:
    call(sandbox, "POST", "/_sandbox/settings", {"bank_books": "split"})
    first = await sell(sandbox)
    told = await found(sandbox, first)
    assert [one.verdict for one in told] == [V.MATCHED] * 3
    assert {len(one.lines) for one in told} == {2}
