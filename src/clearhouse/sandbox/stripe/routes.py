"""Stripe's endpoints, with the operation that faults name for each."""

from clearhouse.sandbox.core import Core, Handler, Request, Route
from clearhouse.sandbox.stripe import (
    checkout,
    connect,
    disputes,
    form,
    intents,
    later,
    methods,
    payouts,
    refunds,
    reporting,
    values,
)
from clearhouse.sandbox.stripe.challenge import ChallengePage
from clearhouse.sandbox.stripe.checkout_page import CheckoutPage
from clearhouse.sandbox.stripe.endpoint import Endpoints, failed
from clearhouse.sandbox.stripe.errors import StripeError
from clearhouse.sandbox.stripe.listing import lister, retrieve, searcher
from clearhouse.sandbox.stripe.shelves import PSP, reference

_INTENTS = "/v1/payment_intents"
_CHARGES = "/v1/charges"
_REFUNDS = "/v1/refunds"
_BALANCE = "/v1/balance_transactions"
_DISPUTES = "/v1/disputes"
_SESSIONS = "/v1/checkout/sessions"
_TRANSFERS = "/v1/transfers"
_PAYOUTS = "/v1/payouts"
_RUNS = "/v1/reporting/report_runs"
_RUN = "reporting.report_run"
_CSV = "text/csv; charset=utf-8"
_OF_TRANSFER = ("transfer_group", "destination")
_MOVED = ("source", "type")
_OF_PAGE = ("payment_intent", "status")
_OF_CHARGE = ("payment_intent", "charge")


def routes(core: Core) -> list[Route]:
    """All endpoints of Stripe that the sandbox has."""
    later.register(core)
    ends, page, hosted = Endpoints(core), ChallengePage(core), CheckoutPage(core)
    read, write = ends.read, ends.write
    moved = lister(core, "balance_transaction", _BALANCE, _MOVED)
    table = [
        ("POST", _INTENTS, write(intents.create), "charge"),
        ("GET", _INTENTS, read(lister(core, "payment_intent", _INTENTS, ())), "look-up"),
        (
            "GET",
            f"{_INTENTS}/search",
            read(searcher(core, "payment_intent", f"{_INTENTS}/search")),
            "look-up",
        ),
        ("GET", f"{_INTENTS}/{{id}}", read(retrieve("payment_intent", "intent")), "look-up"),
        ("POST", f"{_INTENTS}/{{id}}/confirm", write(intents.confirm), "confirm"),
        ("POST", f"{_INTENTS}/{{id}}/capture", write(intents.capture), "capture"),
        ("POST", f"{_INTENTS}/{{id}}/cancel", write(intents.cancel), "cancel"),
        ("GET", _CHARGES, read(lister(core, "charge", _CHARGES, ("payment_intent",))), "look-up"),
        (
            "GET",
            f"{_CHARGES}/search",
            read(searcher(core, "charge", f"{_CHARGES}/search")),
            "look-up",
        ),
        ("GET", f"{_CHARGES}/{{id}}", read(retrieve("charge", "charge")), "look-up"),
        ("POST", _REFUNDS, write(refunds.create), "refund"),
        ("GET", _REFUNDS, read(lister(core, "refund", _REFUNDS, _OF_CHARGE)), "look-up"),
        ("GET", f"{_REFUNDS}/{{id}}", read(retrieve("refund", "refund")), "look-up"),
        ("POST", f"{_REFUNDS}/{{id}}", write(refunds.update), "other"),
        ("POST", "/v1/payment_methods", write(methods.create), "other"),
        (
            "GET",
            "/v1/payment_methods/{id}",
            read(retrieve("payment_method", "payment_method")),
            "other",
        ),
        ("GET", _BALANCE, read(payouts.transactions(core, moved)), "other"),
        ("GET", f"{_BALANCE}/{{id}}", read(retrieve("balance_transaction", "id")), "other"),
        ("GET", "/v1/reviews/{id}", read(retrieve("review", "review")), "other"),
        ("GET", _DISPUTES, read(lister(core, "dispute", _DISPUTES, _OF_CHARGE)), "look-up"),
        ("GET", f"{_DISPUTES}/{{id}}", read(retrieve("dispute", "dispute")), "look-up"),
        ("POST", f"{_DISPUTES}/{{id}}", write(disputes.update), "dispute"),
        ("POST", f"{_DISPUTES}/{{id}}/close", write(disputes.close), "dispute"),
        ("POST", _SESSIONS, write(checkout.create), "page"),
        ("GET", _SESSIONS, read(lister(core, checkout.KIND, _SESSIONS, _OF_PAGE)), "look-up"),
        ("GET", f"{_SESSIONS}/{{id}}", read(retrieve(checkout.KIND, "session")), "look-up"),
        ("POST", f"{_SESSIONS}/{{id}}/expire", write(checkout.end), "page"),
        ("GET", f"{_SESSIONS}/{{id}}/line_items", read(checkout.line_items), "look-up"),
        ("POST", _TRANSFERS, write(connect.create_transfer), "transfer"),
        ("GET", _TRANSFERS, read(lister(core, "transfer", _TRANSFERS, _OF_TRANSFER)), "look-up"),
        ("GET", f"{_TRANSFERS}/{{id}}", read(retrieve("transfer", "transfer")), "look-up"),
        ("POST", f"{_TRANSFERS}/{{id}}/reversals", write(connect.reverse), "transfer"),
        ("POST", _PAYOUTS, write(connect.create_payout), "payout"),
        ("GET", _PAYOUTS, read(lister(core, "payout", _PAYOUTS, ("status",))), "look-up"),
        ("GET", f"{_PAYOUTS}/{{id}}", read(retrieve("payout", "payout")), "look-up"),
        *_reports(core, ends),
        ("GET", "/_sandbox/stripe/checkout/{account}/{id}", hosted.show, "other"),
        ("POST", "/_sandbox/stripe/checkout/{account}/{id}", hosted.pay, "other"),
        ("GET", "/_sandbox/stripe/3ds/{account}/{id}", page.show, "other"),
        ("POST", "/_sandbox/stripe/3ds/{account}/{id}", page.answer, "other"),
    ]
    return [
        Route(PSP, method, pattern, handler, failed, operation, _reference)
        for method, pattern, handler, operation in table
    ]


def _reports(core: Core, ends: Endpoints) -> list[tuple[str, str, Handler, str]]:
    file = ends.download(reporting.contents(core), _CSV)
    kind = ends.read(reporting.report_type(core))
    return [
        ("POST", _RUNS, ends.write(reporting.create), "report"),
        ("GET", _RUNS, ends.read(lister(core, _RUN, _RUNS, ())), "report"),
        ("GET", f"{_RUNS}/{{id}}", ends.read(reporting.retrieve_run), "report"),
        ("GET", "/v1/reporting/report_types/{id}", kind, "report"),
        ("GET", "/v1/files/{id}/contents", file, "report"),
    ]


def _reference(request: Request) -> str | None:
    """Our reference in the metadata of a request, else the id in its path."""
    try:
        params = form.decode(request.body.decode("utf-8", "replace"))
        return reference(values.nested(params, "metadata")) or request.params.get("id")
    except (form.FormError, StripeError):
        return request.params.get("id")
