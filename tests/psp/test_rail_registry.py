"""Rails are found by their folders, and what is not complete is told in one sentence."""

import sys
from types import ModuleType

import pytest

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp import rail_registry
from clearhouse.psp.rails import RailConfig


def test_a_rail_that_nobody_knows_is_told_in_one_sentence() -> None:
    with pytest.raises(ConfigurationError, match="no rail called 'carrier-pigeon'"):
        rail_registry.create("carrier-pigeon", RailConfig({}))


def test_a_folder_that_is_not_complete_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("clearhouse.psp.half.rail")
    module.__dict__["NAME"] = "half"
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(rail_registry, "names", lambda: ("half",))
    with pytest.raises(ConfigurationError, match="psp/half is not complete") as refused:
        rail_registry.factory("half")
    assert refused.value.hint == "It lacks SETTINGS, create."


def test_every_rail_there_is_can_be_loaded() -> None:
    for name in rail_registry.names():
        assert rail_registry.factory(name).name == name
