"""Parts that are found, not listed: the folders beside this file that have a certain module.

Both registries stand on it, of PSPs (``adapter.py``) and of rails (``rail.py``): a new part is one
new folder and nothing else to edit.
"""

import pkgutil
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import clearhouse.psp
from clearhouse.kernel.errors import ConfigurationError


def folders_with(module: str) -> tuple[str, ...]:
    """The folders that have a module, sorted; nothing of them is imported."""
    folders = (found.name for found in pkgutil.iter_modules(clearhouse.psp.__path__) if found.ispkg)
    return tuple(sorted(name for name in folders if has_module(name, module)))


def has_module(folder: str, module: str) -> bool:
    """Whether a folder has a module, told without importing it."""
    return find_spec(_path(folder, module)) is not None


def module(folder: str, name: str) -> Any:
    """A module that a folder has."""
    return import_module(_path(folder, name))


def check_known(kind: str, name: str, known: Sequence[str]) -> None:
    """Raises ConfigurationError for a name that is none of the known ones."""
    if name not in known:
        raise ConfigurationError(
            f"There is no {kind} called {name[:40]!r}.", hint=f"Known are {', '.join(known)}."
        )


def load(kind: str, folder: str, module: str, promised: Sequence[str]) -> Any:
    """The module of a folder, with everything it must have.

    Raises ConfigurationError when something lacks, or when its ``NAME`` is not the folder's.
    """
    found = import_module(_path(folder, module))
    lacking = [name for name in promised if not hasattr(found, name)]
    if lacking or folder != found.NAME:
        raise ConfigurationError(
            f"The {kind} in the folder psp/{folder} is not complete.",
            hint=f"It lacks {', '.join(lacking)}." if lacking else "NAME must be the folder's.",
        )
    return found


def _path(folder: str, module: str) -> str:
    return f"{clearhouse.psp.__name__}.{folder}.{module}"
