"""In which order tests run, and in how many processes: a plugin of pytest.

Tests of whole groups of processes come first, one after the other in the first process of
pytest-xdist: begun at the end they would have all others wait for them, and two groups at once on
two cores are slow enough to be taken for broken. The other processes run the rest meanwhile, and
in the end take from each other what is left. For this ``--dist=worksteal`` gives each process an
equal share of the tests, in their order.
"""

from collections.abc import Generator

import pytest

WHOLE = "whole_group"
"""The mark of tests that start a group of processes."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups first, each folder's tests as they stood."""
    items.sort(key=lambda item: item.get_closest_marker(WHOLE) is None)


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One more than there are cores: a group's test waits for its group most of the time."""
    cores = yield
    return cores + 1
