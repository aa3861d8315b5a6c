"""The API put together: which route is answered by whom."""

from typing import Any

from litestar import Litestar, Request, Response, delete, get, patch, post, put
from litestar.handlers import HTTPRouteHandler

from clearhouse.api.breaks import Breaks
from clearhouse.api.captures import Captures
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.api.disputes import Disputes
from clearhouse.api.edge import Edge, reply_response, request_id_of
from clearhouse.api.endpoints import PATH as ENDPOINTS
from clearhouse.api.endpoints import WebhookEndpoints
from clearhouse.api.files import PATH as FILES
from clearhouse.api.files import Files
from clearhouse.api.health import Health
from clearhouse.api.holds import Holds
from clearhouse.api.http import Disconnected, problem_reply
from clearhouse.api.intake import PATH, PaymentIntake
from clearhouse.api.lookups import Lookups
from clearhouse.api.margins import MarginPages
from clearhouse.api.metrics import metrics_in
from clearhouse.api.operations import OPERATIONS, PAGES, WEBHOOKS
from clearhouse.api.pages import Pages
from clearhouse.api.pay import PayPages, is_buyers, sorry
from clearhouse.api.payouts import Payouts
from clearhouse.api.problems import problem_of
from clearhouse.api.refunds import Refunds
from clearhouse.api.schedules import Schedules
from clearhouse.api.statements import Statements
from clearhouse.api.webhooks import Webhooks


def routes() -> tuple[str, ...]:
    """Every route as method and path, such as ``POST /v1/payments``."""
    return (*(operation.route for operation in OPERATIONS), *WEBHOOKS, *PAGES)


def create_app(deps: ApiDependencies) -> Litestar:
    """The API as an ASGI application."""
    metrics = metrics_in(deps.registry)
    lookups, health, pages = Lookups(deps), Health(deps), Pages()
    intake, refunds, captures = PaymentIntake(deps), Refunds(deps), Captures(deps)
    webhooks, disputes = Webhooks(deps, metrics), Disputes(deps)
    payouts, schedules = Payouts(deps), Schedules(deps)
    paying = PayPages(deps)

    async def take(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The same intake, for paths that only routing recognises, such as ``/v1/payments/``."""
        return reply_response(await intake.take(request.scope, request.receive))

    def on_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        if isinstance(error, Disconnected):
            return Response(b"", status_code=400)  # for nobody
        problem = problem_of(error, request_id_of(request.scope))
        metrics.problem(problem.slug)
        if is_buyers(request.scope["path"]):
            return sorry(problem)
        return reply_response(problem_reply(problem, request_id_of(request.scope)))

    handlers: list[HTTPRouteHandler] = [
        post(PATH)(take),
        get(PATH)(lookups.orders),
        get("/v1/payments/{payment_order_id:str}")(lookups.order),
        post("/v1/payments/{payment_order_id:str}/captures")(captures.capture),
        post("/v1/payments/{payment_order_id:str}/void")(captures.void),
        post("/v1/payments/{payment_order_id:str}/refunds")(refunds.create),
        get("/v1/payments/{payment_order_id:str}/refunds")(refunds.of_payment),
        get("/v1/refunds/{refund_id:str}")(refunds.refund),
        get("/v1/disputes")(disputes.listed),
        get("/v1/disputes/{dispute_id:str}")(disputes.dispute),
        post("/v1/disputes/{dispute_id:str}/evidence")(disputes.send_evidence),
        post("/v1/disputes/{dispute_id:str}/accept")(disputes.accept),
        get("/v1/disputes/{dispute_id:str}/answers")(disputes.answers),
        get("/v1/checkouts/{checkout_id:str}")(lookups.checkout),
        *_break_routes(Breaks(deps), Files(deps)),
        post("/v1/payouts")(payouts.create),
        get("/v1/payouts")(payouts.listed),
        get("/v1/payouts/{payout_id:str}")(payouts.payout),
        post("/v1/payouts/{payout_id:str}/approve")(payouts.approve),
        post("/v1/payouts/{payout_id:str}/cancel")(payouts.cancel),
        put("/v1/sellers/{seller_account:str}/bank-details")(payouts.put_details),
        get("/v1/sellers/{seller_account:str}/bank-details")(payouts.details),
        put("/v1/sellers/{seller_account:str}/payout-schedules")(schedules.put),
        get("/v1/sellers/{seller_account:str}/payout-schedules")(schedules.listed),
        *_wallet_routes(lookups, Statements(deps), MarginPages(deps), Holds(deps)),
        post("/v1/webhooks/{psp:str}")(webhooks.take),
        get("/v1/webhooks/{psp:str}")(webhooks.challenge),
        *_endpoint_routes(WebhookEndpoints(deps)),
        get("/pay/{token:str}")(paying.show),
        post("/pay/{token:str}")(paying.take),
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
    app.asgi_handler = Edge(app.asgi_handler, deps, intake, metrics)
    return app


def _wallet_routes(
    lookups: Lookups, statements: Statements, margins: MarginPages, holds: Holds
) -> list[HTTPRouteHandler]:
    return [
        get("/v1/wallets/{seller_account:str}")(lookups.wallet),
        get("/v1/wallets/{seller_account:str}/statement")(statements.statement),
        get("/v1/wallets/{seller_account:str}/margin")(margins.margin),
        post("/v1/wallets/{seller_account:str}/holds", status_code=201)(holds.place),
        get("/v1/wallets/{seller_account:str}/holds")(holds.listed),
        post("/v1/wallets/{seller_account:str}/holds/{hold_id:str}/release")(holds.release),
    ]


def _endpoint_routes(endpoints: WebhookEndpoints) -> list[HTTPRouteHandler]:
    one = ENDPOINTS + "/{endpoint_id:str}"
    delivery = one + "/deliveries/{message_id:str}"
    return [
        post(ENDPOINTS)(endpoints.create),
        get(ENDPOINTS)(endpoints.listed),
        get(one)(endpoints.endpoint),
        patch(one)(endpoints.change),
        delete(one, status_code=200)(endpoints.delete),
        post(f"{one}/rotate-secret")(endpoints.rotate),
        post(f"{one}/enable")(endpoints.enable),
        post(f"{one}/disable")(endpoints.disable),
        post(f"{one}/test")(endpoints.try_out),
        get(f"{one}/deliveries")(endpoints.deliveries),
        get(delivery)(endpoints.delivery),
        post(f"{delivery}/resend")(endpoints.resend),
        post(f"{one}/resend")(endpoints.resend_since),
    ]


def _break_routes(breaks: Breaks, files: Files) -> list[HTTPRouteHandler]:
    return [
        # It counts the bytes itself, as they come.
        post(FILES, request_max_body_size=None, status_code=200)(files.take),
        get("/v1/breaks")(breaks.listed),
        get("/v1/breaks/{break_id:str}")(breaks.shown),
        post("/v1/breaks/{break_id:str}/decisions")(breaks.decide),
        post("/v1/breaks/{break_id:str}/comments")(breaks.comment),
        post("/v1/breaks/{break_id:str}/assignment")(breaks.assign),
        post("/v1/breaks/{break_id:str}/reopening")(breaks.reopen),
    ]
