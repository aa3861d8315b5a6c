"""The pepper of a development database: kept beside the data, and never taken for an empty one."""

from pathlib import Path

import pytest

from clearhouse.cli.pepper import pepper_of
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.kernel.randomness import SeededRandomness
from clearhouse.settings import load


def test_it_is_made_once_and_an_empty_one_is_refused(tmp_path: Path) -> None:
    settings = load({"CLEARHOUSE_DATA_DIRECTORY": str(tmp_path)}).settings
    made = pepper_of(settings, SeededRandomness(1))
    assert len(made) == 64
    assert pepper_of(settings, SeededRandomness(2)) == made
    (tmp_path / "api-key-pepper").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="is empty"):
        pepper_of(settings, SeededRandomness(2))
