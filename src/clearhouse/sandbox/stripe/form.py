"""Stripe's form encoding: ``a[b][0][c]=1`` to nested dictionaries and lists."""

import re
from typing import Any, Final, cast
from urllib.parse import parse_qsl

Params = dict[str, Any]
"""Values are strings, lists of values, or Params; nothing else comes out of a form."""

_NAME: Final = re.compile(r"[^\[\]]+")
_KEY: Final = re.compile(r"\[([^\[\]]*)\]")
_DEEPEST: Final = 12


class FormError(ValueError):
    """A parameter name that cannot be decoded; ``param`` is its name as sent."""

    def __init__(self, param: str) -> None:
        super().__init__(f"Invalid parameter name: {param[:80]}")
        self.param = param


def decode(text: str) -> Params:
    """A form or a query string as nested values. Raises FormError on a name that is no path.

    A level whose keys are ``0..n`` (or empty, ``a[]``) becomes a list, in the order sent.
    """
    tree: Params = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        path = _path(name)
        node = tree
        for key in path[:-1]:
            inner = node.setdefault(key or str(len(node)), {})
            if not isinstance(inner, dict):
                raise FormError(name)
            node = cast("Params", inner)
        node[path[-1] or str(len(node))] = value
    return {key: _lists(value) for key, value in tree.items()}


def _path(name: str) -> list[str]:
    match = _NAME.match(name)
    if match is None:
        raise FormError(name)
    path, end = [match[0]], match.end()
    while end < len(name):
        key = _KEY.match(name, end)
        if key is None or len(path) >= _DEEPEST:
            raise FormError(name)
        path.append(key[1])
        end = key.end()
    return path


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    level = cast("Params", value)
    if level and all(key.isdecimal() for key in level):
        return [_lists(inner) for inner in level.values()]
    return {key: _lists(inner) for key, inner in level.items()}
