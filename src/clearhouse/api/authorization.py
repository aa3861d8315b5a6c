"""Who calls, and may they: ``Authorization: Bearer <API key>`` and the scope of an operation."""

from clearhouse.access.model import ApiKey, Scope
from clearhouse.api.dependencies import Keys
from clearhouse.kernel.errors import Forbidden, Unauthenticated

_NO_KEY = "No API key was sent."
_HINT = 'Send it as "Authorization: Bearer <key>".'


async def authorize(keys: Keys, header: bytes | None, scope: Scope) -> ApiKey:
    """The caller's key, if it has the scope.

    ``header`` is the Authorization header's value. Raises Unauthenticated, Forbidden and
    UnavailableError.
    """
    if header is None:
        raise Unauthenticated(_NO_KEY, hint=_HINT)
    scheme, _, token = header.partition(b" ")
    if scheme.lower() != b"bearer" or not token.strip():
        raise Unauthenticated(_NO_KEY, hint=_HINT)
    key = await keys.authenticate(token.strip().decode("latin-1"))
    if scope not in key.scopes:
        raise Forbidden(f"The API key lacks the scope {scope.value}.")
    return key
