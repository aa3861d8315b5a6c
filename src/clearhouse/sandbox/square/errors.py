"""Square's errors: one exception that renders the ``errors[]`` envelope."""

from typing import Any, Final

import msgspec

Json = dict[str, Any]

_INVALID: Final = "INVALID_REQUEST_ERROR"
_OUTSIDE: Final = {
    409: (_INVALID, "CONFLICT", "The request conflicts with one that is being processed."),
    429: ("RATE_LIMIT_ERROR", "RATE_LIMITED", "Too many requests; try again later."),
    500: ("API_ERROR", "INTERNAL_SERVER_ERROR", "An internal error has occurred."),
    503: ("API_ERROR", "SERVICE_UNAVAILABLE", "The service is not available."),
}


class SquareError(Exception):
    """A refusal in Square's words; ``payment`` is the failed payment it may leave behind.

    ``keep`` says whether it is stored under the idempotency key, like a success.
    """

    def __init__(
        self,
        status: int,
        category: str,
        code: str,
        detail: str,
        *,
        field: str | None = None,
        payment: Json | None = None,
        keep: bool = False,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.error: Json = {"category": category, "code": code, "detail": detail}
        if field is not None:
            self.error["field"] = field
        self.payment = payment
        self.keep = keep

    def body(self) -> bytes:
        """The JSON envelope."""
        envelope: Json = {"errors": [self.error]}
        if self.payment is not None:
            envelope["payment"] = self.payment
        return msgspec.json.encode(envelope)


def invalid(code: str, detail: str, field: str | None = None, *, status: int = 400) -> SquareError:
    """A request that breaks a rule; nothing is stored under its key."""
    return SquareError(status, _INVALID, code, detail, field=field)


def not_found(what: str, field: str | None = None) -> SquareError:
    """A 404."""
    return invalid("NOT_FOUND", what, field, status=404)


def failure(status: int) -> SquareError:
    """What an endpoint or its edge says when it is not the caller's fault."""
    return SquareError(status, *_OUTSIDE[status])
