"""The size limits, each on a small tree that breaks it by one and on one that does not."""

from pathlib import Path

import pytest
from checks import sizes


def write(root: Path, name: str, lines: int) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x = 1\n" * lines)


def test_a_small_tree_has_no_problem(tmp_path: Path) -> None:
    write(tmp_path, "src/clearhouse/a/b/c/fine.py", 120)
    write(tmp_path, "tests/test_fine.py", 500)
    assert sizes.problems(tmp_path) == []


@pytest.mark.parametrize("folder", ["src/clearhouse", "tests", "checks"])
def test_a_long_file_is_named(tmp_path: Path, folder: str) -> None:
    write(tmp_path, f"{folder}/long.py", 501)
    assert any(f"{folder}/long.py: 501 lines" in line for line in sizes.problems(tmp_path))


def test_long_sql_counts_as_source(tmp_path: Path) -> None:
    write(tmp_path, "src/clearhouse/queries.sql", 501)
    assert any("queries.sql: 501 lines" in line for line in sizes.problems(tmp_path))


def test_the_median_is_limited(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path, f"src/clearhouse/room{number}.py", 121)
    assert sizes.problems(tmp_path) == ["src: the median file has 121 lines, more than 120"]


def test_nine_in_ten_files_are_short(tmp_path: Path) -> None:
    for number in range(8):
        write(tmp_path, f"src/clearhouse/short{number}.py", 10)
    write(tmp_path, "src/clearhouse/long.py", 301)
    assert sizes.problems(tmp_path) == ["src: 89% of the files have at most 300 lines, not 90 %"]
    write(tmp_path, "src/clearhouse/short8.py", 10)
    assert sizes.problems(tmp_path) == []


@pytest.mark.parametrize(
    ("body", "found"), [(69, []), (70, ["src/clearhouse/a.py:1: go has 71 lines, more than 70"])]
)
def test_a_function_has_at_most_seventy_lines(tmp_path: Path, body: int, found: list[str]) -> None:
    path = tmp_path / "src/clearhouse/a.py"
    path.parent.mkdir(parents=True)
    path.write_text("async def go():\n" + "    x = 1\n" * body)
    assert sizes.problems(tmp_path) == found


def test_a_deep_folder_is_named(tmp_path: Path) -> None:
    write(tmp_path, "src/clearhouse/a/b/c/d/deep.py", 1)
    found = sizes.problems(tmp_path)
    assert found == ["src/clearhouse/a/b/c/d: deeper than 3 folders below src/clearhouse"]


def test_the_summary_counts_source_and_tests(tmp_path: Path) -> None:
    write(tmp_path, "src/clearhouse/a.py", 10)
    write(tmp_path, "tests/test_a.py", 15)
    assert sizes.summary(tmp_path) == (
        "1 source files, 10 lines, median 10, longest 10; "
        "15 lines of tests (1.5 for each of source)"
    )
