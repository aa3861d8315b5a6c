"""Finding a Chromium for the tests: one that is named, the system's, or the one brought along."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

NAMED: Final = "CHROMIUM_PATH"
"""The variable that names a Chromium to use, and no other."""
COMMANDS: Final = (
    # It takes a fifth of the time that the whole browser takes for a page.
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
APPLICATIONS: Final = (
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
)
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Nothing but the pages that a test opens; in containers Chromium has no sandbox of its own."""
HOW: Final = (
    "They need a Chromium, and none is here that starts. `make test` brings one along where it is "
    "root on Debian (apt-get install chromium-headless-shell), or on Linux for x86-64 where there "
    "are npm and node (@sparticuz/chromium). Else install Chromium or Chrome, or name one in "
    "CHROMIUM_PATH."
)


@cache
def chromium() -> Path | None:
    """The first Chromium of this machine that starts, or None; looked for once."""
    return next((path for path in candidates(os.environ, shutil.which) if starts(path)), None)


def candidates(
    environment: Mapping[str, str], which: Callable[[str], str | None]
) -> Iterator[Path]:
    """Where a Chromium may be, the best first; whoever names one means that one."""
    named = environment.get(NAMED)
    if named:
        yield Path(named)
        return
    for command in COMMANDS:
        found = which(command)
        if found is not None:
            yield Path(found)
    yield from APPLICATIONS
    yield brought(environment)


def starts(path: Path) -> bool:
    """Whether a program says that it is a Chromium: Ubuntu's is a script that asks for a snap."""
    if not path.is_file():
        return False
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, timeout=30, text=True, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and ("Chrom" in done.stdout)


def cache_folder(environment: Mapping[str, str]) -> Path:
    """A folder outside the tree that outlives it."""
    base = environment.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "clearhouse"


def brought(environment: Mapping[str, str]) -> Path:
    """Where the Chromium is that ``bring`` unpacks."""
    return cache_folder(environment) / "chromium" / "chromium"
