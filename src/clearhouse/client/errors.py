"""What can go wrong, as exceptions: one class for each type of problem that a caller may act on.

All that comes from the API carries the problem's own words (RFC 9457) and its ``request_id``.
Each that may have been accepted all the same carries the ``idempotency_key`` to repeat it with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import msgspec


class ClientError(Exception):
    """Whatever this client raises. ``idempotency_key`` is that of the request, if it had one."""

    idempotency_key: str | None = None


class ConnectionFailed(ClientError):
    """No answer came, after all tries: whether it was accepted is not known.

    Repeating it with the same ``idempotency_key`` is safe, whenever.
    """


class NotAuthentic(ClientError):
    """A webhook whose signature does not hold, or that is too old: act on nothing of it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: where, a stable code, and a sentence for people."""

    code: str
    detail: str
    pointer: str = ""
    parameter: str = ""


class ApiError(ClientError):
    """The API said no. ``slug`` is the last part of the problem's stable ``type``."""

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str,
        request_id: str,
        faults: tuple[Fault, ...] = (),
    ) -> None:
        told = "".join(f"; {one.pointer or one.parameter} {one.detail}" for one in faults)
        super().__init__(f"{status} {slug}: {detail}{told} (request {request_id or 'unknown'})")
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
        self.request_id = request_id
        self.faults = faults


class InvalidRequest(ApiError):
    """The request breaks rules; ``faults`` holds all of them."""


class CardNumberRefused(InvalidRequest):
    """The request holds a card number; send the PSP's token instead."""


class Unauthenticated(ApiError):
    """The API key is missing, mistyped, expired or revoked."""


class MissingScope(ApiError):
    """The API key may not do this."""


class NotFound(ApiError):
    """There is nothing under this id."""


class Conflict(ApiError):
    """What is stored already stands against it; repeating it will not help."""


class RefundExceedsCapture(Conflict):
    """More than is left to refund."""


class NotRefundable(Conflict):
    """The payment order cannot be refunded."""


class NotCapturable(Conflict):
    """The payment order cannot be captured or voided."""


class PayoutRefused(Conflict):
    """The payout cannot be made; ``detail`` says why."""


class IdempotencyKeyReused(Conflict):
    """The idempotency key was used with another body; nothing was done."""


class IdempotencyKeyInUse(Conflict):
    """The first request with this key was still in flight after all tries."""


class FileNotUnderstood(ApiError):
    """Nothing could be taken from the file; ``detail`` says why."""


class Unavailable(ApiError):
    """The service could not answer, after all tries: it may have been accepted all the same."""


_CLASSES: Final[Mapping[str, type[ApiError]]] = MappingProxyType(
    {
        "malformed-json": InvalidRequest,
        "invalid-parameter": InvalidRequest,
        "invalid-idempotency-key": InvalidRequest,
        "validation-failed": InvalidRequest,
        "body-too-large": InvalidRequest,
        "unsupported-media-type": InvalidRequest,
        "card-number-refused": CardNumberRefused,
        "unauthenticated": Unauthenticated,
        "missing-scope": MissingScope,
        "not-found": NotFound,
        "conflict": Conflict,
        "refund-exceeds-capture": RefundExceedsCapture,
        "order-not-refundable": NotRefundable,
        "order-not-authorized": NotCapturable,
        "payout-refused": PayoutRefused,
        "file-not-understood": FileNotUnderstood,
        "idempotency-key-reused": IdempotencyKeyReused,
        "idempotency-key-in-use": IdempotencyKeyInUse,
        "unavailable": Unavailable,
        "internal-error": Unavailable,
    }
)


class _Problem(msgspec.Struct, frozen=True):
    type: str = ""
    title: str = ""
    detail: str = ""
    request_id: str = ""
    errors: tuple[dict[str, str], ...] = ()


def error_of(status: int, body: bytes) -> ApiError:
    """The exception of an answer; what is no problem document (a proxy's page) is one too."""
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        problem = _Problem()
    slug = problem.type.rsplit("/", 1)[-1]
    kind = _CLASSES.get(slug)
    if kind is None:
        kind = Unavailable if status >= 500 else Conflict if status == 409 else ApiError
    faults = tuple(
        Fault(
            one.get("code", ""),
            one.get("detail", ""),
            one.get("pointer", ""),
            one.get("parameter", ""),
        )
        for one in problem.errors
    )
    detail = problem.detail or "the answer is no problem document"
    return kind(status, slug or "unknown", problem.title, detail, problem.request_id, faults)
