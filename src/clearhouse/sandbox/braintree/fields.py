"""Read a decoded request without trusting its shape: a wrong type reads as absent."""

from clearhouse.sandbox.braintree.markup import Decoded

Section = dict[str, Decoded]


def section(value: Decoded, name: str) -> Section:
    """The map under a name, or an empty one."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def text(value: Section, name: str) -> str:
    """The text under a name; numbers as text, everything else as empty."""
    found = value.get(name)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return found if isinstance(found, str) else ""


def flag(value: Section, name: str) -> bool:
    """Whether a switch is on, sent as a boolean or as text."""
    found = value.get(name)
    return found is True or found in {"true", "1"}


def texts(value: Section) -> dict[str, str | None]:
    """The text fields of a section, to be kept and given back as they came."""
    return {name: each for name, each in value.items() if each is None or isinstance(each, str)}
