"""Each rule on one file that breaks it; the offending words are put together here at run time."""

import subprocess
from pathlib import Path

import pytest
from checks import hygiene


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("pip install --extra-index" + "-url=x y", "names a package registry"),
        ("https://py" + "pi.org/project/x", "names a package registry"),
        ("fetch https://example.com/sim" + "ple/ now", "names a package registry"),
        ("see /ho" + "me/alice/notes", "names a folder of one machine"),
        ("open('/t" + "mp/socket')", "names a folder of one machine"),
        ("one\n<<<<<<" + "< HEAD\ntwo", "is left over from a merge"),
        ("# TO" + "DO: later", "is unfinished"),
        ("@pytest.mark.sk" + "ip", "is unfinished"),
        ("raise NotImplemented" + "Error", "is unfinished"),
        ("As an A" + "I, I wrote this", "speaks of how it was written"),
    ],
)
def test_a_broken_rule_is_found_with_its_line(tree: Path, text: str, what: str) -> None:
    (tree / "notes.md").write_text(f"first line\n{text}\n")
    found = hygiene.problems(tree)
    assert len(found) == 1
    assert what in found[0]
    assert found[0].startswith(f"notes.md:{3 if 'HEAD' in text else 2}: ")


@pytest.mark.parametrize(
    "text",
    [
        "the working folder src/workers/loops.py",
        "https://docs.python.org/3/library/venv.html",
        "heading\n=======\n",
        "GET /v1/payments/{payment_order_id}",
        "the wallet's session with the database",
    ],
)
def test_ordinary_text_passes(tree: Path, text: str) -> None:
    (tree / "notes.md").write_text(text)
    assert hygiene.problems(tree) == []


def test_what_git_ignores_is_not_read(tree: Path) -> None:
    (tree / ".gitignore").write_text("local.txt\n")
    (tree / "local.txt").write_text("TO" + "DO")
    assert hygiene.problems(tree) == []


def test_a_file_that_is_not_text_is_named(tree: Path) -> None:
    (tree / "odd.py").write_bytes(b"\xff\xfe\x00")
    assert hygiene.problems(tree) == ["odd.py: is not UTF-8 text"]
