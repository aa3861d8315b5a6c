"""One operation of the API as data, and its usual parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from clearhouse.access.model import Scope
from clearhouse.api import requests

ALWAYS: Final = ("internal-error", "card-number-refused")
"""Problems that every operation may answer with."""
KEYED: Final = ("unauthenticated", "missing-scope", "unavailable")
"""Problems of every operation that asks for an API key."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the path, the query or a header, with its JSON schema and an example."""

    name: str
    place: str
    description: str
    schema: Mapping[str, Any]
    example: str | int | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. ``request`` and ``response`` are the types that define the JSON."""

    method: str
    path: str
    name: str
    tag: str
    summary: str
    description: str
    status: int
    scope: Scope | None = None
    parameters: tuple[Parameter, ...] = ()
    request: type[msgspec.Struct] | None = None
    request_examples: Mapping[str, Any] = field(default_factory=dict[str, Any])
    response: type[msgspec.Struct] | None = None
    response_example: Any = None
    media_type: str = "application/json"
    response_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    problems: tuple[str, ...] = ()
    takes_file: bool = False
    """Whether the body is a file and no JSON."""

    @property
    def route(self) -> str:
        """Method and path, such as ``POST /v1/payments``."""
        return f"{self.method} {self.path}"

    @property
    def all_problems(self) -> tuple[str, ...]:
        """The slugs of every problem that it may answer with."""
        return (*self.problems, *(KEYED if self.scope else ()), *ALWAYS)


def path_parameter(name: str, description: str, example: str) -> Parameter:
    """An id in the path."""
    schema = {"type": "string", "maxLength": requests.MAX_ID}
    return Parameter(name, "path", description, schema, example)


def query_parameter(
    name: str, description: str, example: str | int | None = None, **schema: Any
) -> Parameter:
    """A parameter in the query; without a schema, any text."""
    return Parameter(name, "query", description, schema or {"type": "string"}, example)


KEY_HEADER: Final = Parameter(
    "Idempotency-Key",
    "header",
    "1 to 255 visible ASCII characters, quoted or not; scoped to your API key. A UUID is good.",
    {"type": "string", "minLength": 1, "maxLength": 257},
    "5b1f0c9e-3d2a-4b9f-9d52-6f2c51a9e0aa",
)
