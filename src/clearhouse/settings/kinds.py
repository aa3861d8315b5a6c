"""The kinds of values a setting can have: how each is read, from text or from TOML.

A reader gets a string (environment) or what TOML made of it, and returns the value or
raises ValueError with words that follow "must be".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from clearhouse.kernel.money import MoneyError, parse_minor

LEVELS: Final = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: its name for people, and its reader."""

    name: str
    read: Callable[[object], Any]


def whole(low: int, high: int) -> Kind:
    """A whole number between two bounds, both allowed."""

    def read(raw: object) -> int:
        text = str(raw).strip()
        if isinstance(raw, bool) or not re.fullmatch(r"-?[0-9]{1,15}", text, re.ASCII):
            raise ValueError("a whole number")
        if not low <= int(text) <= high:
            raise ValueError(f"between {low:,} and {high:,}")
        return int(text)

    return Kind("whole number", read)


def number(low: float, high: float) -> Kind:
    """A number between two bounds, both allowed; never used for money."""

    def read(raw: object) -> float:
        try:
            value = float("nan" if isinstance(raw, bool) else str(raw))
        except ValueError:
            raise ValueError("a number") from None
        if not low <= value <= high:
            raise ValueError(f"a number between {low:g} and {high:g}")
        return value

    return Kind("number", read)


def choice(*options: str) -> Kind:
    """One of a few words."""

    def read(raw: object) -> str:
        value = str(raw).strip().lower()
        if value not in options:
            raise ValueError(f"one of {', '.join(options)}")
        return value

    return Kind(" or ".join(options) if len(options) < 3 else "one word", read)


def words(known: Callable[[], tuple[str, ...]]) -> Kind:
    """A list of known words: comma separated as text, or a list in TOML."""

    def read(raw: object) -> tuple[str, ...]:
        parts = cast("list[object]", raw) if isinstance(raw, list) else str(raw).split(",")
        found = tuple(dict.fromkeys(str(part).strip().lower() for part in parts if str(part)))
        strange = [word for word in found if word not in known()]
        if strange:
            raise ValueError(f"a list out of {', '.join(known())}; {strange[0]!r} is none of them")
        return found

    return Kind("list", read)


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise ValueError("text")  # noqa: TRY004 - readers raise one error only
    if "\x00" in raw:
        raise ValueError("text without NUL")
    return raw.strip()


def _zone(raw: object) -> str:
    value = _text(raw)
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a time zone such as Europe/Berlin") from None
    return value


def _path(raw: object) -> Path:
    return Path(_text(raw)).expanduser().absolute()


def _postgres_url(raw: object) -> str:
    value = _text(raw)
    if not value.startswith(("postgresql://", "postgres://")):
        raise ValueError("a URL such as postgresql://user@host/database")
    return value


def _http_url(raw: object) -> str:
    value = _text(raw).rstrip("/")
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
        raise ValueError("a URL such as http://127.0.0.1:8090")
    return value


def _long_secret(raw: object) -> str:
    value = _text(raw)
    if len(value) < 32:
        raise ValueError("at least 32 characters long")
    return value


def _amounts(raw: object) -> Mapping[str, int]:
    """``USD=0.30, JPY=30`` or a TOML table of the same, as minor units by currency."""
    if isinstance(raw, dict):
        pairs = [(str(k), str(v)) for k, v in cast("dict[object, object]", raw).items()]
    else:
        parts = [part.strip() for part in str(raw).split(",") if part.strip()]
        pairs = [(part.partition("=")[0], part.partition("=")[2]) for part in parts]
    found: dict[str, int] = {}
    for currency, amount in pairs:
        try:
            minor = parse_minor(amount.strip(), currency.strip())
        except MoneyError as error:
            raise ValueError(f"amounts such as USD=0.30, JPY=30 ({error})") from None
        if minor < 0:
            raise ValueError("amounts that are not negative")
        found[currency.strip()] = minor
    return found


ZONE: Final = Kind("time zone", _zone)
TEXT: Final = Kind("text", _text)
PATH: Final = Kind("directory", _path)
POSTGRES_URL: Final = Kind("PostgreSQL URL", _postgres_url)
HTTP_URL: Final = Kind("HTTP URL", _http_url)
LONG_SECRET: Final = Kind("text of 32 characters or more", _long_secret)
AMOUNTS: Final = Kind("amounts by currency", _amounts)
PORT: Final = whole(0, 65535)
