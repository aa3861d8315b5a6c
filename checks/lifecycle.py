"""The tables and the diagrams of the lifecycles and of breaks are what the code says now.

Run ``python -m checks.lifecycle`` to write them anew.
"""

import re
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

PAGE: Final = Path("docs/reference/lifecycle.md")
PAGES: Final = {
    PAGE: (
        "clearhouse.payments.atlas",
        "clearhouse.payments.operations.atlas",
        "clearhouse.payments.disputes.atlas",
    ),
    Path("docs/reference/reconciliation.md"): ("clearhouse.reconciliation.atlas",),
    Path("docs/reference/payouts-lifecycle.md"): ("clearhouse.wallets.payouts.atlas",),
}
"""Each page with the modules that draw it."""
MEND: Final = "run `python -m checks.lifecycle`"


def problems(root: Path) -> list[str]:
    """Every part of a page that differs from the code, or is missing."""
    found: list[str] = []
    for path, modules in PAGES.items():
        page = (root / path).read_text(encoding="utf-8")
        for name, text in _sections(modules).items():
            part = _part(name).search(page)
            if part is None:
                found.append(f"{path}: the part {name!r} is missing")
            elif part[2].strip() != text:
                found.append(f"{path}: the part {name!r} is not what the code says; {MEND}")
    return found


def write(root: Path) -> None:
    """Write every part of the pages as the code says it now."""
    for path, modules in PAGES.items():
        page = (root / path).read_text(encoding="utf-8")
        for name, text in _sections(modules).items():
            page = _part(name).sub(lambda match, text=text: f"{match[1]}\n{text}\n{match[3]}", page)
        (root / path).write_text(page, encoding="utf-8")


def _part(name: str) -> re.Pattern[str]:
    start, end = f"<!-- from the code: {name} -->", f"<!-- end of {name} -->"
    return re.compile(f"({re.escape(start)})(.*?)({re.escape(end)})", re.DOTALL)


def _sections(modules: Sequence[str]) -> dict[str, str]:
    return {
        name: text for module in modules for name, text in import_module(module).sections().items()
    }


if __name__ == "__main__":
    write(Path(__file__).resolve().parent.parent)
    sys.exit(0)
