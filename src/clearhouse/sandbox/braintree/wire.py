"""What every Braintree endpoint needs: credentials, the body as a document, answers as such.

200 and 201 carry an object, 422 an ``api-error-response``, 401 and 404 nothing that the SDK
would read. A body that is not XML, or a search for what the sandbox does not know, is 400.
"""

import binascii
from base64 import b64decode
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Final

from clearhouse.sandbox.braintree.criteria import UnknownCriterion
from clearhouse.sandbox.braintree.errors import Invalid, envelope
from clearhouse.sandbox.braintree.fields import Section
from clearhouse.sandbox.braintree.markup import MarkupError, Node, decode, encode
from clearhouse.sandbox.braintree.store import Merchant
from clearhouse.sandbox.core import Core, Handler, Request, Response

Answer = Callable[[Merchant, Request, Section], Awaitable[Response]]
"""An endpoint: the merchant, the request, and its document under the name of its root."""

_XML: Final = [("content-type", "application/xml; charset=utf-8")]


def guarded(core: Core, answer: Answer) -> Handler:
    """The frame's handler for an endpoint: checks the keys, reads the body, words the refusals."""

    async def handler(request: Request) -> Response:
        if not _authenticated(request):
            return Response(401, b"")
        merchant = Merchant(core, request.params["merchant"])
        _remember(core, request, merchant.id)
        try:
            params = parameters(request)
        except MarkupError:
            return Response(400, b"")
        try:
            return await answer(merchant, request, params)
        except Invalid as invalid:
            return refused(envelope(str(invalid), params, invalid.errors))
        except UnknownCriterion:
            return Response(400, b"")

    return handler


def merchant_of(core: Core, request: Request) -> Merchant | None:
    """Whose keys these are: GraphQL names no merchant. Those of nobody belong to ``shop``."""
    if not _authenticated(request):
        return None
    return Merchant(core, core.truth.state(_keys(request)) or "shop")


def _remember(core: Core, request: Request, merchant: str) -> None:
    name = _keys(request)
    if core.truth.state(name) != merchant:
        core.truth.set_state(name, merchant)


def _keys(request: Request) -> str:
    digest = blake2b(request.headers["authorization"].encode(), digest_size=12)
    return f"braintree_keys_{digest.hexdigest()}"


def parameters(request: Request) -> Section:
    """The request's document under the name of its root; empty without a body.

    Raises MarkupError.
    """
    if not request.body:
        return {}
    root, value = decode(request.body)
    return {root: value}


def document(status: int, root: str, content: Node, *, kind: str = "") -> Response:
    """An answer with a document."""
    return Response(status, encode(root, content, kind=kind), list(_XML))


def refused(content: Node) -> Response:
    """The answer to what breaks rules or was declined."""
    return document(422, "api-error-response", content)


def failure(_request: Request, status: int) -> Response:
    """Braintree's edge answers without a document, and the SDK looks at the status alone."""
    return Response(status, b"", list(_XML))


def _authenticated(request: Request) -> bool:
    """Any pair of keys is good, unless one is empty or begins with ``wrong``."""
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        public, _, private = b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    good = all(key and not key.startswith("wrong") for key in (public, private))
    return kind.lower() == "basic" and good
