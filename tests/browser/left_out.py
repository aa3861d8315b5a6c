"""Leaves out the tests that need a browser where there is none: loudly, and never in CI.

A plugin of pytest, since with several processes it is not the one with the tests that has the
last word: what the others have left out, it hears when they end.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from tests.browser.chromium import HOW, chromium

FIXTURE: Final = "browser"
"""Tests that ask for it, by themselves or by another fixture, need a Chromium."""
_LEFT_OUT: Final = pytest.StashKey[list[str]]()
_WORD: Final = "left_out"


def in_ci(environment: Mapping[str, str]) -> bool:
    """Whether nobody looks on, so that what is left out must fail."""
    return environment.get("CI", "").lower() not in {"", "0", "false", "no"}


def names(node_ids: Sequence[str]) -> list[str]:
    """Each test once, however many rows its table has."""
    return list(dict.fromkeys(node_id.partition("[")[0] for node_id in node_ids))


def needed_chromium() -> Path:
    """The Chromium; fails where there is none, which is only asked in CI."""
    found = chromium()
    if found is None:
        pytest.fail(HOW, pytrace=False)
    return found


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_LEFT_OUT] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanting = [item for item in items if FIXTURE in getattr(item, "fixturenames", ())]
    if not wanting or in_ci(os.environ) or chromium() is not None:
        return
    items[:] = [item for item in items if item not in wanting]
    config.hook.pytest_deselected(items=wanting)
    left_out = names([item.nodeid for item in wanting])
    config.stash[_LEFT_OUT] = left_out
    if hasattr(config, "workeroutput"):
        config.workeroutput[_WORD] = left_out  # pyright: ignore[reportAttributeAccessIssue] - of pytest-xdist


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A process of pytest-xdist has ended: what it has left out, the others have too."""
    told = getattr(node, "workeroutput", {}).get(_WORD)
    if told:
        node.config.stash[_LEFT_OUT] = told


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    left_out = config.stash[_LEFT_OUT]
    if not left_out:
        return
    terminalreporter.section("LEFT OUT, for want of a browser", sep="!", red=True, bold=True)
    for name in left_out:
        terminalreporter.line(f"  {name}", yellow=True)
    terminalreporter.line(HOW, bold=True)
