"""Named queries that nobody asks for any more.

Why: linters see unused Python, not unused SQL, and a query that nobody runs is still read,
reindexed and migrated for by whoever comes next.
"""

import re
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)", re.MULTILINE)
_WORD: Final = re.compile(r"""["'](\w+)["']""")
_PAIR: Final = re.compile(r"_(?:examined|offenders)$")
"""Rules of an audit are two queries, asked for by the name of the rule."""


def problems(root: Path) -> list[str]:
    """Each query under ``src`` whose name is in no text of the source."""
    sources = sorted((root / "src").rglob("*"))
    words = {
        word
        for path in sources
        if path.suffix == ".py"
        for word in _WORD.findall(path.read_text(encoding="utf-8"))
    }
    return [
        f"{path.relative_to(root)}: nobody asks for the query {name!r}"
        for path in sources
        if path.suffix == ".sql"
        for name in _NAME.findall(path.read_text(encoding="utf-8"))
        if _PAIR.sub("", name) not in words
    ]
