"""Run every check and say what is wrong, the cheap ones first; all run, even when one fails."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from checks import docs, hygiene, lifecycle, locks, queries, sizes

ROOT: Final = Path(__file__).resolve().parent.parent
BIN: Final = Path(sys.executable).parent

Outcome = tuple[bool, str]


def tool(*command: str) -> Callable[[], Outcome]:
    """A check by a program of this virtual environment; its output is shown when it fails."""

    def run() -> Outcome:
        program = [str(BIN / command[0]), *command[1:]]
        done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
        return done.returncode == 0, (done.stdout + done.stderr).strip()

    return run


def own(find: Callable[[Path], Sequence[str]]) -> Callable[[], Outcome]:
    """A check of this folder; each problem is one line."""

    def run() -> Outcome:
        found = find(ROOT)
        return not found, "\n".join(found)

    return run


CHECKS: Final[dict[str, Callable[[], Outcome]]] = {
    "format": tool("ruff", "format", "--check", "--quiet", "."),
    "lint": tool("ruff", "check", "--quiet", "--output-format", "concise", "."),
    "floors": tool("lint-imports", "--no-cache"),
    "sizes": own(sizes.problems),
    "hygiene": own(hygiene.problems),
    "locks": own(locks.problems),
    "queries": own(queries.problems),
    "docs": own(docs.problems),
    "lifecycle": own(lifecycle.problems),
    "types": tool("pyright"),
}


def main(names: Sequence[str]) -> int:
    """Run the named checks, or all; 0 when every one passes, 1 when not, 2 for an unknown name."""
    unknown = sorted(set(names) - set(CHECKS))
    if unknown:
        print(f"no such check: {', '.join(unknown)}; there are {', '.join(CHECKS)}")
        return 2
    failed: list[str] = []
    for name in names or CHECKS:
        good, output = CHECKS[name]()
        print(f"{'ok  ' if good else 'FAIL'}  {name}", flush=True)
        if not good:
            failed.append(name)
            print("\n".join(f"      {line}" for line in output.splitlines()), flush=True)
    if "sizes" in (names or CHECKS):
        print(f"\n{sizes.summary(ROOT)}")
    print(f"failed: {', '.join(failed)}" if failed else "all checks passed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
