"""Around every Square endpoint: authentication, JSON, headers, errors."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, cast
from urllib.parse import parse_qsl

import msgspec

from clearhouse.sandbox.core import Handler, Request, Response
from clearhouse.sandbox.square.errors import Json, SquareError, failure, invalid

PSP: Final = "square"
VERSION: Final = "2026-09-16"


@dataclass(slots=True)
class Call:
    """One call of an endpoint: who, with what query and what body."""

    account: str
    query: Mapping[str, str]
    body: Json
    request: Request


def respond(request: Request, status: int, body: Json | bytes) -> Response:
    """A response with Square's headers."""
    headers = [
        ("content-type", "application/json"),
        ("square-version", request.headers.get("square-version", VERSION)),
    ]
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Response(status, encoded, headers)


def failed(request: Request, status: int) -> Response:
    """A failure that is not the endpoint's doing."""
    return respond(request, status, failure(status).body())


def endpoint(action: Callable[[Call], Awaitable[Response]]) -> Handler:
    """A handler of the frame from an action that may raise SquareError."""

    async def handler(request: Request) -> Response:
        try:
            account = _account(request)
            body = _decode(request) if request.method != "GET" else {}
            query = dict(parse_qsl(request.query))
            return await action(Call(account, query, body, request))
        except SquareError as error:
            return respond(request, error.status, error.body())

    return handler


def _account(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        detail = "This request could not be authorized."
        raise SquareError(401, "AUTHENTICATION_ERROR", "UNAUTHORIZED", detail)
    return blake2b(token.strip().encode(), digest_size=8).hexdigest()


def _decode(request: Request) -> Json:
    try:
        body = msgspec.json.decode(request.body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise invalid("EXPECTED_JSON_BODY", "Request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise invalid("EXPECTED_JSON_BODY", "Request body must be a JSON object.")
    return cast("Json", body)
