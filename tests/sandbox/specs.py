"""The public API descriptions of the PSPs as validators, where they are at hand.

They are not part of the project (see docs/reference/sandbox.md). Without them the tests
still check the fields that they name themselves.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

_FOLDER = Path(__file__).resolve().parents[3] / "shared" / "specs"
Check = Callable[[Any], None]


@cache
def _document(name: str) -> dict[str, Any] | None:
    path = _FOLDER / name
    return _nullable(json.loads(path.read_text())) if path.exists() else None


def schema_checks(document: str, schema: str) -> list[Check]:
    """A check against a schema of an API description; an empty list where it is absent."""
    loaded = _document(document)
    if loaded is None:
        return []
    components = loaded["components"]
    root = {"components": components, "$ref": f"#/components/schemas/{schema}"}
    validator = Draft202012Validator(root)

    def check(body: Any) -> None:
        faults = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]
        assert not faults, faults[:5]

    return [check]


def fixture_fields(name: str) -> set[str]:
    """The fields of a resource in Stripe's newer fixtures; empty where they are absent."""
    path = _FOLDER / "stripe-fixtures.json"
    return set(json.loads(path.read_text())["resources"][name]) if path.exists() else set()


def _nullable(node: Any) -> Any:
    """OpenAPI 3.0's ``nullable`` as JSON Schema says it."""
    if isinstance(node, list):
        return [_nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    mended = {key: _nullable(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [mended, {"type": "null"}]} if node.get("nullable") is True else mended
