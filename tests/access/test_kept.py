"""A secret in a file: one for all who ask at once, whole or not at all, and nobody else's."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clearhouse.access.kept import kept_secret
from clearhouse.kernel.randomness import SeededRandomness, SystemRandomness


def test_it_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    first = kept_secret(path, SeededRandomness(1), 32)
    assert len(bytes.fromhex(first)) == 32
    assert kept_secret(path, SeededRandomness(2), 32) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["secret"]


def test_all_who_ask_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        asked = [
            pool.submit(kept_secret, tmp_path / "secret", SystemRandomness(), 32)
            for _ in range(200)
        ]
    secrets = {one.result() for one in asked}
    assert len(secrets) == 1
    assert len(bytes.fromhex(secrets.pop())) == 32
    assert [one.name for one in tmp_path.iterdir()] == ["secret"]


def test_a_full_disk_leaves_no_half_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            kept_secret(tmp_path / "secret", SystemRandomness(), 32)
    assert list(tmp_path.iterdir()) == []
    assert kept_secret(tmp_path / "secret", SystemRandomness(), 32)
