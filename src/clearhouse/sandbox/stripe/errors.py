"""Stripe's errors: one exception that knows its status and renders Stripe's envelope."""

from typing import Any

import msgspec


class StripeError(Exception):
    """A refusal in Stripe's words.

    ``kind`` is Stripe's ``type``; ``extra`` holds further fields of the envelope, such as
    ``decline_code`` or the embedded ``payment_intent``.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        fields = {"code": code, "param": param, **extra}
        error: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
        if code is not None:
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        self.error = {**error, "message": message, "type": kind}

    def body(self) -> bytes:
        """The JSON envelope."""
        return msgspec.json.encode({"error": self.error})


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> StripeError:
    """A 400 for a parameter that is wrong; nothing is stored under the key."""
    return StripeError(400, "invalid_request_error", message, code=code, param=param)


def missing(param: str) -> StripeError:
    """A 400 for a required parameter that was not sent."""
    return invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")


def not_found(kind: str, identifier: str, *, param: str, status: int = 404) -> StripeError:
    """A 404 (or 400, for an object named in a parameter) for something that is not there."""
    message = f"No such {kind}: '{identifier[:80]}'"
    return StripeError(
        status, "invalid_request_error", message, code="resource_missing", param=param
    )


def failure(status: int) -> StripeError:
    """What an endpoint or its edge says when it is not the caller's fault."""
    if status == 409:
        return StripeError(
            409,
            "idempotency_error",
            "There is currently another in-progress request using this Idempotent Key (that"
            " probably means you submitted twice, and the other request is still going through)."
            " Please try again later.",
            code="idempotency_key_in_use",
        )
    if status == 429:
        return StripeError(
            429,
            "invalid_request_error",
            "Request rate limit exceeded. Learn more about rate limits here"
            " https://stripe.com/docs/rate-limits.",
            code="rate_limit",
        )
    return StripeError(
        status,
        "api_error",
        "Sorry! There was an error while talking to our backend. We've been notified of the"
        " problem and we're working on it.",
    )
