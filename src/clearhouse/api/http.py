"""The little of HTTP that the hot path needs: headers in one pass, a bounded body, a reply."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from litestar.types import HTTPScope, Receive, Send

from clearhouse.api.problems import MEDIA_TYPE, HttpError, Problem

JSON: Final = b"application/json"
_PROBLEM_JSON: Final = MEDIA_TYPE.encode()
_JSON_TYPES: Final = {b"application/json", b"application/json;charset=utf-8"}
RawHeaders = list[tuple[bytes, bytes]]


class Disconnected(Exception):
    """The client went away before its request was whole; nobody waits for an answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. ``headers`` are besides content type and length."""

    status: int
    body: bytes
    headers: RawHeaders
    media_type: bytes = JSON


def problem_reply(problem: Problem, request_id: str) -> Reply:
    """A problem as an answer."""
    headers = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    return Reply(problem.status, problem.body(request_id), headers, _PROBLEM_JSON)


async def send_reply(reply: Reply, send: Send) -> None:
    """Send an answer in two messages."""
    headers = [
        (b"content-type", reply.media_type),
        (b"content-length", b"%d" % len(reply.body)),
        *reply.headers,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body, "more_body": False})


def check_media_type(value: bytes | None, encoding: bytes | None) -> None:
    """Accept uncompressed ``application/json`` in UTF-8. Raises HttpError for all else."""
    if value == JSON and encoding is None:
        return
    compact = (value or b"").replace(b" ", b"").replace(b'"', b"").lower()
    if compact not in _JSON_TYPES:
        raise HttpError("unsupported-media-type", "Content-Type must be application/json in UTF-8.")
    if encoding is not None and encoding.strip().lower() != b"identity":
        raise HttpError("unsupported-media-type", "The body must not be compressed.")


async def read_body(receive: Receive, declared: bytes | None, most: int) -> bytes:
    """The request's body, at most ``most`` bytes; ``declared`` is its Content-Length.

    Raises HttpError when it is longer, before reading the rest, and Disconnected.
    """
    if declared is not None and (not declared.isdigit() or int(declared[:20]) > most):
        raise _too_large(most)
    message = await receive()
    chunks: list[bytes] = []
    size = 0
    while True:
        if message["type"] != "http.request":
            raise Disconnected
        chunk = message["body"]
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            break
        chunks.append(chunk)
        message = await receive()
    return chunk if not chunks else b"".join([*chunks, chunk])


async def body_pieces(receive: Receive, declared: bytes | None, most: int) -> AsyncIterator[bytes]:
    """The request's body in the pieces in which it comes, at most ``most`` bytes in all.

    Raises as ``read_body`` does, as soon as it is known.
    """
    if declared is not None and (not declared.isdigit() or int(declared[:20]) > most):
        raise _too_large(most)
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        size += len(message["body"])
        if size > most:
            raise _too_large(most)
        yield message["body"]
        more = message.get("more_body", False)


def header(scope: HTTPScope, name: bytes) -> bytes | None:
    """The first header of a lower-case name."""
    return next((value for found, value in scope["headers"] if found == name), None)


def _too_large(most: int) -> HttpError:
    # The connection is closed, or the client would go on sending what nobody reads.
    return HttpError(
        "body-too-large",
        f"The body must be at most {most} bytes.",
        headers={"Connection": "close"},
    )
