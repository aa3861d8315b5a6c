"""Nothing public goes undocumented: settings, events, metrics, errors, adapters, commands, routes.

Why a build failure: a reference that is almost complete is read as complete. A name counts as
documented when it stands in `docs/reference/*.md` as a word of its own.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from checks import inventory

KINDS: Final[dict[str, Callable[[Path], Iterable[str]]]] = {
    "event": inventory.events,
    "metric": inventory.metrics,
    "adapter": inventory.adapters,
    "rail": inventory.rails,
    "setting": inventory.settings,
    "problem type": inventory.problem_types,
    "route": inventory.routes,
    "command": inventory.commands,
}


def problems(root: Path) -> list[str]:
    """Every public name that the reference does not mention, and every dead link in docs/."""
    reference = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((root / "docs/reference").glob("*.md"))
    )
    found = dead_links(root)
    for kind, names in KINDS.items():
        try:
            listed = sorted(set(names(root)))
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            found.append(f"cannot list every {kind}: {type(error).__name__}: {error}")
            continue
        if not listed:
            found.append(f"found no {kind} at all; checks/inventory.py looks in the wrong place")
        found.extend(f"docs/reference: {line}" for line in undocumented(kind, listed, reference))
    return found


def undocumented(kind: str, names: Iterable[str], reference: str) -> list[str]:
    """One line for each name that does not stand in the reference as a word of its own."""
    return [
        f"{kind} {name} is not documented"
        for name in names
        if not re.search(rf"(?<![\w/.]){re.escape(name)}(?![\w/{{-])", reference)
    ]


LINK: Final = re.compile(r"(?:\]\(|src=\"|srcset=\")([^)#\"\s]+)(?:#[^)\"]*)?[)\"]")


def dead_links(root: Path) -> list[str]:
    """Relative links in Markdown files whose target does not exist."""
    pages = [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]
    return [
        f"{page.relative_to(root)}: links to {target}, which does not exist"
        for page in pages
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in target and not target.startswith("mailto:")
        if not (page.parent / target).exists()
    ]
