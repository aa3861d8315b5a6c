"""What becomes of an error: one line, a stable code, and never a traceback unless asked for."""

from pathlib import Path

import pytest
from cyclopts import App

from clearhouse.cli.errors import exit_code_of, run_guarded
from clearhouse.kernel.errors import (
    ClearhouseError,
    ConfigurationError,
    Conflict,
    Fault,
    InvalidRequest,
    NotFound,
    UnavailableError,
)


def app_that(action: BaseException | int | None) -> App:
    app = App(print_error=False, exit_on_error=False, suppress_keyboard_interrupt=False)

    def act() -> int | None:
        if isinstance(action, BaseException):
            raise action
        return action

    app.default(act)
    return app


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("x"), 2),
        (InvalidRequest([Fault("/a", "b", "c")]), 2),
        (UnavailableError("x"), 3),
        (NotFound("x"), 4),
        (Conflict("x"), 4),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: ClearhouseError, code: int) -> None:
    assert exit_code_of(error) == code


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1)])
def test_a_command_that_ends_well_says_how_by_its_code(result: int | None, code: int) -> None:
    assert run_guarded(app_that(result), [], debug=False) == code


def test_an_error_is_one_line_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    error = UnavailableError("PostgreSQL is away.", hint="Start it.")
    assert run_guarded(app_that(error), [], debug=False) == 3
    told = capsys.readouterr()
    assert told.err == "Error: PostgreSQL is away.\n  Start it.\n"
    assert told.out == ""


def test_a_fault_of_our_own_leaves_a_report_and_no_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_guarded(app_that(RuntimeError("odd\nthing")), [], debug=False) == 70
    told = capsys.readouterr().err
    assert told.splitlines()[0] == (
        "Error: clearhouse met a fault of its own: RuntimeError: odd thing"
    )
    assert "Traceback" not in told
    report = Path(told.split("The report is in ")[1].split(";")[0])
    assert "RuntimeError: odd" in report.read_text()
    report.unlink()


def test_debugging_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_guarded(app_that(RuntimeError("odd")), [], debug=True) == 70
    assert "Traceback" in capsys.readouterr().err


def test_interrupted_is_130_without_any_noise(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_guarded(app_that(KeyboardInterrupt()), [], debug=False) == 130
    assert capsys.readouterr().err == "Interrupted.\n"
