"""The only place where objects are wired together: one file for each kind of process or service."""

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
