"""``buyer_info``: any JSON object, as long as it can be stored and given back unharmed."""

import re
from typing import Any, Final, cast

import msgspec

from clearhouse.api.faults import Faults, pointer_to
from clearhouse.api.requests import MAX_BUYER_DEPTH, MAX_BUYER_INFO
from clearhouse.api.strict_json import Members, Number

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_LARGEST: Final = 2**53
LAYOUT: Final = "\t\n\r"
"""Control characters that addresses and notes may hold."""

_encoder: Final = msgspec.json.Encoder(order="sorted")


def looks_plain(info: dict[str, Any]) -> int:
    """How many members an object has in all, or -1 when it needs the complete check.

    For values from the fast decoder: text, small whole numbers, truth values and null, nested
    at most MAX_BUYER_DEPTH deep. Whatever else is there is left to ``check_buyer_info``.
    """
    return _count(info, 1)


def encode_buyer_info(info: dict[str, Any]) -> bytes:
    """Compact JSON with sorted members: the same object gives the same bytes."""
    return _encoder.encode(info)


def check_buyer_info(value: Any, faults: Faults) -> None:
    """Note what is wrong with a buyer_info from ``strict_json``."""
    if not isinstance(value, Members):
        faults.add("/buyer_info", "wrong-type", "must be a JSON object")
        return
    before = len(faults.found)
    _check(value, ("buyer_info",), faults)
    if len(faults.found) == before and len(encode_buyer_info(plain(value))) > MAX_BUYER_INFO:
        faults.add("/buyer_info", "too-long", f"must be at most {MAX_BUYER_INFO} bytes of JSON")


def plain(value: Any) -> Any:
    """A value from ``strict_json`` as Python's own dictionaries, lists and numbers."""
    match value:
        case Members():
            return {name: plain(inner) for name, inner in value.values.items()}
        case list():
            return [plain(inner) for inner in cast("list[Any]", value)]
        case Number():
            return value.value()
        case _:
            return value


def check_characters(text: str, pointer: str, faults: Faults, *, allowed: str) -> bool:
    """Note characters that cannot be stored or must not be; says whether there were none.

    ``allowed`` are control characters to let pass.
    """
    if _SURROGATE.search(text):
        faults.add(pointer, "lone-surrogate", "holds half of a surrogate pair, which is no text")
        return False
    controls = set(_CONTROL.findall(text)) - set(allowed)
    if "\x00" in controls:
        faults.add(pointer, "nul-character", "must not hold NUL characters")
        return False
    if controls:
        faults.add(pointer, "control-character", "must not hold control characters")
        return False
    return True


def _check(value: Any, path: tuple[str | int, ...], faults: Faults) -> None:
    pointer = pointer_to(path)
    if len(path) > MAX_BUYER_DEPTH and isinstance(value, Members | list):
        faults.add(pointer, "too-deep", f"must nest at most {MAX_BUYER_DEPTH} levels")
        return
    match value:
        case str():
            check_characters(value, pointer, faults, allowed=LAYOUT)
        case Number():
            if value.value() is None:
                faults.add(pointer, "number-out-of-range", "send such a number as a string")
        case list():
            for index, inner in enumerate(cast("list[Any]", value)):
                _check(inner, (*path, index), faults)
        case Members():
            for name, inner in value.values.items():
                check_characters(name, pointer, faults, allowed="")
                _check(inner, (*path, name), faults)
            for name, _ in value.repeated:
                faults.add(pointer_to((*path, name)), "duplicate-key", "is given more than once")
        case _:
            pass


def _count(value: Any, depth: int) -> int:
    match value:
        case str() | bool() | None:
            return 0
        case int():
            return 0 if -_LARGEST < value < _LARGEST else -1
        case dict():
            inner = list(cast("dict[str, Any]", value).values())
            total = len(inner)
        case list():
            inner = cast("list[Any]", value)
            total = 0
        case _:
            return -1
    if depth > MAX_BUYER_DEPTH:
        return -1
    for item in inner:
        below = 0 if type(item) is str else _count(item, depth + 1)
        if below < 0:
            return -1
        total += below
    return total
