"""Sizes that keep the house readable: files, functions and folders have a ceiling.

Why: what fits on a few screens is read whole before it is changed. The figures come from
the best codebases of the field; size alone ruins no house, but it hides what does.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

MEDIAN: Final = 120
USUAL: Final = 300
USUAL_SHARE: Final = 0.9
LONGEST: Final = 500
LONGEST_FUNCTION: Final = 70
DEEPEST: Final = 3

Function = ast.FunctionDef | ast.AsyncFunctionDef


def problems(root: Path) -> list[str]:
    """Every file, function and folder over its limit, and the two limits of the whole source."""
    found = [
        f"{path.relative_to(root)}: {count} lines, more than {LONGEST}; split it into rooms"
        for path, count in _lengths(root, "src", "tests", "checks")
        if count > LONGEST
    ]
    counts = [count for _, count in _lengths(root, "src")]
    if counts and median(counts) > MEDIAN:
        found.append(f"src: the median file has {median(counts):.0f} lines, more than {MEDIAN}")
    if counts and _share(counts) < USUAL_SHARE:
        found.append(f"src: {_share(counts):.0%} of the files have at most {USUAL} lines, not 90 %")
    for folder in ("src", "checks"):
        found.extend(_long_functions(root, folder))
    found.extend(_deep_folders(root))
    return found


def summary(root: Path) -> str:
    """One line for people: how large the house is, and how much of it is proof."""
    source = [count for path, count in _lengths(root, "src") if path.suffix == ".py"]
    tests = [count for path, count in _lengths(root, "tests") if path.suffix == ".py"]
    if not source:
        return "no source yet"
    ratio = sum(tests) / sum(source)
    return (
        f"{len(source)} source files, {sum(source)} lines, median {median(source):.0f}, "
        f"longest {max(source)}; {sum(tests)} lines of tests ({ratio:.1f} for each of source)"
    )


def _lengths(root: Path, *folders: str) -> Iterator[tuple[Path, int]]:
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in {".py", ".sql"} and "__pycache__" not in path.parts:
                yield path, len(path.read_text(encoding="utf-8").splitlines())


def _share(counts: list[int]) -> float:
    return sum(count <= USUAL for count in counts) / len(counts)


def _long_functions(root: Path, folder: str) -> Iterator[str]:
    for path, _ in _lengths(root, folder):
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
            if isinstance(node, Function):
                count = (node.end_lineno or node.lineno) - node.lineno + 1
                if count > LONGEST_FUNCTION:
                    yield (
                        f"{path.relative_to(root)}:{node.lineno}: {node.name} has {count} lines, "
                        f"more than {LONGEST_FUNCTION}"
                    )


def _deep_folders(root: Path) -> Iterator[str]:
    house = root / "src" / "clearhouse"
    folders = {path.parent for path, _ in _lengths(root, "src")}
    for folder in sorted(folders):
        if folder.is_relative_to(house) and len(folder.relative_to(house).parts) > DEEPEST:
            yield f"{folder.relative_to(root)}: deeper than {DEEPEST} folders below src/clearhouse"
