"""What commands print: names come out as they are, whatever rich would make of them."""

import pytest
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clearhouse.cli import console

NAMES = ["seller_payable:tea:USD", "cart-1:tea:", ":moneybag:", "[bold]shop[/bold]", "[red]"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("one", [console.out, console.err], ids=["out", "err"])
def test_a_name_is_printed_as_it_is(one: Console, name: str) -> None:
    table = Table("account")
    table.add_row(escape(name))
    with one.capture() as captured:
        one.print(escape(name))
        one.print(table)
    assert captured.get().count(name) == 2


@pytest.mark.parametrize("name", NAMES)
def test_so_is_what_is_said_and_complained_about(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with console.err.capture() as captured:
        console.say(name)
        console.complain(name, f"look at {name}")
    assert captured.get().count(name) == 3
    assert capsys.readouterr().out == ""
