"""The OpenAPI 3.1 document, made from the very types that decode requests and encode answers."""

from collections.abc import Iterable, Mapping
from inspect import cleandoc
from typing import Any, Final

import msgspec

from clearhouse import __version__
from clearhouse.access.model import Scope
from clearhouse.api import examples
from clearhouse.api.operation import Operation, Parameter
from clearhouse.api.operations import OPERATIONS
from clearhouse.api.problem_types import TYPES, ProblemType
from clearhouse.api.problems import MEDIA_TYPE
from clearhouse.api.responses import ProblemView

_REF: Final = "#/components/schemas/{name}"
_INTRODUCTION: Final = """\
Buyers pay in through PSPs, every checkout is split over its sellers, and no buyer is ever
charged twice.

Amounts are decimal strings, times RFC 3339 in UTC, ids yours. Every answer carries `Request-Id`.
Errors are problem details (RFC 9457) with a stable `type`."""
_ERRORS: Final = {
    "validation-failed": examples.FAULTS,
    "conflict": examples.CONFLICTS,
    "card-number-refused": examples.CARD_FAULTS,
    "invalid-parameter": examples.PARAMETER_FAULTS,
}
_DETAILS: Final = {
    "validation-failed": "The request is not valid.",
    "invalid-parameter": "The query has parameters that are not valid.",
    "missing-scope": "The API key lacks the scope payments:write.",
    "not-found": "There is no payment order with this id.",
    "unauthenticated": "The API key is unknown, expired or revoked. Ask an operator for a new key.",
    "body-too-large": "The body must be at most 262144 bytes.",
    "unsupported-media-type": "Content-Type must be application/json in UTF-8.",
    "malformed-json": "The body is not JSON: expecting value at line 1 column 1.",
    "card-number-refused": "The request holds a card number; send the PSP's token instead.",
}
"""What answers of these types really say."""
_REQUEST_ID: Final = "01a2079e98ba7291a4e846750abd93c8"


def openapi_document() -> dict[str, Any]:
    """The whole document, as plain JSON values."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "clearhouse",
            "version": __version__,
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(o.tag for o in OPERATIONS)],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, made with `clearhouse keys create`. Scopes: "
                    + ", ".join(f"`{scope}`" for scope in Scope),
                }
            },
        },
    }


def problem_example(kind: ProblemType) -> dict[str, Any]:
    """What an answer of this type looks like."""
    shown: dict[str, Any] = {
        "type": kind.uri,
        "title": kind.title,
        "status": kind.status,
        "detail": _DETAILS.get(kind.slug, kind.detail),
        "request_id": _REQUEST_ID,
    }
    if kind.slug in _ERRORS:
        shown["errors"] = _ERRORS[kind.slug]
    return shown


def _schemas() -> dict[str, Any]:
    types = [
        kind for operation in OPERATIONS for kind in (operation.request, operation.response) if kind
    ]
    _, components = msgspec.json.schema_components([*types, ProblemView], ref_template=_REF)
    for schema in components.values():
        if "description" in schema:
            schema["description"] = cleandoc(schema["description"])
    return dict(sorted(components.items()))


def _ref(kind: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": _REF.format(name=kind.__name__)}


def _operation(operation: Operation) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": [_parameter(parameter) for parameter in operation.parameters],
        "responses": {str(operation.status): _success(operation)},
        "security": [{"apiKey": []}] if operation.scope else [],
    }
    if operation.scope:
        shown["x-required-scope"] = operation.scope.value
    if operation.request:
        shown["requestBody"] = {
            "required": True,
            "content": {
                "application/json": {
                    "schema": _ref(operation.request),
                    "examples": _examples(operation.request_examples),
                }
            },
        }
    if operation.takes_file:
        file = {"schema": {"type": "string", "format": "binary"}}
        shown["requestBody"] = {"required": True, "content": {"application/octet-stream": file}}
    shown["responses"] |= _problems(operation.all_problems)
    return shown


def _parameter(parameter: Parameter) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }
    if parameter.example is not None:
        shown["example"] = parameter.example
    return shown


def _success(operation: Operation) -> dict[str, Any]:
    content: dict[str, Any] = {"example": operation.response_example}
    content["schema"] = _ref(operation.response) if operation.response else {"type": "string"}
    headers = {"Request-Id": "Names this request in logs.", **operation.response_headers}
    return {
        "description": "Accepted." if operation.status == 202 else "OK.",
        "headers": {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in headers.items()
        },
        "content": {operation.media_type: content},
    }


def _problems(slugs: Iterable[str]) -> dict[str, Any]:
    by_status: dict[int, list[ProblemType]] = {}
    for slug in slugs:
        by_status.setdefault(TYPES[slug].status, []).append(TYPES[slug])
    return {
        str(status): {
            "description": ". ".join(kind.title for kind in kinds) + ".",
            "content": {
                MEDIA_TYPE: {
                    "schema": _ref(ProblemView),
                    "examples": _examples({kind.slug: problem_example(kind) for kind in kinds}),
                }
            },
        }
        for status, kinds in sorted(by_status.items())
    }


def _examples(values: Mapping[str, Any]) -> dict[str, Any]:
    # Names are component keys, so what stands in them is limited; the summary has the words.
    return {
        name.replace(", ", "-").replace(" ", "-").lower(): {"summary": name, "value": value}
        for name, value in values.items()
    }
