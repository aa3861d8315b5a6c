"""Serves the stand-in for Braintree's Drop-in: its script, and the frame with the card's fields."""

from pathlib import Path
from typing import Final

from clearhouse.sandbox.core import Core, Request, Response, Route

_FOLDER: Final = Path(__file__).with_name("dropin")
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
_FILES: Final = {
    "/_sandbox/braintree/dropin.js": "dropin.js",
    "/_sandbox/braintree/dropin/fields.html": "fields.html",
    "/_sandbox/braintree/dropin/fields.js": "fields.js",
    "/_sandbox/braintree/dropin/fields.css": "fields.css",
}


def routes(_core: Core) -> list[Route]:
    """One route for each file; read once."""
    return [_route(path, _FOLDER / name) for path, name in _FILES.items()]


def _route(path: str, file: Path) -> Route:
    content = file.read_bytes()
    headers = [
        ("content-type", f"{_TYPES[file.suffix]}; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-cache"),
        # A page that is isolated from other origins may load it all the same.
        ("cross-origin-resource-policy", "cross-origin"),
    ]

    async def handler(_request: Request) -> Response:
        return Response(200, content, list(headers))

    return Route("sandbox", "GET", path, handler, _failure, operation="control")


def _failure(_request: Request, status: int) -> Response:
    return Response(status, b"", [("content-type", "text/plain")])
