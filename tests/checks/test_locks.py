"""Locks against what the project asks for, on small projects with one thing wrong each."""

from pathlib import Path

import pytest
from checks import locks

PROJECT = """
[project]
dependencies = ["Alpha_One>=2"]
[dependency-groups]
build = ["hatchling"]
dev = [{ include-group = "build" }, "pytest>=9"]
"""
ALPHA = "alpha-one==2.1 \\\n    --hash=sha256:aa\n"
HATCHLING = "hatchling==1.0 \\\n    --hash=sha256:bb\n"
PYTEST = "pytest==9.0 ; python_version > '3' \\\n    --hash=sha256:cc\n"


def project(
    root: Path,
    runtime: str = ALPHA,
    build: str = HATCHLING,
    dev: str = ALPHA + HATCHLING + PYTEST,
) -> Path:
    (root / "pyproject.toml").write_text(PROJECT)
    (root / "requirements").mkdir()
    for name, text in {"runtime": runtime, "build": build, "dev": dev}.items():
        (root / "requirements" / f"{name}.txt").write_text(text)
    return root


def test_complete_locks_have_no_problem(tmp_path: Path) -> None:
    assert locks.problems(project(tmp_path)) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"runtime": ""}, "requirements/runtime.txt: Alpha_One is not pinned"),
        ({"dev": ALPHA + HATCHLING}, "requirements/dev.txt: pytest is not pinned"),
        (
            {"runtime": ALPHA.replace("2.1", "1.9")},
            "requirements/runtime.txt: Alpha_One is pinned to 1.9, but >=2 is asked for",
        ),
        (
            {"runtime": ALPHA.replace("2.1", "2.2")},
            "requirements/runtime.txt: alpha-one is 2.2, in dev.txt 2.1",
        ),
        (
            {"build": "hatchling==1.0\n"},
            "requirements/build.txt: hatchling has no hash",
        ),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, change: dict[str, str], found: str) -> None:
    problems = locks.problems(project(tmp_path, **change))
    assert found in [problem.removesuffix("; run `make lock`") for problem in problems]


def test_a_missing_lock_is_a_lock_without_pins(tmp_path: Path) -> None:
    root = project(tmp_path)
    (root / "requirements/build.txt").unlink()
    assert locks.problems(root) == [
        "requirements/build.txt: hatchling is not pinned; run `make lock`"
    ]
