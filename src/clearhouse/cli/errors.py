"""Turns whatever goes wrong into one clear line on stderr and a stable exit code.

The codes, which scripts may rely on:

====  =================================================================
0     done; for a server also: stopped as it was asked to
1     something was checked and is not as it should be
2     the command line or a setting is wrong; nothing was started
3     something needed (PostgreSQL, a port, a PSP) is not available
4     what was asked for does not exist or is refused
70    a fault in clearhouse itself; the report's path is printed
130   interrupted with Ctrl-C before it was done
====  =================================================================
"""

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from typing import Final

from cyclopts import App, CycloptsError

from clearhouse.cli.console import complain, say
from clearhouse.kernel.errors import (
    ClearhouseError,
    ConfigurationError,
    InvalidRequest,
    UnavailableError,
)

OK: Final = 0
VIOLATION: Final = 1
USAGE: Final = 2
UNAVAILABLE: Final = 3
REFUSED: Final = 4
BUG: Final = 70
INTERRUPTED: Final = 130

# By name, since importing the driver takes longer than `clearhouse --help` may.
_NOT_MIGRATED: Final = {
    "InvalidSchemaNameError",
    "UndefinedColumnError",
    "UndefinedFunctionError",
    "UndefinedTableError",
}


def run_guarded(app: App, arguments: Sequence[str], *, debug: bool) -> int:
    """Run one command; returns its exit code and never lets a traceback out, unless debugging."""
    try:
        result = app(list(arguments), result_action="return_value")
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has left, as `head` does; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        say("Interrupted.")
        return INTERRUPTED
    except CycloptsError as error:
        complain(_one_line(str(error)), "`clearhouse --help` shows what there is.")
        return USAGE
    except ClearhouseError as error:
        if debug:
            traceback.print_exc()
        complain(error.message, error.hint)
        return exit_code_of(error)
    except Exception as error:  # noqa: BLE001 - the last place where anything can be caught
        if debug:
            traceback.print_exc()
            return BUG
        if type(error).__name__ in _NOT_MIGRATED:
            complain("The database is empty or not up to date.", "Run `clearhouse migrate`.")
            return USAGE
        complain(
            f"clearhouse met a fault of its own: {type(error).__name__}: {_one_line(str(error))}",
            f"The report is in {_report()}; CLEARHOUSE_DEBUG=1 shows it here.",
        )
        return BUG
    return result if isinstance(result, int) else OK


def exit_code_of(error: ClearhouseError) -> int:
    """The stable exit code of an error that a command ended with."""
    if isinstance(error, ConfigurationError | InvalidRequest):
        return USAGE
    if isinstance(error, UnavailableError):
        return UNAVAILABLE
    return REFUSED


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _report() -> str:
    number, path = tempfile.mkstemp(prefix="clearhouse-fault-", suffix=".log")
    with os.fdopen(number, "w", encoding="utf-8") as report:
        traceback.print_exc(file=report)
    return path
