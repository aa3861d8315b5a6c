"""The pages of the lifecycles are held to the code, and can be written from it."""

from pathlib import Path

import pytest
from checks import lifecycle

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for path in lifecycle.PAGES:
        page = tmp_path / path
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text((ROOT / path).read_text("utf-8"), "utf-8")
    return tmp_path


def test_the_pages_say_what_the_code_says() -> None:
    assert lifecycle.problems(ROOT) == []


def test_a_page_that_differs_is_found_and_mended(copy: Path) -> None:
    page = copy / lifecycle.PAGE
    page.write_text(page.read_text("utf-8").replace("NOT_STARTED --> EXECUTING", "x"), "utf-8")
    assert lifecycle.problems(copy) == [
        f"{lifecycle.PAGE}: the part 'diagram' is not what the code says; {lifecycle.MEND}"
    ]
    lifecycle.write(copy)
    assert lifecycle.problems(copy) == []


def test_a_part_that_is_missing_is_found(copy: Path) -> None:
    page = copy / lifecycle.PAGE
    page.write_text(page.read_text("utf-8").replace("<!-- end of arrows -->", ""), "utf-8")
    assert lifecycle.problems(copy) == [f"{lifecycle.PAGE}: the part 'arrows' is missing"]
