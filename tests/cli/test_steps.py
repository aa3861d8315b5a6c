"""A bar of steps: on a terminal only, and away once there is a result."""

import io

import pytest
from rich.console import Console

from clearhouse.cli.steps import Steps


def screen(*, terminal: bool) -> tuple[Console, io.StringIO]:
    written = io.StringIO()
    # The first picture and the last are enough: none is painted in between by a clock.
    return Console(file=written, force_terminal=terminal, width=100, color_system=None), written


def test_a_terminal_sees_what_is_done_and_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    console, written = screen(terminal=True)
    with Steps(console) as steps:
        steps.expect(2)
        steps.begin("Reading day[1].csv")
        steps.lines(120_000)
        steps.expect(1)
        steps.begin("Comparing stripe, 2026-11-21")
    shown = written.getvalue()
    assert "Comparing stripe, 2026-11-21" in shown
    assert "1/3" in shown
    assert capsys.readouterr() == ("", "")


def test_lines_are_counted_beside_the_step_whatever_a_file_is_called() -> None:
    console, written = screen(terminal=True)
    with Steps(console) as steps:
        steps.expect(1)
        steps.begin("Reading day[/1].csv")
        steps.lines(120_000)
    assert "Reading day[/1].csv: 120,000 lines" in written.getvalue()


def test_nothing_is_said_where_nobody_looks() -> None:
    console, written = screen(terminal=False)
    with Steps(console) as steps:
        steps.expect(1)
        steps.begin("Reading")
        steps.lines(5)
    assert written.getvalue() == ""
