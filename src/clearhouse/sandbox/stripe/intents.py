"""The verbs on payment intents: create, confirm, capture, cancel."""

from typing import Final

from clearhouse.sandbox.stripe import charging, currencies, methods, shapes, values
from clearhouse.sandbox.stripe.charging import Confirmation
from clearhouse.sandbox.stripe.endpoint import Call, Effect, Reply
from clearhouse.sandbox.stripe.errors import StripeError, invalid, missing, not_found
from clearhouse.sandbox.stripe.events import API_VERSION
from clearhouse.sandbox.stripe.expand import expand, paths
from clearhouse.sandbox.stripe.form import Params
from clearhouse.sandbox.stripe.shapes import Json


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SHARED: Final = _names(
    "allowed_payment_method_types amount_details capture_method confirmation_token"
    " error_on_requires_action excluded_payment_method_types expand hooks mandate mandate_data"
    " off_session payment_details payment_method payment_method_data payment_method_options"
    " radar_options receipt_email return_url setup_future_usage shipping use_stripe_sdk"
)
_CREATE: Final = _SHARED | _names(
    "amount application_fee_amount automatic_payment_methods confirm confirmation_method currency"
    " customer customer_account description metadata on_behalf_of payment_method_configuration"
    " payment_method_types statement_descriptor statement_descriptor_suffix transfer_data"
    " transfer_group"
)
_CONFIRM: Final = _SHARED | {"amount_to_confirm", "payment_method_types"}
_CAPTURE: Final = _names(
    "amount_details amount_to_capture application_fee_amount expand final_capture hooks metadata"
    " payment_details statement_descriptor statement_descriptor_suffix transfer_data"
)
_WITHOUT_TYPES: Final = "2026-09-30"
_EXCLUSIVE: Final = (
    "automatic_payment_methods",
    "excluded_payment_method_types",
    "payment_method_configuration",
)
_CAPTURE_METHODS: Final = {"automatic", "automatic_async", "manual"}
_REASONS: Final = {"abandoned", "duplicate", "fraudulent", "requested_by_customer"}
_CONFIRMABLE: Final = {"requires_payment_method", "requires_confirmation", "requires_action"}
_PASSED_ON: Final = (
    "customer",
    "description",
    "on_behalf_of",
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)


def create(call: Call) -> Effect:
    """POST /v1/payment_intents, with or without ``confirm=true``."""
    params = call.params
    values.known(params, _CREATE)
    _check_types(call)
    amount = values.required_integer(params, "amount")
    currency = values.text(params, "currency")
    if currency is None:
        raise missing("currency")
    currencies.check(amount, currency.upper())
    wanted = paths(params)
    confirming = values.boolean(params, "confirm")
    method = methods.resolve(call)
    intent = shapes.payment_intent(
        call.shelves.new_id("pi"),
        call.shelves.new_id("")[1:],
        amount=amount,
        currency=currency,
        now=call.shelves.now,
    )
    _fill(call, intent)
    if not confirming:
        _forbid(call, "off_session", "return_url", "error_on_requires_action")
        return lambda: _draft(call, intent, method, wanted)
    if method is None:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            param="payment_method",
            code="payment_intent_unexpected_state",
        )
    confirmation = _confirmation(call, intent, method)

    def effect() -> Reply:
        call.shelves.tell("payment_intent.created", intent)
        error = charging.confirm(call.shelves, intent, confirmation)
        return _reply(call, intent, error, wanted)

    return effect


def confirm(call: Call) -> Effect:
    """POST /v1/payment_intents/{id}/confirm."""
    values.known(call.params, _CONFIRM)
    _check_types(call)
    wanted = paths(call.params)
    intent = _load(call)
    method = methods.resolve(call)
    if method is None and intent["payment_method"]:
        method = call.shelves.load("payment_method", intent["payment_method"])
    if method is None:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            param="payment_method",
            code="payment_intent_unexpected_state",
        )
    capture_method = values.choice(call.params, "capture_method", _CAPTURE_METHODS)
    confirmation = _confirmation(call, intent, method)

    def effect() -> Reply:
        current = _load(call)
        if current["status"] not in _CONFIRMABLE:
            return _unexpected(current, "confirmed")
        if capture_method:
            current["capture_method"] = capture_method
        error = charging.confirm(call.shelves, current, confirmation)
        return _reply(call, current, error, wanted)

    return effect


def capture(call: Call) -> Effect:
    """POST /v1/payment_intents/{id}/capture."""
    values.known(call.params, _CAPTURE)
    wanted = paths(call.params)
    _load(call)
    amount = values.integer(call.params, "amount_to_capture")

    def effect() -> Reply:
        intent = _load(call)
        if intent["status"] != "requires_capture":
            return _unexpected(intent, "captured")
        taken = intent["amount_capturable"] if amount is None else amount
        if not 0 < taken <= intent["amount_capturable"]:
            error = invalid(
                "The amount to capture must be positive and at most the amount authorized.",
                param="amount_to_capture",
                code="amount_too_large",
            )
            return error.status, error.body()
        charging.capture(call.shelves, intent, taken)
        return _reply(call, intent, None, wanted)

    return effect


