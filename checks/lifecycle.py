"""The tables and the diagram in docs/reference/lifecycle.md are what the code says now.

Run ``python -m checks.lifecycle`` to write them anew.
"""

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Final

PAGE: Final = Path("docs/reference/lifecycle.md")
MEND: Final = "run `python -m checks.lifecycle`"


def problems(root: Path) -> list[str]:
    """Every part of the page that differs from the code, or is missing."""
    page = (root / PAGE).read_text(encoding="utf-8")
    found: list[str] = []
    for name, text in _sections().items():
        part = _part(name).search(page)
        if part is None:
            found.append(f"{PAGE}: the part {name!r} is missing")
        elif part[2].strip() != text:
            found.append(f"{PAGE}: the part {name!r} is not what the code says; {MEND}")
    return found


def write(root: Path) -> None:
    """Write every part of the page as the code says it now."""
    page = (root / PAGE).read_text(encoding="utf-8")
    for name, text in _sections().items():
        page = _part(name).sub(lambda match, text=text: f"{match[1]}\n{text}\n{match[3]}", page)
    (root / PAGE).write_text(page, encoding="utf-8")


def _part(name: str) -> re.Pattern[str]:
    start, end = f"<!-- from the code: {name} -->", f"<!-- end of {name} -->"
    return re.compile(f"({re.escape(start)})(.*?)({re.escape(end)})", re.DOTALL)


def _sections() -> dict[str, str]:
    return dict(import_module("clearhouse.payments.atlas").sections())


if __name__ == "__main__":
    write(Path(__file__).resolve().parent.parent)
    sys.exit(0)
