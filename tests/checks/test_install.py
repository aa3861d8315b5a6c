"""The setup script on machines that lack something: one clear line, and nothing left behind."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "requirements/install.sh"
TOOLS = ("bash", "cat", "dirname", "mktemp", "rm", "touch")

OLD = """#!/usr/bin/env bash
[ "$1" = --version ] && echo "Python 3.9.18"
[ "$1" = -c ] && exit 1
exit 0
"""
WITHOUT_VENV = """#!/usr/bin/env bash
case "$1 $2" in
    "-c import sys"*) exit 0 ;;
    *) exit 1 ;;
esac
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with the script, and a PATH that holds nothing but what it is given."""
    (tmp_path / "requirements").mkdir()
    shutil.copy(SCRIPT, tmp_path / "requirements")
    (tmp_path / "bin").mkdir()
    for tool in (*TOOLS, "env"):
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def install(machine: Path, python: str | None) -> "subprocess.CompletedProcess[str]":
    if python is not None:
        (machine / "bin/python3").write_text(python)
        (machine / "bin/python3").chmod(0o755)
    environment = {"PATH": str(machine / "bin"), "TMPDIR": os.environ.get("TMPDIR", "/var/tmp")}
    return subprocess.run(
        ["bash", "requirements/install.sh", ".venv", "runtime"],
        cwd=machine,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("python", "told"),
    [
        (None, "needs Python 3.11 or newer; found none."),
        (OLD, "needs Python 3.11 or newer; found Python 3.9.18."),
        (WITHOUT_VENV, "apt-get install python3-venv"),
    ],
    ids=["no python", "an old python", "a python without venv"],
)
def test_what_is_missing_is_said(machine: Path, python: str | None, told: str) -> None:
    done = install(machine, python)
    assert done.returncode == 1
    assert told in done.stderr
    assert not (machine / ".venv").exists()
