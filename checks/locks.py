"""The locks hold what pyproject.toml asks for, with hashes, and agree with each other."""

import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(.*)$", re.MULTILINE)
MEND: Final = "run `make lock`"


def problems(root: Path) -> list[str]:
    """Requirements that a lock misses or contradicts, pins without a hash, and disagreements."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    groups: dict[str, list[Any]] = project["dependency-groups"]
    runtime: list[str] = project["project"]["dependencies"]
    build = [item for item in groups["build"] if isinstance(item, str)]
    dev = [item for item in groups["dev"] if isinstance(item, str)]
    wanted = {"runtime": runtime, "build": build, "dev": runtime + build + dev}
    locks = {name: _pins(root / "requirements" / f"{name}.txt") for name in wanted}
    found = [
        f"requirements/{name}.txt: {line}; {MEND}"
        for name, requirements in wanted.items()
        for line in _missing(requirements, locks[name])
    ]
    found.extend(_without_hash(root))
    for name in ("runtime", "build"):
        found.extend(
            f"requirements/{name}.txt: {package} is {version}, in dev.txt {locks['dev'][package]}"
            for package, version in locks[name].items()
            if locks["dev"].get(package, version) != version
        )
    return found


def _pins(lock: Path) -> dict[str, str]:
    if not lock.exists():
        return {}
    text = lock.read_text(encoding="utf-8")
    return {canonicalize_name(match[1]): match[2] for match in PIN.finditer(text)}


def _missing(requirements: list[str], pins: dict[str, str]) -> Iterator[str]:
    for text in requirements:
        wanted = Requirement(text)
        version = pins.get(canonicalize_name(wanted.name))
        if version is None:
            yield f"{wanted.name} is not pinned"
        elif not wanted.specifier.contains(version, prereleases=True):
            yield f"{wanted.name} is pinned to {version}, but {wanted.specifier} is asked for"


def _without_hash(root: Path) -> Iterator[str]:
    for lock in sorted((root / "requirements").glob("*.txt")):
        lines = lock.read_text(encoding="utf-8").splitlines()
        for line, following in pairwise([*lines, ""]):
            pin = PIN.match(line)
            if pin and "--hash=" not in following:
                yield f"requirements/{lock.name}: {pin[1]} has no hash; {MEND}"
