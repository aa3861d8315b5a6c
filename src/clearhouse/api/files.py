"""Files that are handed in: streamed as they come, never held in memory."""

from collections.abc import AsyncIterator
from typing import Any, Final

from litestar import Request, Response

from clearhouse.access.model import Scope
from clearhouse.api.authorization import authorized
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.file_views import view_file
from clearhouse.api.http import body_pieces, header
from clearhouse.api.lookups import json_answer, pairs_of
from clearhouse.api.problems import HttpError
from clearhouse.api.responses import encode
from clearhouse.kernel.errors import Fault

AnyRequest = Request[Any, Any, Any]
PATH: Final = "/v1/reconciliation/files"
_LONGEST_NAME: Final = 255


class Files:
    """The handler of files."""

    def __init__(self, deps: ApiDependencies) -> None:
        self._deps = deps

    async def take(self, request: AnyRequest) -> Response[bytes]:
        """Read a settlement report or a bank statement."""
        scope = request.scope
        await authorized(self._deps.keys, request, Scope.FILES_WRITE)
        name = _name_of(request)
        content: AsyncIterator[bytes] = body_pieces(
            request.receive, header(scope, b"content-length"), self._deps.max_file_bytes
        )
        return json_answer(encode(view_file(await self._deps.files.take(name, content))))


def _name_of(request: AnyRequest) -> str:
    pairs = pairs_of(request)
    given = [value for key, value in pairs if key == "name"]
    faults = [
        Fault(f"?{key}", "unknown", "is no parameter of this operation")
        for key, _ in pairs
        if key != "name"
    ]
    if len(given) > 1 or any(len(one) > _LONGEST_NAME or not one for one in given):
        faults.append(Fault("?name", "malformed", "must be given once, as 1 to 255 characters"))
    if faults:
        raise HttpError("invalid-parameter", "The query is not valid.", parameters=faults)
    return given[0] if given else "file"
