"""For load balancers and Prometheus: alive, ready, and measured. No key is asked for."""

from typing import Any

from litestar import Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.responses import HealthView, encode


class Health:
    """Handlers that tell how the process is."""

    def __init__(self, deps: ApiDependencies) -> None:
        self._deps = deps

    async def alive(self) -> Response[Any]:
        """The process runs and its loop turns."""
        return Response(encode(HealthView("ok")), media_type="application/json")

    async def ready(self) -> Response[Any]:
        """Requests can be served: raises UnavailableError when what they need is away."""
        await self._deps.ready()
        return Response(encode(HealthView("ready")), media_type="application/json")

    async def metrics(self) -> Response[Any]:
        """Every metric of the registry in Prometheus' text format."""
        return Response(
            generate_latest(self._deps.registry), headers={"content-type": CONTENT_TYPE_LATEST}
        )
