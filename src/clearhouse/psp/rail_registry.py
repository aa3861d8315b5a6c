"""Finds the rails of payouts: every folder beside this file that has a ``rail.py``.

A new rail is one new folder and nothing else to edit, as with PSPs. Its ``rail.py`` has, at
module level, ``NAME`` (the folder's own name), ``SETTINGS`` and ``create(config)``; a rail that
rides on a PSP lives in that PSP's folder and gets its credentials. See docs/how-to/add-a-rail.md.
"""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Final, cast

import clearhouse.psp
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp.credentials import Credential
from clearhouse.psp.rails import Rail, RailConfig

_PROMISED: Final = ("NAME", "SETTINGS", "create")


@dataclass(frozen=True, slots=True)
class RailFactory:
    """One rail that can be made: its name, what it must be told, and how."""

    name: str
    settings: tuple[Credential, ...]
    create: Callable[[RailConfig], Rail]


def names() -> tuple[str, ...]:
    """The rails there are, sorted; reads folder names only."""
    folders = (found.name for found in pkgutil.iter_modules(clearhouse.psp.__path__) if found.ispkg)
    return tuple(sorted(name for name in folders if find_spec(_module(name)) is not None))


def factory(name: str) -> RailFactory:
    """One rail by name, its module imported. Raises ConfigurationError for an unknown one."""
    known = names()
    if name not in known:
        raise ConfigurationError(
            f"There is no rail called {name[:40]!r}.", hint=f"Known are {', '.join(known)}."
        )
    module = import_module(_module(name))
    lacking = [promised for promised in _PROMISED if not hasattr(module, promised)]
    if lacking or name != module.NAME:
        raise ConfigurationError(
            f"The rail in the folder psp/{name} is not complete.",
            hint=f"It lacks {', '.join(lacking)}." if lacking else "NAME must be the folder's.",
        )
    return RailFactory(
        name=name,
        settings=cast("tuple[Credential, ...]", module.SETTINGS),
        create=cast("Callable[[RailConfig], Rail]", module.create),
    )


def create(name: str, config: RailConfig) -> Rail:
    """A rail ready for use. Raises ConfigurationError for an unknown name or wrong settings."""
    return factory(name).create(config)


def _module(name: str) -> str:
    return f"{clearhouse.psp.__name__}.{name}.rail"
