"""What the PSPs take of each charge by agreement, read from the settings."""

import re
from collections.abc import Mapping
from typing import Final

from clearhouse.kernel.money import EXPONENTS, MoneyError, parse_minor
from clearhouse.psp import registry
from clearhouse.settings.model import PlannedFee

_PLAN: Final = re.compile(
    r"(\S+) +([A-Z]{3}) +(?:([0-9]{1,2})(?:\.([0-9]{1,2}))?%)?(?: *\+? *([0-9]+(?:\.[0-9]+)?))?",
    re.ASCII,
)


def read_fees(raw: object) -> Mapping[str, Mapping[str, PlannedFee]]:
    """``stripe USD 2.9% + 0.30, square USD 2.6% + 0.10`` as plans by PSP and currency.

    Raises ValueError with words that follow "must be".
    """
    found: dict[str, dict[str, PlannedFee]] = {}
    for text in (part.strip() for part in str(raw).split(",")):
        if text:
            psp, currency, plan = _plan(text)
            found.setdefault(psp, {})[currency] = plan
    return found


def _plan(text: str) -> tuple[str, str, PlannedFee]:
    match = _PLAN.fullmatch(text)
    if match is None or not (match[3] or match[5]):
        raise ValueError(f"plans such as stripe USD 2.9% + 0.30, which {text!r} is not")
    psp, currency = match[1], match[2]
    if psp not in registry.names():
        raise ValueError(f"plans of {', '.join(registry.names())}; {psp!r} is none of them")
    if currency not in EXPONENTS:
        raise ValueError(f"plans in ISO 4217 currencies, which {currency} is not")
    try:
        fixed = parse_minor(match[5], currency) if match[5] else 0
    except MoneyError as error:
        raise ValueError(f"plans with amounts of their currency: {error}") from None
    basis_points = int(match[3] or 0) * 100 + int((match[4] or "").ljust(2, "0"))
    return psp, currency, PlannedFee(basis_points, fixed)
