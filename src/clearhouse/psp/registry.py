"""Finds the adapters: every folder beside this file that has an ``adapter.py``.

A new PSP is one new folder and nothing else to edit. Its ``adapter.py`` has, at module
level, ``NAME`` (the folder's own name), ``CAPABILITIES``, ``CREDENTIALS`` and
``create(config)``; see docs/how-to/add-a-psp.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from clearhouse.psp import folders
from clearhouse.psp.contract import Capabilities, Psp, PspConfig
from clearhouse.psp.credentials import Credential
from clearhouse.psp.settlements import BlockReader, ReportReader

_MODULE: Final = "adapter"
_PROMISED: Final = ("NAME", "CAPABILITIES", "CREDENTIALS", "create")


@dataclass(frozen=True, slots=True)
class AdapterFactory:
    """One adapter that can be made: its name, its limits, what it must be told, and how."""

    name: str
    capabilities: Capabilities
    credentials: tuple[Credential, ...]
    create: Callable[[PspConfig], Psp]


def names() -> tuple[str, ...]:
    """The PSPs there are, sorted; reads folder names only, imports no SDK."""
    return folders.folders_with(_MODULE)


def has_pages(name: str) -> bool:
    """Whether a PSP can take payments on a page: its folder then has a ``pages.py``.

    Told without importing its SDK, since the API must know it at its start.
    """
    return folders.has_module(name, "pages")


def report_reader(name: str) -> ReportReader | None:
    """What reads a PSP's reports: its folder then has a ``reports.py``. Needs no SDK."""
    if not folders.has_module(name, "reports"):
        return None
    return cast("ReportReader", folders.module(name, "reports").read_report)


def block_reader(name: str) -> BlockReader | None:
    """The same in blocks of lines, where the folder has that, too; otherwise line by line."""
    if not folders.has_module(name, "reports"):
        return None
    module = folders.module(name, "reports")
    return cast("BlockReader", getattr(module, "read_blocks", module.read_report))


def available() -> Mapping[str, AdapterFactory]:
    """All adapters by name. Imports their SDKs, which takes about half a second."""
    return {name: _load(name) for name in names()}


def create(name: str, config: PspConfig) -> Psp:
    """An adapter ready for use. Raises ConfigurationError for an unknown name or credentials."""
    folders.check_known("PSP", name, names())
    return _load(name).create(config)


def _load(name: str) -> AdapterFactory:
    module = folders.load("adapter", name, _MODULE, _PROMISED)
    return AdapterFactory(name, module.CAPABILITIES, module.CREDENTIALS, module.create)
