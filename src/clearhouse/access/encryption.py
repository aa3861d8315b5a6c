"""Fields that are encrypted before they are stored: secrets that must be read again.

AES-256-GCM with the field's own place as associated data, so that a sealed value moved to
another row or column cannot be opened there. Each value names the key it was sealed with: a new
key is put in front of the list, old ones stay behind it until nothing is sealed with them.

A sealed value is text: ``v1.<key id>.<base64url of nonce and ciphertext>``.
"""

import binascii
import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from clearhouse.kernel.errors import ClearhouseError, ConfigurationError
from clearhouse.kernel.randomness import Randomness

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_VERSION: Final = "v1"


class NotOpened(ClearhouseError):
    """A sealed value that none of the keys opens, or that was sealed for another place."""


class FieldCipher:
    """Seals and opens fields; the first of ``keys`` (by id, 32 bytes each) seals.

    Raises ConfigurationError for no key, a wrong id or a wrong length. A nonce is random, so one
    key should seal fewer than 2 ** 32 values (NIST SP 800-38D, 8.3).
    """

    def __init__(self, keys: Mapping[str, bytes], randomness: Randomness) -> None:
        if not keys:
            raise ConfigurationError("There is no key to encrypt fields with.")
        for key_id, key in keys.items():
            if not _KEY_ID.fullmatch(key_id) or len(key) != KEY_BYTES:
                raise ConfigurationError(
                    f"The encryption key {key_id[:32]!r} is not {KEY_BYTES} bytes long, or its"
                    " name is not of letters, digits, - and _.",
                    hint="Make one with `openssl rand -base64 32`.",
                )
        self._current = next(iter(keys))
        self._keys = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._randomness = randomness

    def seal(self, text: str, place: str) -> str:
        """Encrypt a text for one place, such as ``webhooks.endpoints/<id>/secret``."""
        nonce = self._randomness.token(_NONCE_BYTES)
        sealed = self._keys[self._current].encrypt(nonce, text.encode(), place.encode())
        packed = urlsafe_b64encode(nonce + sealed).decode().rstrip("=")
        return f"{_VERSION}.{self._current}.{packed}"

    def open(self, sealed: str, place: str) -> str:
        """Decrypt what was sealed for this place. Raises NotOpened."""
        version, _, rest = sealed.partition(".")
        key_id, _, packed = rest.partition(".")
        key = self._keys.get(key_id)
        if version != _VERSION or key is None:
            raise NotOpened(
                "A stored secret was sealed with a key that is not configured.",
                hint="Put the old key behind the new one in CLEARHOUSE_ENCRYPTION_KEYS.",
            )
        try:
            data = b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
            opened = key.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], place.encode())
        except (InvalidTag, binascii.Error, ValueError):
            raise NotOpened("A stored secret does not open: it was changed or moved.") from None
        return opened.decode()

    def is_current(self, sealed: str) -> bool:
        """Whether a value was sealed with the current key; others should be sealed again."""
        return sealed.startswith(f"{_VERSION}.{self._current}.")


def keys_of(text: str) -> dict[str, bytes]:
    """Keys as a setting writes them: ``2026b=<base64>, 2026a=<base64>``, the current one first.

    Raises ConfigurationError that names the key and never shows it.
    """
    found: dict[str, bytes] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key_id, equals, encoded = part.partition("=")
        try:
            key = urlsafe_b64decode(encoded.strip().replace("+", "-").replace("/", "_"))
        except (binascii.Error, ValueError):
            key = b""
        if not equals or key_id.strip() in found or len(key) != KEY_BYTES:
            raise ConfigurationError(
                f"The encryption key {key_id.strip()[:32]!r} cannot be read.",
                hint='Write "name=<base64 of 32 bytes>", each name once, the current one first.',
            )
        found[key_id.strip()] = key
    return found
