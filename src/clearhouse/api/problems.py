"""Errors as RFC 9457 problem details: the one place where an error gets an HTTP status.

Domain errors know nothing of HTTP. Here each kind gets its stable type once, and what nobody
expected becomes a 500 that tells the client nothing but a request id.
"""

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import structlog
from litestar.exceptions import HTTPException

from clearhouse.api.problem_types import TYPES
from clearhouse.kernel.errors import (
    CardNumberRefused,
    ClearhouseError,
    Conflict,
    EndpointDisabled,
    Fault,
    FileNotUnderstood,
    Forbidden,
    IdempotencyMismatch,
    InvalidRequest,
    KeyInUse,
    NotAnswerable,
    NotCapturable,
    NotDecidable,
    NotFound,
    NotRefundable,
    PayoutRefused,
    RefundExceedsCapture,
    SecondPersonNeeded,
    Unauthenticated,
    UnavailableError,
)
from clearhouse.postgres.connection import LOST
from clearhouse.psp.notices import NotAuthentic

__all__ = ["TYPES", "HttpError", "Problem", "problem_of"]

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 1
"""What ``Retry-After`` says when nobody knows better."""

_log: Final = structlog.get_logger("clearhouse.api")
_encoder: Final = msgspec.json.Encoder()

# The first that fits, so what is finer stands before what is coarser.
_SLUGS: Final[tuple[tuple[type[ClearhouseError], str], ...]] = (
    (CardNumberRefused, "card-number-refused"),
    (InvalidRequest, "validation-failed"),
    (NotAuthentic, "webhook-not-authentic"),
    (IdempotencyMismatch, "idempotency-key-reused"),
    (KeyInUse, "idempotency-key-in-use"),
    (RefundExceedsCapture, "refund-exceeds-capture"),
    (NotRefundable, "order-not-refundable"),
    (NotCapturable, "order-not-authorized"),
    (NotAnswerable, "dispute-not-answerable"),
    (NotDecidable, "break-not-decidable"),
    (SecondPersonNeeded, "second-person-needed"),
    (FileNotUnderstood, "file-not-understood"),
    (PayoutRefused, "payout-refused"),
    (EndpointDisabled, "webhook-endpoint-disabled"),
    (Conflict, "conflict"),
    (NotFound, "not-found"),
    (Unauthenticated, "unauthenticated"),
    (Forbidden, "missing-scope"),
    (UnavailableError, "unavailable"),
)
_HTTP_SLUGS: Final = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}


class HttpError(ClearhouseError):
    """A problem that only HTTP knows, such as a wrong content type; ``slug`` names its type."""

    def __init__(
        self,
        slug: str,
        message: str,
        *,
        parameters: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.slug = slug
        self.parameters = parameters
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Problem:
    """An answer that says what went wrong: a type from TYPES and what is particular to the case.

    ``errors`` are objects with a ``pointer`` into the body, or the name of a ``parameter``.
    """

    slug: str
    detail: str
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def status(self) -> int:
        """The HTTP status, which the type fixes."""
        return TYPES[self.slug].status

    def body(self, request_id: str) -> bytes:
        """The JSON of RFC 9457, with the request's id as an extension."""
        kind = TYPES[self.slug]
        members: dict[str, Any] = {
            "type": kind.uri,
            "title": kind.title,
            "status": kind.status,
            "detail": self.detail,
            "request_id": request_id,
        }
        if self.errors:
            members["errors"] = self.errors
        return _encoder.encode(members)


def problem_of(error: Exception, request_id: str) -> Problem:
    """The problem that an error is; what is unexpected is logged, without the request's values."""
    if isinstance(error, LOST):
        error = UnavailableError("The database does not answer.", hint="Try again.")
    if isinstance(error, UnavailableError):
        _log.warning("unavailable", request_id=request_id, reason=error.message)
    match error:
        case HttpError():
            errors = [_parameter(fault) for fault in error.parameters]
            return Problem(error.slug, error.message, errors, error.headers)
        case ClearhouseError():
            slug = next((slug for kind, slug in _SLUGS if isinstance(error, kind)), None)
            if slug is not None:
                return Problem(slug, _detail(error), _errors(error), _headers(error))
        case HTTPException() if error.status_code in _HTTP_SLUGS:
            slug = _HTTP_SLUGS[error.status_code]
            return Problem(slug, TYPES[slug].detail, (), dict(error.headers or {}))
        case HTTPException() if 400 <= error.status_code < 500:
            return Problem("invalid-parameter", "The request cannot be understood.")
        case _:
            pass
    _log.error(
        "unexpected_error",
        request_id=request_id,
        error=type(error).__name__,
        where=_where(error),
    )
    kind = TYPES["internal-error"]
    return Problem(kind.slug, kind.detail)


def _detail(error: ClearhouseError) -> str:
    return f"{error.message} {error.hint}".strip()


def _errors(error: ClearhouseError) -> list[Mapping[str, str]]:
    if not isinstance(error, InvalidRequest | Conflict):
        return []
    return [
        {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail}
        for fault in error.faults
    ]


def _parameter(fault: Fault) -> Mapping[str, str]:
    return {"parameter": fault.pointer, "code": fault.code, "detail": fault.detail}


def _headers(error: ClearhouseError) -> Mapping[str, str]:
    match error:
        case KeyInUse():
            return {"Retry-After": str(error.retry_after_seconds)}
        case UnavailableError():
            return {"Retry-After": str(RETRY_SECONDS)}
        case Unauthenticated():
            return {"WWW-Authenticate": 'Bearer realm="clearhouse"'}
        case _:
            return {}


def _where(error: BaseException) -> list[str]:
    """The places the error passed, innermost last: enough to find it, and no values.

    An exception's text is left out: a database's, for one, quotes the row.
    """
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return [f"{'/'.join(f.filename.split('/')[-2:])}:{f.lineno} {f.name}" for f in frames]
