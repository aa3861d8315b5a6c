"""Verify at the PSPs: real adapters over the wire, and each way in which their books can differ."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.proof.shops import (
    LONG,
    accept,
    adapter_of,
    change_amount,
    charge_behind_our_back,
    fault,
    findings,
    forget_charge,
    reference_of,
    sell,
    verdict_with,
)
from tests.psp.conformance.profiles import PROFILES

from clearhouse.postgres.connection import Pool
from clearhouse.proof.psp_books import CHECKS, PspReading, next_window
from clearhouse.psp import registry
from clearhouse.psp.contract import PspRecord
from clearhouse.sandbox.server import Running, running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with running() as server:
        yield server


@pytest.fixture(params=registry.names())
async def adapter(request: pytest.FixtureRequest, sandbox: Running) -> AsyncIterator[Any]:
    async with adapter_of(request.param, sandbox.base_url) as made:
        yield made


async def sell_some(pool: Pool, adapter: Any) -> None:
    """Three orders that succeed, one of them with a long name, and one that is declined."""
    profile = PROFILES[adapter.name]
    orders = dict.fromkeys(("tea", "books", LONG), profile.good)
    if adapter.name != "braintree":  # it declines by amount
        orders["toys"] = profile.declines[0].method
    else:
        orders["toys"] = profile.invalid.method
    await sell(pool, adapter, orders)


async def test_books_that_agree_with_the_psps(database: str, pool: Pool, adapter: Any) -> None:
    await sell_some(pool, adapter)
    heard: list[tuple[str, int, datetime]] = []
    verdict = await verdict_with(
        database, {adapter.name: adapter}, tell=lambda *told: heard.append(told)
    )
    assert verdict.holds, findings(verdict)
    assert [(reading.psp, reading.asked) for reading in verdict.psps] == [(adapter.name, True)]
    examined = {one.name: one.examined for one in verdict.results}
    assert examined["psp.charged"] == examined["psp.once"] == 3
    assert examined["psp.uncharged"] == 1
    assert heard[-1][1] == verdict.psps[0].charges >= 3


async def test_every_difference_is_named(
    database: str, pool: Pool, adapter: Any, sandbox: Running
) -> None:
    name = adapter.name
    await sell_some(pool, adapter)
    await accept(pool, adapter, "lamp")
    lost, other = await reference_of(pool, "tea"), await reference_of(pool, "books")
    forget_charge(sandbox, name, lost)
    change_amount(sandbox, name, other)
    second = await charge_behind_our_back(adapter, LONG, attempt=2)
    foreign = await charge_behind_our_back(adapter, "nobody-ordered-this")
    late = await charge_behind_our_back(adapter, "toys", attempt=2)
    early = await charge_behind_our_back(adapter, "lamp")

    found = findings(await verdict_with(database, {name: adapter}))
    assert set(found) == {check.name for check in CHECKS}
    assert sorted(found["psp.charged"]) == [
        f"books is 1000 USD, but charge {other} of {name} is 999 USD",
        f"tea succeeded, but {name} has no charge {lost}",
    ]
    (twice,) = found["psp.once"]
    assert twice.startswith(f"{LONG} was charged 2 times: ")
    assert second in twice
    assert sorted(found["psp.uncharged"]) == [
        f"lamp is NOT_STARTED, but charge {early} of {name} took 1000 USD",
        f"toys is FAILED, but charge {late} of {name} took 1000 USD",
    ]
    assert found["psp.known"] == [
        f"charge {foreign} of {name} over 1000 USD for nobody-ordered-this is unknown to us"
    ]


async def test_what_a_list_does_not_show_yet_is_asked_for_by_name(
    database: str, pool: Pool, sandbox: Running
) -> None:
    async with adapter_of("braintree", sandbox.base_url) as adapter:
        await sell_some(pool, adapter)
        sandbox.core.settings.list_lag_seconds["braintree"] = 3600.0
        try:
            verdict = await verdict_with(database, {"braintree": adapter})
        finally:
            sandbox.core.settings.list_lag_seconds.clear()
    assert verdict.holds, findings(verdict)
    assert verdict.psps[0].charges == 0
    assert {one.name: one.examined for one in verdict.results}["psp.charged"] == 3


async def test_a_psp_that_cannot_be_asked_is_said_and_is_no_violation(
    database: str, pool: Pool, adapter: Any, sandbox: Running
) -> None:
    await sell_some(pool, adapter)
    with fault(sandbox, fault="error-before", psp=adapter.name, operation="look-up", times=99):
        verdict = await verdict_with(database, {adapter.name: adapter})
    assert verdict.holds
    (reading,) = verdict.psps
    assert not reading.asked
    assert reading.detail.startswith("could not be asked: ")
    assert not [one for one in verdict.results if one.name.startswith("psp.")]

    away = await verdict_with(database, {})
    assert away.holds
    assert away.psps == (PspReading(adapter.name, False, 0, "not configured here"),)
    strange = await verdict_with(database, {adapter.name: object()})
    assert [reading.detail for reading in strange.psps] == ["its books cannot be read"]


async def test_a_fault_in_the_middle_is_asked_again(
    database: str, pool: Pool, adapter: Any, sandbox: Running
) -> None:
    await sell_some(pool, adapter)
    with fault(sandbox, fault="lost-request", psp=adapter.name, operation="look-up", times=1):
        verdict = await verdict_with(database, {adapter.name: adapter})
    assert verdict.holds, findings(verdict)
    assert verdict.psps[0].asked


async def test_since_leaves_earlier_orders_out(
    database: str, pool: Pool, adapter: Any, sandbox: Running
) -> None:
    await sell_some(pool, adapter)
    forget_charge(sandbox, adapter.name, await reference_of(pool, "tea"))
    later = datetime.now(UTC) + timedelta(seconds=1)
    verdict = await verdict_with(database, {adapter.name: adapter}, since=later)
    assert verdict.holds, findings(verdict)
    assert {one.name: one.examined for one in verdict.results}["psp.charged"] == 0


class Growing:
    """A PSP whose books are read while more is sold, as always."""

    def __init__(self, pool: Pool, adapter: Any) -> None:
        self._pool, self._adapter, self.sold = pool, adapter, 0

    async def record(self, psp_reference: str) -> PspRecord | None:
        return await self._adapter.record(psp_reference)

    async def records(self, since: datetime, until: datetime) -> AsyncIterator[PspRecord]:
        async for record in self._adapter.records(since, until):
            yield record
        self.sold += 1
        good = PROFILES[self._adapter.name].good
        await sell(self._pool, self._adapter, {f"sold-{self.sold}": good})


async def test_what_is_sold_while_the_books_are_read_is_no_violation(
    database: str, pool: Pool, adapter: Any
) -> None:
    await sell_some(pool, adapter)
    psp = Growing(pool, adapter)
    verdict = await verdict_with(database, {adapter.name: psp})
    assert psp.sold > 0
    assert verdict.holds, findings(verdict)


def test_windows_grow_where_little_is_and_shrink_where_much_is() -> None:
    hour = timedelta(hours=1)
    assert next_window(hour, 10) == 2 * hour
    assert next_window(hour, 3_000) == hour
    assert next_window(hour, 20_000) == hour / 2
    assert next_window(timedelta(days=29), 0) == timedelta(days=30)
    assert next_window(timedelta(minutes=1), 10**6) == timedelta(minutes=1)
