"""What fields are encrypted with: the keys that were set, or one that is kept beside the data."""

from pathlib import Path
from typing import Final

from clearhouse.access.encryption import KEY_BYTES, FieldCipher, keys_of
from clearhouse.access.kept import kept_secret
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
    try:
        return bytes.fromhex(kept_secret(path, randomness, KEY_BYTES))
    except ValueError:
        raise ConfigurationError(f"{path} does not hold an encryption key.") from None
