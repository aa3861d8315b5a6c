"""Finds the rails of payouts: every folder beside this file that has a ``rail.py``.

A new rail is one new folder and nothing else to edit, as with PSPs. Its ``rail.py`` has, at
module level, ``NAME`` (the folder's own name), ``SETTINGS`` and ``create(config)``; a rail that
rides on a PSP lives in that PSP's folder and gets its credentials. See docs/how-to/add-a-rail.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from clearhouse.psp import folders
from clearhouse.psp.credentials import Credential
from clearhouse.psp.rails import Rail, RailConfig

_MODULE: Final = "rail"
_PROMISED: Final = ("NAME", "SETTINGS", "create")


@dataclass(frozen=True, slots=True)
class RailFactory:
    """One rail that can be made: its name, what it must be told, and how."""

    name: str
    settings: tuple[Credential, ...]
    create: Callable[[RailConfig], Rail]


def names() -> tuple[str, ...]:
    """The rails there are, sorted; reads folder names only."""
    return folders.folders_with(_MODULE)


def factory(name: str) -> RailFactory:
    """One rail by name, its module imported. Raises ConfigurationError for an unknown one."""
    folders.check_known("rail", name, names())
    module = folders.load("rail", name, _MODULE, _PROMISED)
    return RailFactory(name, module.SETTINGS, module.create)


def create(name: str, config: RailConfig) -> Rail:
    """A rail ready for use. Raises ConfigurationError for an unknown name or wrong settings."""
    return factory(name).create(config)
