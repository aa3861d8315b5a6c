"""The only place where objects are wired together: one file for each kind of process or service.

Each name is imported when it is first asked for: a command that looks at the books should not
wait until the API and every worker are loaded.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from clearhouse.bootstrap.api import api_app
    from clearhouse.bootstrap.psps import open_psps
    from clearhouse.bootstrap.reconciliation import break_queue, collector_of, office_of
    from clearhouse.bootstrap.runtime import SERVICES, Runtime, migrate_all, open_runtime
    from clearhouse.bootstrap.workers import Role, consumers, run_loops, run_workers

__all__ = [
    "SERVICES",
    "Role",
    "Runtime",
    "api_app",
    "break_queue",
    "collector_of",
    "consumers",
    "migrate_all",
    "office_of",
    "open_psps",
    "open_runtime",
    "run_loops",
    "run_workers",
]
_WHERE: Final = {
    "api": ("api_app",),
    "psps": ("open_psps",),
    "reconciliation": ("break_queue", "collector_of", "office_of"),
    "runtime": ("SERVICES", "Runtime", "migrate_all", "open_runtime"),
    "workers": ("Role", "consumers", "run_loops", "run_workers"),
}
_FILES: Final = {name: file for file, names in _WHERE.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
    globals()[name] = found
    return found
