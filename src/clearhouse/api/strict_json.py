"""JSON read strictly and whole, for the requests that need a closer look.

Why beside msgspec: the fast decoder stops at the first fault, keeps the last of two equal
members silently and knows no literal form of a number. Here duplicates, nesting and numbers
are kept as they were sent, so that every fault can be told at once.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

DEEPEST: Final = 32
"""Levels of nesting that are read at all; a request needs four, a rich buyer_info a few more."""

_TOKENS: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)


class MalformedJson(ValueError):
    """The text is not JSON; the message says why without quoting it."""


class TooDeep(ValueError):
    """The text nests deeper than DEEPEST."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written, so that nothing is lost before it is judged."""

    literal: str

    def value(self) -> int | float | None:
        """The number, or None when it does not fit what JSON readers agree on (RFC 8259, 6)."""
        if len(self.literal) > 40:
            return None
        if re.fullmatch(r"-?[0-9]+", self.literal):
            whole = int(self.literal)
            return whole if abs(whole) < 2**53 else None
        number = float(self.literal)
        return number if abs(number) < 2.0**1023 else None

    def digits(self) -> str:
        """The number written out, exponents undone where that makes a whole number."""
        number = self.value()
        if isinstance(number, float) and number.is_integer() and abs(number) < 10**20:
            return str(int(number))
        return self.literal


@dataclass(slots=True)
class Members:
    """An object's members, the first of each name; the names that came again stand apart."""

    values: dict[str, Any] = field(default_factory=dict[str, Any])
    repeated: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])


def read_strictly(data: bytes) -> Any:
    """Decode UTF-8 JSON: objects as Members, numbers as Number, all else as Python's own.

    Lone surrogates and NUL survive as characters, for the caller to judge. Raises
    MalformedJson and TooDeep.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJson(f"byte {error.start} is not UTF-8") from None
    if _depth(text) > DEEPEST:
        raise TooDeep(f"nests deeper than {DEEPEST} levels")
    try:
        return _decoder.decode(text)
    except json.JSONDecodeError as error:
        reason = error.msg.split(":", 1)[0].lower()
        raise MalformedJson(f"{reason} at line {error.lineno} column {error.colno}") from None
    except RecursionError:  # pragma: no cover - the depth was counted before
        raise TooDeep(f"nests deeper than {DEEPEST} levels") from None


def _members(pairs: list[tuple[str, Any]]) -> Members:
    members = Members()
    for name, value in pairs:
        if name in members.values:
            members.repeated.append((name, value))
        else:
            members.values[name] = value
    return members


def _no_constant(name: str) -> Any:
    raise MalformedJson(f"{name} is not a JSON number")


def _depth(text: str) -> int:
    depth = deepest = 0
    for token in _TOKENS.finditer(text):
        first = token[0][0]
        if first in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first != '"':
            depth -= 1
    return deepest


_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_int=Number,
    parse_float=Number,
    parse_constant=_no_constant,
    strict=True,
)
