"""What no committed file may hold: machines' addresses, merge leftovers, unfinished work.

Why: a fresh clone must work anywhere, so nothing may name the place where packages come
from or a folder that exists on one machine only.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

# Brackets around one letter keep this file from finding itself.
RULES: Final[dict[str, re.Pattern[str]]] = {
    "names a package registry": re.compile(
        r"pypi[.]org|pythonhosted[.]org|npmjs[.]org|-index-ur[l]|--find-link[s]|"
        r"https?://[^ \"']*/simple\b|\bfile:///[a-z]"
    ),
    "names a folder of one machine": re.compile(
        r"(?<![\w.$}])/(?:hom[e]/|roo[t]/|User[s]/|wor[k]/|tm[p]/)[\w.]"
    ),
    "is left over from a merge": re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE),
    "is unfinished": re.compile(
        r"\b(?:TOD[O]|FIXM[E])\b|# XX[X]\b|\bNotImplementedErro[r]\b|"
        r"pytest\.(?:mark\.)?(?:ski[p]|xfai[l])|\bassert Tru[e]\b"
    ),
    "speaks of how it was written": re.compile(
        r"\b(?:as an a[i]|language mode[l]|chatgp[t]|claud[e]|copilo[t]|co-authored-b[y])\b",
        re.IGNORECASE,
    ),
}

BINARY: Final = {".png", ".jpg", ".ico", ".gz", ".zip"}


def problems(root: Path) -> list[str]:
    """Every line of a file that git knows, or would add, which breaks a rule."""
    return [line for path in _files(root) for line in _in_file(root, path)]


def _files(root: Path) -> Iterable[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    for name in sorted(set(done.stdout.split("\0")) - {""}):
        path = root / name
        if path.is_file() and path.suffix not in BINARY:
            yield path


def _in_file(root: Path, path: Path) -> Iterator[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        yield f"{path.relative_to(root)}: is not UTF-8 text"
        return
    for what, rule in RULES.items():
        for match in rule.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{path.relative_to(root)}:{line}: {what}: {match[0].strip()!r}"
