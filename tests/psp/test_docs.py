"""The reference page says of each adapter what its code says."""

import re
from pathlib import Path

import pytest

from clearhouse.psp import registry
from clearhouse.psp.braintree.objects import Transaction
from clearhouse.psp.braintree.outcomes import transaction_outcome
from clearhouse.psp.contract import Declined, Pending, Reversed, Succeeded

PAGE = (Path(__file__).parents[2] / "docs/reference/psp-adapters.md").read_text(encoding="utf-8")


def section(name: str) -> str:
    return PAGE.split(f"\n## {name}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("name", registry.names())
def test_all_credentials_are_listed_with_whether_they_are_secret(name: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (yes|no) \|", section(name), re.MULTILINE)
    credentials = registry.available()[name].credentials
    assert rows == [(c.name, "yes" if c.secret else "no") for c in credentials]


def test_the_table_of_keys_is_true() -> None:
    found = registry.available()
    head = next(line for line in PAGE.splitlines() if line.startswith("| | stripe"))
    order = [cell.strip() for cell in head.split("|")[2:-1]]
    assert sorted(order) == sorted(found)

    def row(begin: str) -> list[str]:
        line = next(line for line in PAGE.splitlines() if line.startswith(f"| {begin}"))
        return [cell.strip() for cell in line.split("|")[2:-1]]

    capabilities = [found[name].capabilities for name in order]
    assert row("longest key") == [str(c.idempotency_key_length) for c in capabilities]
    lifetimes = [c.idempotency_key_lifetime for c in capabilities]
    told = [f"{t.days} days" if t.days else f"{t.seconds // 3600} hours" for t in lifetimes]
    assert row("clearhouse repeats it") == told
    for each in capabilities:
        minutes = each.look_up_proves_after.total_seconds() / 60
        assert f"`look_up_proves_after` ({minutes:.0f} minutes)" in PAGE


def test_braintrees_statuses_are_listed_where_they_belong() -> None:
    rows = re.findall(r"^\| (`.+) \| `(\w+)` \|$", section("braintree"), re.MULTILINE)
    kinds = {
        "Succeeded": Succeeded,
        "Pending": Pending,
        "Declined": Declined,
        "Reversed": Reversed,
    }
    checked = 0
    for statuses, word in rows:
        for status in re.findall(r"`(\w+)`", statuses) if word in kinds else ():
            made = Transaction("t", status, "1.00", "USD")
            assert isinstance(transaction_outcome(made), kinds[word]), status
            checked += 1
    assert checked == 14
