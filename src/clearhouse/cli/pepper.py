"""What API keys are hashed with, for an embedded database: made once, kept beside the data."""

from typing import Final

from clearhouse.access.kept import kept_secret
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.kernel.randomness import Randomness
from clearhouse.settings import Settings

_FILE: Final = "api-key-pepper"
_BYTES: Final = 32


def pepper_of(settings: Settings, randomness: Randomness) -> bytes:
    """The pepper that was set, else the data directory's, made now where there is none.

    Raises ConfigurationError for a database of one's own without a pepper: several machines
    would each make another, and none would know the others' keys.
    """
    if settings.api.key_pepper is not None:
        return settings.api.key_pepper.encode()
    if settings.database.url is not None:
        raise ConfigurationError(
            "CLEARHOUSE_API_KEY_PEPPER is not set.",
            hint="Set the same secret of 32 characters or more for every process, for example"
            " from `openssl rand -hex 32`.",
        )
    path = settings.data_directory / _FILE
    try:
        pepper = kept_secret(path, randomness, _BYTES)
    except OSError as error:
        raise ConfigurationError(
            f"The pepper in {path} cannot be used: {error.strerror}."
        ) from error
    if not pepper:
        raise ConfigurationError(
            f"{path} is empty.", hint="Restore it from a backup: API keys are hashed with it."
        )
    return pepper.encode()
