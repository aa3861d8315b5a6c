"""The errors of clearhouse, which know nothing of HTTP or of the command line.

The hierarchy, drawn as text::

    ClearhouseError              base; carries one sentence and what to do about it
    ├── ConfigurationError       a setting is missing or wrong; nothing was started
    ├── UnavailableError         something we need (PostgreSQL, a PSP) does not answer; try again
    ├── InvalidRequest           the request breaks rules; carries every fault at once
    │   └── CardNumberRefused    a card number was sent where none may be
    ├── NotFound                 the thing asked for does not exist, or not for this caller
    │   └── Archived             it existed, and lies in the archive now
    ├── Conflict                 the request contradicts what is stored already
    │   ├── IdempotencyMismatch  same idempotency key, another body
    │   ├── KeyInUse             same idempotency key, first request still in flight
    │   ├── NotRefundable        the order is not such that money could go back
    │   ├── RefundExceedsCapture more than is left of what was captured
    │   ├── NotCapturable        the order is not authorized, or not for so much
    │   ├── NotAnswerable        the dispute does not wait for an answer
    │   ├── PayoutRefused        the payout may not be made, approved or cancelled
    │   └── EndpointDisabled     the webhook endpoint is switched off
    ├── Unauthenticated          no valid API key
    └── Forbidden                the API key lacks the scope

Why one tree: ``api/problems.py`` and ``cli`` each map it once, so a new error gets
a stable type and an exit code in one place, and no room has to know who is asking.
"""

from dataclasses import dataclass


class ClearhouseError(Exception):
    """One clear sentence for a person, with what to do next.

    ``message`` never holds a secret or a card number: it is logged and shown.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigurationError(ClearhouseError):
    """A setting is missing or wrong; found at start, so nothing was half started."""


class UnavailableError(ClearhouseError):
    """Something clearhouse depends on does not answer; the caller may try again."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: where (JSON pointer, RFC 6901), what, and a stable code."""

    pointer: str
    code: str
    detail: str


class InvalidRequest(ClearhouseError):
    """The request breaks rules; all faults are told at once so that one round trip mends them."""

    def __init__(self, faults: list[Fault], message: str = "The request is not valid.") -> None:
        super().__init__(message)
        self.faults = faults


class CardNumberRefused(InvalidRequest):
    """A card number was found; it is never stored, logged or echoed, only its place is named."""

    def __init__(self, pointer: str) -> None:
        fault = Fault(pointer, "card-number", "looks like a card number")
        super().__init__([fault], "The request holds a card number; send the PSP's token instead.")


class NotFound(ClearhouseError):
    """The thing asked for does not exist, or not for this caller."""


class Archived(NotFound):
    """The thing existed and was put away; its id stays used for ever."""


class Conflict(ClearhouseError):
    """The request contradicts what is already stored; repeating it will not help."""

    def __init__(self, message: str, *, faults: list[Fault] | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.faults = faults or []


class IdempotencyMismatch(Conflict):
    """The idempotency key was used with another body; nothing was done (invariant I5)."""


class KeyInUse(Conflict):
    """The first request with this idempotency key is still in flight (invariant I6)."""

    def __init__(self, message: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NotRefundable(Conflict):
    """The payment order is not such that money could go back: not succeeded, or taken back."""


class RefundExceedsCapture(Conflict):
    """More is to be refunded than is left: the message says what was captured and what is left."""


class NotCapturable(Conflict):
    """The payment order cannot be captured or voided: not authorized, or ended in another way."""


class NotAnswerable(Conflict):
    """The dispute cannot be answered: decided, answered already, or its time is over."""


class PayoutRefused(Conflict):
    """A payout may not be made, approved or cancelled as things are; the message says why."""


class NotDecidable(Conflict):
    """A break that no decision closes: it is closed, or closes by itself when it is mended."""


class FileNotUnderstood(ClearhouseError):
    """A file from which nothing could be taken: no report or statement, or not one line of it."""


class SecondPersonNeeded(Conflict):
    """Whoever asked for a decision cannot be the one who lets it pass."""


class EndpointDisabled(Conflict):
    """A webhook endpoint is switched off, so nothing can be sent to it."""


class Unauthenticated(ClearhouseError):
    """No API key was sent, or it is not valid any more."""


class Forbidden(ClearhouseError):
    """The API key is valid but lacks the scope this operation asks for."""