def cancel(call: Call) -> Effect:
    """POST /v1/payment_intents/{id}/cancel: gives back what was authorized."""
    values.known(call.params, {"cancellation_reason", "expand"})
    reason = values.choice(call.params, "cancellation_reason", _REASONS)
    wanted = paths(call.params)
    _load(call)

    def effect() -> Reply:
        intent = _load(call)
        if intent["status"] not in {*_CONFIRMABLE, "requires_capture"}:
            return _unexpected(intent, "canceled")
        charging.cancel(call.shelves, intent, reason)
        return _reply(call, intent, None, wanted)

    return effect


def _fill(call: Call, intent: Json) -> None:
    params = call.params
    for name in _PASSED_ON:
        intent[name] = values.text(params, name)
    intent["metadata"] = values.metadata(params)
    intent["shipping"] = values.nested(params, "shipping") or None
    intent["application_fee_amount"] = values.integer(params, "application_fee_amount")
    capture_method = values.choice(params, "capture_method", _CAPTURE_METHODS)
    intent["capture_method"] = capture_method or "automatic_async"
    allowed = params.get("allowed_payment_method_types", params.get("payment_method_types"))
    if allowed is not None:
        _forbid_mixing(params)
        if not isinstance(allowed, list) or "card" not in allowed:
            raise invalid("The sandbox knows the payment method type card only.")
        intent["allowed_payment_method_types"] = params.get("allowed_payment_method_types")
        return
    automatic = values.nested(params, "automatic_payment_methods")
    intent["automatic_payment_methods"] = {
        "allow_redirects": values.choice(automatic, "allow_redirects", {"always", "never"})
        or "always",
        "enabled": True,
    }


def _confirmation(call: Call, intent: Json, method: Json) -> Confirmation:
    return_url = values.text(call.params, "return_url")
    automatic = intent["automatic_payment_methods"]
    if automatic and automatic["allow_redirects"] == "always" and return_url is None:
        raise invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard."
            " Because some of these payment methods might redirect your customer off of your page,"
            " you must provide a `return_url`. If you don't want to accept redirect-based payment"
            " methods, set `automatic_payment_methods[enabled]` to `true` and"
            " `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents"
            " and Payment Intents."
        )
    return Confirmation(
        method=method,
        key=call.key,
        challenge_url=f"{call.base_url}/_sandbox/stripe/3ds/{call.account}/{intent['id']}",
        return_url=return_url,
        off_session=call.params.get("off_session", "false") not in {"false", ""},
        error_on_challenge=values.boolean(call.params, "error_on_requires_action"),
    )


def _check_types(call: Call) -> None:
    """Since the API version 2026-09-30 the parameter ``payment_method_types`` is refused."""
    version = call.request.headers.get("stripe-version", API_VERSION)
    if "payment_method_types" in call.params and version >= _WITHOUT_TYPES:
        raise invalid(
            "`payment_method_types` is no longer supported. Use `allowed_payment_method_types` or"
            " dynamic payment methods instead.",
            param="payment_method_types",
            code="payment_method_types_no_longer_supported",
        )


def _forbid_mixing(params: Params) -> None:
    for name in _EXCLUSIVE:
        if name in params:
            message = f"You may only specify one of these parameters: payment method types, {name}."
            raise invalid(message, param=name)


def _draft(call: Call, intent: Json, method: Json | None, wanted: list[list[str]]) -> Reply:
    if method is not None:
        call.shelves.save(method)
        intent.update(payment_method=method["id"], status="requires_confirmation")
    call.shelves.save(intent)
    call.shelves.tell("payment_intent.created", intent)
    return _reply(call, intent, None, wanted)


def _reply(call: Call, intent: Json, error: StripeError | None, wanted: list[list[str]]) -> Reply:
    if error is not None:
        return error.status, error.body()
    return 200, expand(call.shelves, intent, wanted)


def _forbid(call: Call, *names: str) -> None:
    for name in names:
        if name in call.params:
            message = f"`{name}` can only be used when `confirm` is true."
            raise invalid(message, param=name)


def _load(call: Call) -> Json:
    intent = call.shelves.load("payment_intent", call.id)
    if intent is None:
        raise not_found("payment_intent", call.id, param="intent")
    return intent


def _unexpected(intent: Json, verb: str) -> Reply:
    error = StripeError(
        400,
        "invalid_request_error",
        f"This PaymentIntent could not be {verb} because it has a status of {intent['status']}.",
        code="payment_intent_unexpected_state",
        payment_intent=intent,
    )
    return error.status, error.body()
