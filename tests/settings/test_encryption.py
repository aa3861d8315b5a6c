"""Which keys seal a deployment's fields: those that were set, or one kept beside the data."""

import asyncio
from base64 import b64encode
from pathlib import Path

import pytest

from clearhouse.access.encryption import FieldCipher
from clearhouse.bootstrap.encryption import field_cipher
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.settings import load

RANDOMNESS = SystemRandomness()
KEY = b64encode(b"k" * 32).decode()
OWN = {"CLEARHOUSE_DATABASE_URL": "postgresql://me@db/books"}


def cipher(told: dict[str, str]) -> FieldCipher:
    return field_cipher(load(told).settings, RANDOMNESS)


def test_keys_that_were_set_are_taken_and_never_shown() -> None:
    loaded = load({**OWN, "CLEARHOUSE_ENCRYPTION_KEYS": f"a={KEY}"})
    assert KEY not in repr(loaded) + str(loaded.settings)
    box = field_cipher(loaded.settings, RANDOMNESS)
    assert box.open(box.seal("iban", "x"), "x") == "iban"


def test_a_database_of_ones_own_needs_keys_of_ones_own() -> None:
    with pytest.raises(ConfigurationError, match="CLEARHOUSE_ENCRYPTION_KEYS is not set"):
        cipher(OWN)


def test_an_embedded_database_keeps_one_beside_it(tmp_path: Path) -> None:
    told = {"CLEARHOUSE_DATA_DIRECTORY": str(tmp_path / "data")}
    sealed = cipher(told).seal("iban", "x")
    assert cipher(told).open(sealed, "x") == "iban"
    [file] = (tmp_path / "data").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


async def test_processes_that_start_at_once_agree_on_it(tmp_path: Path) -> None:
    told = {"CLEARHOUSE_DATA_DIRECTORY": str(tmp_path)}
    made = await asyncio.gather(*(asyncio.to_thread(cipher, told) for _ in range(8)))
    assert {one.open(made[0].seal("iban", "x"), "x") for one in made} == {"iban"}


@pytest.mark.parametrize("held", ["", "not hexadecimal", "abcd", "é"])
def test_a_file_that_holds_no_key_stops_the_start(tmp_path: Path, held: str) -> None:
    (tmp_path / "encryption-key").write_text(held, "utf-8")
    with pytest.raises(ConfigurationError):
        cipher({"CLEARHOUSE_DATA_DIRECTORY": str(tmp_path)})
