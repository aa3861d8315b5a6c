"""The idempotency key of a request, from the IETF draft's header or from ``checkout_id``.

Namespaces, so that a header never meets somebody's checkout: ``h:`` and ``c:``, and ``r:`` for a
``refund_id``. All are scoped per API key by the service.
"""

import re
from typing import Final

from clearhouse.api.problems import HttpError

_PLAIN: Final = re.compile(rb"[!#-\[\]-~]{1,255}")
_QUOTED: Final = re.compile(rb'"((?:[ !#-\[\]-~]|\\["\\]){1,510})"')
_LONGEST: Final = 255


def idempotency_key(header: bytes | None, checkout_id: str) -> str:
    """The key under which the answer is stored.

    The draft makes the header a quoted string (RFC 8941); most clients send the bare value.
    Both are taken, and ``"abc"`` is the same key as ``abc``. Raises HttpError for others.
    """
    return header_key(header) or f"c:{checkout_id}"


def header_key(header: bytes | None) -> str | None:
    """The key of the header alone; None without one. Raises HttpError as above."""
    return None if header is None else f"h:{_value(header.strip())}"


def _value(header: bytes) -> str:
    if _PLAIN.fullmatch(header):
        return header.decode("ascii")
    quoted = _QUOTED.fullmatch(header)
    if quoted:
        value = re.sub(rb"\\(.)", rb"\1", quoted[1])
        if len(value) <= _LONGEST:
            return value.decode("ascii")
    raise HttpError(
        "invalid-idempotency-key",
        "Idempotency-Key must be 1 to 255 visible ASCII characters, with or without quotes.",
    )
