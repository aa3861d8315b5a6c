"""API tokens: ``ch_key_`` + 256 random bits + a checksum, 56 characters in all.

Why a prefix: secret scanners and people recognise a leaked key on sight. Why a checksum:
a token that was mistyped or cut short is told apart from one that was revoked, without
asking the database, and a flood of guesses costs no query.
"""

import re
from binascii import crc32
from typing import Final

PREFIX: Final = "ch_key_"
RANDOM_BYTES: Final = 32

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET: Final = 43
"""Characters of base 62 that hold 256 bits."""
_CHECK: Final = 6
"""Characters of base 62 that hold the CRC-32 of the secret."""
_TOKEN: Final = re.compile(
    rf"{PREFIX}([0-9A-Za-z]{{{_SECRET}}})([0-9A-Za-z]{{{_CHECK}}})", re.ASCII
)


def make_token(noise: bytes) -> str:
    """The token that carries 32 random bytes."""
    if len(noise) != RANDOM_BYTES:
        raise ValueError(f"a token is made of {RANDOM_BYTES} random bytes, not {len(noise)}")
    secret = _base62(int.from_bytes(noise), _SECRET)
    return f"{PREFIX}{secret}{_checksum(secret)}"


def is_well_formed(token: str) -> bool:
    """Whether a token has the right shape and its checksum holds; says nothing of its validity."""
    match = _TOKEN.fullmatch(token)
    return match is not None and _checksum(match[1]) == match[2]


def _checksum(secret: str) -> str:
    return _base62(crc32(secret.encode("ascii")), _CHECK)


def _base62(number: int, width: int) -> str:
    digits: list[str] = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))
