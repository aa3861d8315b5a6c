"""All that the processes of ``tests/forked.py`` have loaded when they start."""

import pkgutil
from importlib import import_module

import clearhouse.bootstrap
import clearhouse.cli
from clearhouse.psp import registry

for _package in (clearhouse.bootstrap, clearhouse.cli):
    for _module in pkgutil.walk_packages(_package.__path__, f"{_package.__name__}."):
        import_module(_module.name)
registry.available()
