"""Logs: one line each, no traceback, no secret, and stdout left alone."""

import json
import logging

import pytest
import structlog

from clearhouse.cli import logs
from clearhouse.settings import LogSettings

SECRET = "sk_test_very_secret"


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    told = capsys.readouterr()
    assert told.out == ""
    return [json.loads(line) for line in told.err.splitlines()]


def test_an_exception_is_one_line_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogSettings("info", "json"))
    try:
        raise ValueError("two\nlines")
    except ValueError:
        structlog.get_logger().exception("it_broke", psp="stripe")
    (line,) = lines(capsys)
    assert line["event"] == "it_broke"
    assert line["error"] == "ValueError: two lines"
    assert str(line["at"]).startswith(__file__)
    assert "exc_info" not in line
    assert line["level"] == "error"


def test_secrets_are_struck_out_wherever_they_turn_up(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogSettings("info", "json"), {SECRET, "short"})
    structlog.get_logger().info("called", url=f"https://x/?key={SECRET}", other="short word")
    try:
        raise RuntimeError(f"login with {SECRET} failed")
    except RuntimeError:
        logging.getLogger("some.library").exception("library says %s", SECRET)
    told = capsys.readouterr().err
    assert SECRET not in told
    assert told.count("[secret]") == 3
    assert "short word" in told


def test_the_level_holds_for_us_and_libraries_are_heard_from_warning_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure(LogSettings("info", "json"))
    structlog.get_logger().debug("unheard")
    structlog.get_logger().info("heard")
    logging.getLogger("some.library").info("unheard")
    logging.getLogger("some.library").warning("heard too")
    assert [line["event"] for line in lines(capsys)] == ["heard", "heard too"]


def test_for_people_it_is_a_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogSettings("warning", "console"))
    structlog.get_logger().info("unheard")
    structlog.get_logger().warning("executor_waits", psp="stripe")
    (line,) = capsys.readouterr().err.splitlines()
    assert "executor_waits" in line
    assert "psp=stripe" in line
    assert "\x1b" not in line
