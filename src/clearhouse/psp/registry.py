"""Finds the adapters: every folder beside this file that has an ``adapter.py``.

A new PSP is one new folder and nothing else to edit. Its ``adapter.py`` has, at module
level, ``NAME`` (the folder's own name), ``CAPABILITIES``, ``CREDENTIALS`` and
``create(config)``; see docs/how-to/add-a-psp.md.
"""

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Final, cast

import clearhouse.psp
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp.contract import Capabilities, Psp, PspConfig
from clearhouse.psp.credentials import Credential

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
    folders = (found.name for found in pkgutil.iter_modules(clearhouse.psp.__path__) if found.ispkg)
    return tuple(sorted(name for name in folders if find_spec(_module(name)) is not None))


def has_pages(name: str) -> bool:
    """Whether a PSP can take payments on a page: its folder then has a ``pages.py``.

    Told without importing its SDK, since the API must know it at its start.
    """
    return find_spec(f"{clearhouse.psp.__name__}.{name}.pages") is not None


def available() -> Mapping[str, AdapterFactory]:
    """All adapters by name. Imports their SDKs, which takes about half a second."""
    return {name: _load(name) for name in names()}


def create(name: str, config: PspConfig) -> Psp:
    """An adapter ready for use. Raises ConfigurationError for an unknown name or credentials."""
    known = names()
    if name not in known:
        raise ConfigurationError(
            f"There is no PSP called {name[:40]!r}.", hint=f"Known are {', '.join(known)}."
        )
    return _load(name).create(config)


def _module(name: str) -> str:
    return f"{clearhouse.psp.__name__}.{name}.adapter"


def _load(name: str) -> AdapterFactory:
    module = import_module(_module(name))
    lacking = [promised for promised in _PROMISED if not hasattr(module, promised)]
    if lacking or name != module.NAME:
        raise ConfigurationError(
            f"The adapter in the folder psp/{name} is not complete.",
            hint=f"It lacks {', '.join(lacking)}." if lacking else "NAME must be the folder's.",
        )
    return AdapterFactory(
        name=name,
        capabilities=cast("Capabilities", module.CAPABILITIES),
        credentials=cast("tuple[Credential, ...]", module.CREDENTIALS),
        create=cast("Callable[[PspConfig], Psp]", module.create),
    )
