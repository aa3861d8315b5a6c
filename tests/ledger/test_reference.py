"""The chart in the documentation is the chart in the code."""

import re
from pathlib import Path

from clearhouse.ledger.chart import Family, Holder

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "chart-of-accounts.md"
HOLDERS = {
    Holder.PLATFORM: "platform",
    Holder.PSP: "PSP",
    Holder.SELLER: "seller",
    Holder.BANK: "bank account",
}


def test_every_family_is_documented_as_it_is() -> None:
    families = PAGE.read_text().split("## Entries")[0]
    row = re.compile(r"^\| `(\w+)` \| ([^|]+) \| (\w+) \| (\w+) \| ([^|]+) \|$", re.MULTILINE)
    rows = row.findall(families)
    assert rows == [
        (
            family.value.word,
            HOLDERS[family.holder],
            family.type.value,
            "debit" if family.type.grows_by_debit else "credit",
            family.meaning,
        )
        for family in Family
    ]
