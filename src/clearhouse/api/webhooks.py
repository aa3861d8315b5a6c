"""``/v1/webhooks/{psp}``: for PSPs, who bring no API key but a signature."""

from typing import Any

from litestar import Request, Response
from litestar.params import FromPath

from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.http import read_body
from clearhouse.api.metrics import ApiMetrics
from clearhouse.psp.notices import NotAuthentic


class Webhooks:
    """Handlers that acknowledge what is stored, and refuse what is not authentic."""

    def __init__(self, deps: ApiDependencies, metrics: ApiMetrics) -> None:
        self._deps = deps
        self._metrics = metrics

    async def take(self, request: Request[Any, Any, Any], psp: FromPath[str]) -> Response[bytes]:
        """Store a webhook; 200 once it is durable, whether it is new or a repeat."""
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in request.scope["headers"]
        }
        length = headers.get("content-length", "").encode("latin-1") or None
        body = await read_body(request.receive, length, self._deps.max_body_bytes)
        try:
            new = await self._deps.webhooks.receive(psp, headers, body)
        except NotAuthentic:
            self._metrics.webhook(psp, "refused")
            raise
        self._metrics.webhook(psp, "new" if new else "repeated")
        return Response(b"", status_code=200)

    async def challenge(
        self, request: Request[Any, Any, Any], psp: FromPath[str]
    ) -> Response[bytes]:
        """Answer a PSP that makes sure of the address before it uses it."""
        query = {str(name): str(value) for name, value in request.query_params.items()}
        answer = await self._deps.webhooks.challenge(psp, query)
        return Response(answer.encode(), media_type="text/plain")
