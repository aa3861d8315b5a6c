"""Reading parameters of a form: every wrong one is refused in Stripe's words."""

import re
from collections.abc import Collection
from typing import Any, Final, cast

from clearhouse.sandbox.stripe.errors import invalid, missing
from clearhouse.sandbox.stripe.form import Params

_INTEGER: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)


def known(params: Params, names: Collection[str]) -> None:
    """Refuse a parameter that the endpoint does not have, as Stripe does."""
    for name in params:
        if name not in names:
            message = f"Received unknown parameter: {name[:80]}"
            raise invalid(message, param=name[:80], code="parameter_unknown")


def text(params: Params, name: str, longest: int = 5000) -> str | None:
    """A string, or None when it was not sent or is empty."""
    value = params.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise invalid(f"Invalid string: {name}", param=name)
    if len(value) > longest:
        raise invalid(f"Invalid string: {name} is longer than {longest} characters", param=name)
    return value


def choice(params: Params, name: str, allowed: Collection[str]) -> str | None:
    """One of the allowed words, or None."""
    value = text(params, name)
    if value is not None and value not in allowed:
        raise invalid(f"Invalid {name}: must be one of {', '.join(sorted(allowed))}", param=name)
    return value


def integer(params: Params, name: str) -> int | None:
    """A whole number, or None."""
    value = params.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _INTEGER.fullmatch(value):
        shown = str(value)[:40]
        raise invalid(f"Invalid integer: {shown}", param=name, code="parameter_invalid_integer")
    return int(value)


def required_integer(params: Params, name: str) -> int:
    """A whole number that must be sent."""
    value = integer(params, name)
    if value is None:
        raise missing(name)
    return value


def boolean(params: Params, name: str) -> bool:
    """``true`` or ``false``; false when it was not sent."""
    value = params.get(name, "false")
    if value not in {"true", "false", ""}:
        raise invalid(f"Invalid boolean: {str(value)[:40]}", param=name)
    return value == "true"


def nested(params: Params, name: str) -> Params:
    """A nested object, empty when it was not sent."""
    value: Any = params.get(name) or {}
    if not isinstance(value, dict):
        raise invalid(f"Invalid object: {name}", param=name, code="parameter_invalid_empty")
    return cast("Params", value)


def metadata(params: Params) -> dict[str, str]:
    """Metadata within Stripe's limits: 50 names of 40 characters, values of 500."""
    pairs = nested(params, "metadata")
    if len(pairs) > 50:
        raise invalid("Metadata can have at most 50 keys", param="metadata")
    for name, value in pairs.items():
        if len(name) > 40 or not isinstance(value, str) or len(value) > 500:
            message = "Metadata keys have at most 40 characters and values at most 500"
            raise invalid(message, param=f"metadata[{name[:40]}]")
    return {name: value for name, value in pairs.items() if value != ""}
