"""What fields are encrypted with: the keys that were set, or one that is kept beside the data."""

import os
from pathlib import Path
from typing import Final

from clearhouse.access.encryption import KEY_BYTES, FieldCipher, keys_of
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.kernel.randomness import Randomness
from clearhouse.settings import Settings

_FILE: Final = "encryption-key"
_NAME: Final = "development"


def field_cipher(settings: Settings, randomness: Randomness) -> FieldCipher:
    """The cipher of this deployment; for an embedded database, its key is made where none is.

    Raises ConfigurationError for a database of one's own without a key: several machines would
    each make another, and none could read what the others sealed.
    """
    if settings.encryption.keys is not None:
        return FieldCipher(keys_of(settings.encryption.keys), randomness)
    if settings.database.url is not None:
        raise ConfigurationError(
            "CLEARHOUSE_ENCRYPTION_KEYS is not set.",
            hint='Set the same for every process: "2026=" and the output of'
            " `openssl rand -base64 32`.",
        )
    path = settings.data_directory / _FILE
    try:
        return FieldCipher({_NAME: _kept(path, randomness)}, randomness)
    except OSError as error:
        raise ConfigurationError(
            f"The encryption key in {path} cannot be used: {error.strerror}."
        ) from error


def _kept(path: Path, randomness: Randomness) -> bytes:
    """The key in a file. It is made whole beside it first, so that nobody reads a part of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{randomness.token(8).hex()}")
        number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "wb") as file:
            file.write(randomness.token(KEY_BYTES).hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # Another process was faster, and its key is the one.
        finally:
            draft.unlink()
    try:
        return bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        raise ConfigurationError(f"{path} does not hold an encryption key.") from None
