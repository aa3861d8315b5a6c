"""The routing rules of the settings file, read and checked: one TOML table ``[[routing]]`` each."""

import json
import re
from collections.abc import Mapping
from typing import Final, cast

from clearhouse.kernel.money import EXPONENTS, MoneyError, parse_minor
from clearhouse.psp import registry
from clearhouse.psp.routing import Rule

_COST: Final = re.compile(
    r"(?:([0-9]{1,2})(?:\.([0-9]{1,2}))?%)?(?:\s*\+?\s*([0-9]+(?:\.[0-9]+)?))?", re.ASCII
)
_LISTS: Final = ("currencies", "sellers", "brands")
_NAMES: Final = ("psp", *_LISTS, "at_least", "at_most", "priority", "weight", "cost")


def read_rules(raw: object) -> tuple[Rule, ...]:
    """The rules of a TOML list of tables, or of a JSON list as text.

    Raises ValueError with words that follow "must be".
    """
    if isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except json.JSONDecodeError:
            raise ValueError("a JSON list of routing rules") from None
    if not isinstance(raw, list):
        raise ValueError("a list of routing rules")  # noqa: TRY004 - readers raise one error only
    return tuple(
        _numbered(number, rule) for number, rule in enumerate(cast("list[object]", raw), start=1)
    )


def _numbered(number: int, raw: object) -> Rule:
    try:
        if not isinstance(raw, dict):
            raise ValueError("is no table")  # noqa: TRY004 - readers raise one error only
        return _rule(cast("dict[str, object]", raw))
    except ValueError as error:
        raise ValueError(f"routing rules that make sense: number {number} {error}") from None


def _rule(raw: Mapping[str, object]) -> Rule:
    strange = [name for name in raw if name not in _NAMES]
    if strange:
        raise ValueError(f"has {strange[0]!r}, which is none of {', '.join(_NAMES)}")
    psp = raw.get("psp")
    if psp not in registry.names():
        raise ValueError(f"needs psp, one of {', '.join(registry.names())}")
    currencies, sellers, brands = (_words(raw, name) for name in _LISTS)
    if unknown := sorted(currencies - EXPONENTS.keys()):
        raise ValueError(f"names {unknown[0]!r}, which is no ISO 4217 currency")
    amounts = {name: _amount(raw, name, currencies) for name in ("at_least", "at_most")}
    if None not in amounts.values() and cast("int", amounts["at_least"]) > cast(
        "int", amounts["at_most"]
    ):
        raise ValueError("has at_least above at_most")
    basis_points, fixed = _cost(raw, currencies)
    return Rule(
        psp=cast("str", psp),
        currencies=currencies,
        sellers=sellers,
        brands=frozenset(brand.lower() for brand in brands),
        at_least=amounts["at_least"],
        at_most=amounts["at_most"],
        priority=_whole(raw, "priority", 100),
        weight=_whole(raw, "weight", 1),
        cost_basis_points=basis_points,
        cost_minor=fixed,
    )


def _words(raw: Mapping[str, object], name: str) -> frozenset[str]:
    found = raw.get(name, [])
    if not isinstance(found, list) or not all(
        isinstance(word, str) and word for word in cast("list[object]", found)
    ):
        raise ValueError(f"has {name} that is no list of words")
    return frozenset(cast("list[str]", found))


def _whole(raw: Mapping[str, object], name: str, default: int) -> int:
    found = raw.get(name, default)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= 10_000:
        raise ValueError(f"has {name} that is no whole number from 0 to 10,000")
    return found


def _only(currencies: frozenset[str], name: str) -> str:
    if len(currencies) != 1:
        raise ValueError(f"has an amount in {name}, so it needs exactly one currency")
    (currency,) = currencies
    return currency


def _amount(raw: Mapping[str, object], name: str, currencies: frozenset[str]) -> int | None:
    if name not in raw:
        return None
    return _minor(raw[name], name, _only(currencies, name))


def _minor(found: object, name: str, currency: str) -> int:
    try:
        minor = parse_minor(found, currency) if isinstance(found, str) else -1
    except MoneyError as error:
        raise ValueError(f"has {name} that is no amount of {currency}: {error}") from None
    if minor < 0:
        raise ValueError(f'has {name} that is no amount as text, such as "12.50"')
    return minor


def _cost(raw: Mapping[str, object], currencies: frozenset[str]) -> tuple[int, int]:
    """``"2.9% + 0.30"`` as basis points and minor units; either part may be missing."""
    found = raw.get("cost", "0%")
    match = _COST.fullmatch(found.strip()) if isinstance(found, str) else None
    if match is None or not match[0]:
        raise ValueError('has cost that is not such as "2.9% + 0.30"')
    basis_points = int(match[1] or 0) * 100 + int((match[2] or "").ljust(2, "0"))
    fixed = _minor(match[3], "cost", _only(currencies, "cost")) if match[3] else 0
    return basis_points, fixed
