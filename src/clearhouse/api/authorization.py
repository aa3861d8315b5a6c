"""Who calls, and may they: ``Authorization: Bearer <API key>`` and the scope of an operation."""

from typing import Any

from litestar import Request

from clearhouse.access.model import ApiKey, Scope
from clearhouse.api.dependencies import Keys
from clearhouse.api.http import header
from clearhouse.kernel.errors import Forbidden, Unauthenticated

_NO_KEY = "No API key was sent."
_HINT = 'Send it as "Authorization: Bearer <key>".'


async def authorized(keys: Keys, request: Request[Any, Any, Any], scope: Scope) -> ApiKey:
    """The key that a request was sent with, as ``authorize`` finds it."""
    return await authorize(keys, header(request.scope, b"authorization"), scope)


async def authorize(keys: Keys, sent: bytes | None, scope: Scope) -> ApiKey:
    """The caller's key, if it has the scope.

    ``sent`` is the Authorization header's value. Raises Unauthenticated, Forbidden and
    UnavailableError.
    """
    if sent is None:
        raise Unauthenticated(_NO_KEY, hint=_HINT)
    scheme, _, token = sent.partition(b" ")
    if scheme.lower() != b"bearer" or not token.strip():
        raise Unauthenticated(_NO_KEY, hint=_HINT)
    key = await keys.authenticate(token.strip().decode("latin-1"))
    if scope not in key.scopes:
        raise Forbidden(f"The API key lacks the scope {scope.value}.")
    return key
