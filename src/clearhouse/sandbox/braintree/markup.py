"""Braintree's XML: how the SDK writes requests and what its parser accepts as answers.

Requests use underscored tags, ``type="integer|boolean|datetime"``, ``type="array"`` with
``<item>`` children, and an empty element for None. Answers use dashed tags. A nil must not
carry a type beside it: the SDK would try to convert the missing text and crash.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final, TypeAlias
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

_SPECIAL: Final = re.compile("[&<>\r]")
_DEEPEST: Final = 32
_LONGEST_INTEGER: Final = 18
"""In characters: longer ones fit neither the truth nor any field Braintree has."""


@dataclass(frozen=True, slots=True)
class Items:
    """An XML array, ``<ids type="array"><item>…``; ``tag`` names its children."""

    tag: str
    values: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Repeated:
    """Sibling elements of one name without an array around them, as collections have."""

    values: "tuple[Node, ...]"


Node: TypeAlias = (
    "str | int | bool | date | datetime | Mapping[str, Node] | Items | Repeated | None"
)
"""What ``encode`` writes. Amounts are text; a float is no Node on purpose."""

Decoded: TypeAlias = "str | int | bool | datetime | dict[str, Decoded] | list[Decoded] | None"
"""What ``decode`` reads; an empty element is None, whatever the SDK was given."""


class MarkupError(ValueError):
    """The body is no document that Braintree would read; the answer is 400."""


def encode(root: str, node: Node, *, kind: str = "") -> bytes:
    """A document with the root element ``root``; ``kind`` is its type attribute, if any."""
    out = [f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}{_kind(kind)}>']
    if not isinstance(node, Mapping):
        raise TypeError("a document is a mapping of its elements")
    _write_all(out, node)
    out.append(f"</{root}>\n")
    return "".join(out).encode()


def _write_all(out: list[str], nodes: Mapping[str, Node]) -> None:
    for name, node in nodes.items():
        _write(out, _dashed(name), node)


def _write(out: list[str], tag: str, node: Node) -> None:
    """One element; text and nil first, since nearly all of a transaction is one of them."""
    if node is None:
        out.append(f'<{tag} nil="true"/>')
    elif isinstance(node, str):
        out.append(f"<{tag}>{_escaped(node)}</{tag}>")
    elif isinstance(node, Repeated):
        for value in node.values:
            _write(out, tag, value)
    elif isinstance(node, Items):
        out.append(f'<{tag} type="array">')
        for value in node.values:
            _write(out, node.tag, value)
        out.append(f"</{tag}>")
    elif isinstance(node, int | date):
        kind, text = _typed(node)
        out.append(f"<{tag}{_kind(kind)}>{text}</{tag}>")
    else:
        out.append(f"<{tag}>")
        _write_all(out, node)
        out.append(f"</{tag}>")


@lru_cache(maxsize=1024)
def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _kind(kind: str) -> str:
    return f' type="{kind}"' if kind else ""


def _escaped(text: str) -> str:
    return escape(text, {"\r": "&#13;"}) if _SPECIAL.search(text) else text


def _typed(node: int | date) -> tuple[str, str]:
    """The type attribute and the text of a leaf; bool before int, since every bool is one, and
    likewise datetime and date.
    """
    if isinstance(node, bool):
        return "boolean", "true" if node else "false"
    if isinstance(node, int):
        return "integer", str(node)
    if not isinstance(node, datetime):
        return "date", node.isoformat()
    return "datetime", node.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def decode(body: bytes) -> tuple[str, Decoded]:
    """The root's name and its content; names come back with underscores.

    Raises MarkupError for anything else than one well-formed UTF-8 document without a
    document type, whose entities could be used to blow a parser up.
    """
    try:
        text = body.decode()
        if "<!DOCTYPE" in text:
            raise MarkupError("a document type is not accepted")
        root = ET.fromstring(text)  # noqa: S314 - no document type, hence no entities
    except (UnicodeDecodeError, ValueError, ET.ParseError) as error:
        raise MarkupError(f"not a well-formed XML document: {type(error).__name__}") from None
    return _name(root), _value(root, 1)


def _name(element: ET.Element) -> str:
    if "{" in element.tag:
        raise MarkupError("a namespace is not accepted")
    return element.tag.replace("-", "_")


def _value(element: ET.Element, depth: int) -> Decoded:
    if depth > _DEEPEST:
        raise MarkupError(f"nested deeper than {_DEEPEST} elements")
    kind = element.get("type", "")
    if kind == "array":
        return [_value(child, depth + 1) for child in element]
    if len(element) == 0:
        return _leaf(element.text, kind)
    result: dict[str, Decoded] = {}
    for child in element:
        name, value = _name(child), _value(child, depth + 1)
        if name not in result:
            result[name] = value
            continue
        first = result[name]
        result[name] = [*first, value] if isinstance(first, list) else [first, value]
    return result


def _leaf(text: str | None, kind: str) -> Decoded:
    if not text:
        return None
    try:
        if kind == "integer" and len(text) <= _LONGEST_INTEGER:
            return int(text)
        if kind == "integer":
            raise ValueError(kind)
        if kind == "datetime":
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        raise MarkupError(f"not a {kind}") from None
    return text in {"true", "1"} if kind == "boolean" else text
