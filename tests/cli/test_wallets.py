"""`clearhouse wallets`: shown with tables and as JSON, held and released, terms agreed on."""

import json

from tests.cli.command import run
from tests.ledger.books import MOMENT, succeeded
from tests.wallets.days import Town, refund

from clearhouse.postgres.connection import Pool


async def test_the_whole_life_of_a_wallet_on_the_command_line(pool: Pool, database: str) -> None:
    town = Town(pool)
    await town.tell(succeeded("order-1", seller="ann", amount=1_000, fee=30, at=MOMENT))
    await town.mature(7)
    await town.tell(succeeded("order-[2]", seller="ann", amount=500, fee=0, at=MOMENT))
    settings = {"CLEARHOUSE_DATABASE_URL": database, "USER": "eve"}

    def ask(*arguments: str) -> str:
        done = run("wallets", *arguments, settings=settings)
        assert done.returncode == 0, done.stderr
        return done.stdout

    hold = ask("hold", "ann", "--currency", "USD", "--reason", "goods that never came").strip()
    shown = ask("show", "ann")
    for words in ("5.00", "9.70", "Last movements in USD", "order-[2]", "matured", "goods that"):
        assert words in shown
    data = json.loads(ask("show", "ann", "--json", "--movements", "2"))
    [wallet] = data["wallets"]
    assert (wallet["pending"], wallet["available"], wallet["in_transit"]) == (
        "5.00",
        "9.70",
        "0.00",
    )
    assert [line["kind"] for line in wallet["last_movements"]] == ["sale", "matured"]
    assert [(one["hold_id"], one["kind"]) for one in data["holds"]] == [(hold, "person")]

    assert ask("release", hold, "--reason", "they came").strip() == hold
    assert ask("release", hold, "--reason", "they came").strip() == hold
    assert json.loads(ask("show", "ann", "--json"))["holds"] == []

    agreed = json.loads(ask("terms", "ann", "--delay-hours", "48", "--reason", "trusted", "--json"))
    assert agreed["terms"] == {
        "matures": "after_delay", "delay_hours": "48", "reserve_basis_points": 0,
        "reserve_days": 90,
    }  # fmt: skip
    ask("terms", "ann", "--currency", "USD", "--keep", "25.00", "--reason", "a deposit")
    shown = ask("terms", "ann", "--currency", "USD")
    assert "25.00 USD" in shown
    assert "48" in shown
    deeds = await pool.fetch("select action, actor, reason from access.audit_log order by 1, 3")
    assert [(deed["action"], deed["reason"]) for deed in deeds] == [
        ("wallets.hold", "goods that never came"),
        ("wallets.release", "they came"),
        ("wallets.terms", "a deposit"),
        ("wallets.terms", "trusted"),
    ]


async def test_a_debt_is_written_off_by_two_persons(pool: Pool, database: str) -> None:
    town = Town(pool)
    sale = succeeded("order-1", seller="ann", amount=5_000, fee=0, at=MOMENT)
    await town.tell(sale, refund(sale, 7_500))

    def ask(user: str, *arguments: str) -> tuple[int, str, str]:
        settings = {"CLEARHOUSE_DATABASE_URL": database, "USER": user}
        wanted = ("ann", "--currency", "USD", "--reason", "gone", *arguments)
        done = run("wallets", "write-off", *wanted, settings=settings)
        return done.returncode, done.stdout, done.stderr

    code, _, told = ask("eve")
    assert (code, "25.00 USD needs a second person" in told) == (0, True)
    code, _, told = ask("eve")
    assert (code, "somebody else" in told) == (4, True)
    code, said, _ = ask("bob", "--json")
    done = json.loads(said)
    assert (code, done["amount"], done["asked_by"], done["decided_by"]) == (
        0, "25.00 USD", "eve", "bob",
    )  # fmt: skip
    code, _, told = ask("bob")
    assert (code, "owes nothing" in told) == (4, True)


def test_what_cannot_be_is_told_in_one_line(database: str) -> None:
    settings = {"CLEARHOUSE_DATABASE_URL": database, "USER": "eve"}
    wrong = [
        (4, ("show", "nobody"), "no wallet"),
        (2, ("hold", "ann", "--currency", "usd", "--reason", "x"), "no currency"),
        (2, ("terms", "ann", "--delay-hours", "1"), "--reason"),
        (2, ("terms", "ann", "--keep", "1.00", "--reason", "x"), "--currency"),
        (2, ("terms", "ann", "--reserve-basis-points", "10001", "--reason", "x"), "basis points"),
        (2, ("write-off", "ann", "--currency", "xx", "--reason", "x"), "no currency"),
        (4, ("write-off", "ann", "--currency", "USD", "--reason", "x"), "no wallet"),
        (4, ("release", "01a214b0-e888-7b47-85aa-9834ea662c49", "--reason", "x"), "no hold"),
    ]
    for code, arguments, words in wrong:
        done = run("wallets", *arguments, settings=settings)
        assert (done.returncode, words in done.stderr) == (code, True), (arguments, done.stderr)
        assert "Traceback" not in done.stderr
