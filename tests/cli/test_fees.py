"""`clearhouse fees`: plans set, assigned, listed and shown, and a fee explained."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from tests.payments.test_fee_plans import Shop
from tests.wallets.days import Town, settled
from tests.wallets.test_margins import sale

from clearhouse.cli import app, fees, margins
from clearhouse.cli.errors import run_guarded
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.payments.fees.model import FeeTerms
from clearhouse.postgres.connection import open_pool


class Desk:
    """Commands in this process, since each of its own takes a second to start."""

    def __init__(
        self,
        database: str,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("CLEARHOUSE_DATABASE_URL", database)
        monkeypatch.setenv("USER", "eve")
        monkeypatch.setenv("LOGNAME", "eve")
        self._database = database
        self._capsys = capsys

    def ask(self, *arguments: str, code: int = 0) -> str:
        """What a command says, on stdout if all is well, else on stderr."""
        assert run_guarded(app, ["fees", *arguments], debug=False) == code
        said = self._capsys.readouterr()
        return said.err if code else said.out

    def meanwhile(self, work: Callable[[Shop], Awaitable[None]]) -> None:
        """Something happens in a shop that opens a day later."""

        async def run() -> None:
            pool = await open_pool(self._database, size=2, name="test")
            shop = Shop(pool, datetime.now(UTC))
            shop.clock.pass_days(1)
            await work(shop)
            await pool.close()

        asyncio.run(run())


@pytest.fixture
def desk(
    database: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    return Desk(database, capsys, monkeypatch)


def test_plans_are_set_assigned_listed_and_shown(desk: Desk) -> None:
    assert "0.25 EUR" in desk.ask("list")
    desk.ask(
        "set", "premium", "--currency", "USD", "--rate", "2.9% + 0.30", "--minimum", "0.50",
        "--cap", "25.00", "--tier", "100.00: 2.5% + 0.25", "--reason", "price [list]",
    )  # fmt: skip
    desk.ask("set", "premium", "--rate", "3%", "--begins", "2090-01-01", "--reason", "all others")
    desk.ask("assign", "ann", "premium", "--reason", "contract")
    desk.ask("assign", "--everyone", "premium", "--reason", "contract")
    desk.ask("assign", "--everyone", "--none", "--reason", "after", "--begins", "2090-01-01")
    shown = desk.ask("list")
    for words in ("premium", "2.9 % + 0.30", "25.00", "others", "2090-01-01", "1 and everyone"):
        assert words in shown
    shown = desk.ask("show", "premium")
    for words in ("2.5 % + 0.25", "from 100.00 a month", "price [list]", "eve"):
        assert words in shown
    assert "contract" in desk.ask("show", "--seller", "ann")
    [later, row] = json.loads(desk.ask("list", "--json"))
    assert (row["basis_points"], row["cap_minor"], row["tiers"]) == (
        290,
        2_500,
        [{"from_minor": 10_000, "basis_points": 250, "fixed_minor": 25}],
    )
    assert (row["sellers"], row["everyone"]) == (1, True)
    assert (later["currency"], later["basis_points"]) == (None, 300)
    assigned = json.loads(desk.ask("show", "--seller", "ann", "--json"))
    assert [(one["plan"], one["set_by"]) for one in assigned] == [("premium", "eve")]
    assert json.loads(desk.ask("show", "premium", "--json")) == [
        {name: value for name, value in one.items() if name not in {"sellers", "everyone"}}
        for one in (later, row)
    ]


def test_a_fee_is_explained(desk: Desk) -> None:
    desk.ask(
        "set", "premium", "--currency", "USD", "--rate", "2.9% + 0.30", "--cap", "25.00",
        "--tier", "100.00: 2.5% + 0.25", "--reason", "price list",
    )  # fmt: skip
    desk.ask("assign", "ann", "premium", "--reason", "contract")

    async def sales(shop: Shop) -> None:
        await shop.sell("a", 10_000)
        await shop.sell("b", 100_000)
        await shop.plan("small", FeeTerms(0, 5, minimum_minor=50))
        await shop.assign("cid", "small")
        await shop.sell("c", 1_000, seller="bob", code="EUR")
        await shop.accept("d", 40, seller="cid")

    desk.meanwhile(sales)
    shown = desk.ask("explain", "b-0")
    for words in ("b-0", "ann", "1,000.00", "the tier from 100.00 on", "25.00", "-0.25"):
        assert words in shown
    data = json.loads(desk.ask("explain", "b-0", "--json"))
    assert (data["plan"], data["version"], data["fee_minor"]) == ("premium", 1, 2_500)
    assert (data["volume_before_minor"], data["steps"]["by_cap_minor"]) == (10_000, -25)
    assert "the default fee in the settings has changed since" in desk.ask("explain", "c-0")
    shown = desk.ask("explain", "d-0")
    for words in ("it would be now", "to the minimum of 0.50 USD", "to the sale itself"):
        assert words in shown


def test_margins_of_all_of_one_and_one_by_one(desk: Desk) -> None:
    async def sales(shop: Shop) -> None:
        town = Town(shop.pool)
        here, there = sale(town, "a", 100_000, 300), sale(town, "b", 5_000, 150, seller="bob")
        await town.tell(here, there)
        await town.settle(settled(here, fee=320))

    assert desk.ask("margin", "--json").strip() == "[]"
    desk.meanwhile(sales)
    november = ("margin", "--month", "2026-11")
    shown = desk.ask(*november)
    for words in ("2026-11-01 to 2026-12-01", "1,050.00", "4.50", "3.20", "-0.20", "-0.02 %"):
        assert words in shown
    shown = desk.ask(*november, "--by-seller")
    assert shown.index("ann") < shown.index("bob")
    [bob] = json.loads(desk.ask(*november, "--seller", "bob", "--currency", "USD", "--json"))
    assert (bob["seller_account"], bob["fees_minor"], bob["waiting_sales"]) == ("bob", 150, 1)
    assert (
        json.loads(desk.ask("margin", "--from", "2026-11-24", "--to", "2026-11-25", "--json")) == []
    )


NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("month", "begins", "ends", "first", "beyond"),
    [
        (None, None, None, "2026-11-01", "2026-12-01"),
        ("2026-12", None, None, "2026-12-01", "2027-01-01"),
        (None, "2026-03-04", "2026-03-05", "2026-03-04", "2026-03-05"),
        (None, "2026-03-04", None, "2026-03-04", "2026-11-26T09:30"),
    ],
)
def test_the_time_that_is_meant(
    month: str | None, begins: str | None, ends: str | None, first: str, beyond: str
) -> None:
    from_, to = (datetime.fromisoformat(text) if text else None for text in (begins, ends))
    found = margins.span_of(NOW, month, from_, to)
    assert found.begins == datetime.fromisoformat(first).replace(tzinfo=UTC)
    assert found.ends == datetime.fromisoformat(beyond).replace(tzinfo=UTC)


def test_what_the_database_does_not_know_is_told_in_one_line(desk: Desk) -> None:
    assert "no fee plan" in desk.ask("show", "unknown", code=4)
    assert "no payment order" in desk.ask("explain", "unknown", code=4)
    assert "no fee plan" in desk.ask("assign", "ann", "unknown", "--reason", "x", code=4)
    assert "never had a plan" not in desk.ask("show", "--seller", "ann", "--json")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (fees.show, "Name a plan"),
        (lambda: fees.show("one", seller="ann"), "Name a plan"),
        (lambda: fees.assign("ann", reason="x"), "Say who and what"),
        (lambda: fees.assign("ann", "one", none=True, reason="x"), "Say who and what"),
        (lambda: fees.assign("ann", "one", everyone=True, reason="x"), "Say who and what"),
        (lambda: fees.assign(everyone=True, reason="x"), "Say who and what"),
        (lambda: fees.set_plan("one", rate="much", reason="x"), "--rate 'much' is no rate"),
        (lambda: fees.set_plan("one", rate="2% + 0.30", reason="x"), "name its currency"),
        (lambda: fees.set_plan("one", rate="2%", currency="usd", reason="x"), "no currency"),
        (lambda: fees.set_plan("one", rate="101%", reason="x"), "0 to 100 %"),
        (
            lambda: fees.set_plan("one", rate="2%", currency="USD", tier=["5"], reason="x"),
            "no tier",
        ),
        (
            lambda: fees.set_plan(
                "one", rate="2%", currency="USD", minimum="2.00", cap="1.00", reason="x"
            ),
            "a cap is not below the minimum",
        ),
        (lambda: margins.margin(currency="usd"), "no currency"),
        (lambda: margins.margin(month="2026-11", begins=NOW), "--month, or"),
        (lambda: margins.margin(seller="ann", by_seller=True), "--seller, or"),
        (lambda: margins.span_of(NOW, "2026-13", None, None), "a month such as"),
        (lambda: margins.span_of(NOW, None, None, NOW), "--from too"),
        (lambda: margins.span_of(NOW, None, NOW, NOW), "--to is after"),
    ],
)
def test_what_cannot_be_never_reaches_the_database(wrong: Callable[[], object], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        wrong()
