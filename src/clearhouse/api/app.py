"""The API put together: which route is answered by whom."""

from typing import Any

from litestar import Litestar, Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.edge import Edge, problem_response, request_id_of
from clearhouse.api.health import Health
from clearhouse.api.intake import PATH
from clearhouse.api.lookups import Lookups
from clearhouse.api.metrics import metrics_in
from clearhouse.api.operations import OPERATIONS, PAGES
from clearhouse.api.pages import Pages
from clearhouse.api.problems import problem_of


def routes() -> tuple[str, ...]:
    """Every route as method and path, such as ``POST /v1/payments``."""
    return (*(operation.route for operation in OPERATIONS), *PAGES)


async def _answered_at_the_edge() -> None:
    """Stands for the hot path in routing, so that other methods are told of it (405)."""
    raise AssertionError("the edge answers this route before routing")


def create_app(deps: ApiDependencies) -> Litestar:
    """The API as an ASGI application."""
    metrics = metrics_in(deps.registry)
    lookups, health, pages = Lookups(deps), Health(deps), Pages()

    def on_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        problem = problem_of(error, request_id_of(request.scope))
        metrics.problem(problem.slug)
        return problem_response(problem, request)

    handlers: list[HTTPRouteHandler] = [
        post(PATH)(_answered_at_the_edge),
        get(PATH)(lookups.orders),
        get("/v1/payments/{payment_order_id:str}")(lookups.order),
        get("/v1/checkouts/{checkout_id:str}")(lookups.checkout),
        get("/v1/wallets/{seller_account:str}")(lookups.wallet),
        get("/healthz")(health.alive),
        get("/readyz")(health.ready),
        get("/metrics")(health.metrics),
        get("/")(pages.home),
        get("/docs")(pages.docs),
        get("/openapi.json")(pages.document),
        get("/problems/{slug:str}")(pages.problem),
    ]
    app = Litestar(
        handlers,
        exception_handlers={Exception: on_error},
        openapi_config=None,
        logging_config=None,
        request_max_body_size=deps.max_body_bytes,
    )
    app.asgi_handler = Edge(app.asgi_handler, deps, metrics)
    return app
