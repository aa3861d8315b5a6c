"""Every type of problem the API answers with: stable names, documented once.

``type`` in an answer is ``/problems/<slug>``, a reference that this API itself serves as a page.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of problem: its stable slug, its status, its title, and what a client should do."""

    slug: str
    status: int
    title: str
    meaning: str
    remedy: str

    @property
    def uri(self) -> str:
        """The problem's ``type``."""
        return f"/problems/{self.slug}"

    @property
    def detail(self) -> str:
        """What an answer says when there is nothing particular to its case."""
        return self.meaning.replace("`", "")


_ALL: Final = (
    ProblemType(
        "malformed-json",
        400,
        "The body is not JSON",
        "The body is not one JSON text in UTF-8 (RFC 8259), so nothing in it could be checked.",
        "Send UTF-8 JSON without a byte order mark, NaN or Infinity.",
    ),
    ProblemType(
        "invalid-parameter",
        400,
        "A parameter is not valid",
        "A query parameter is unknown, given twice, or has a value that it cannot have. Each "
        "fault names its `parameter`.",
        "Mend the parameters that `errors` names.",
    ),
    ProblemType(
        "invalid-idempotency-key",
        400,
        "The Idempotency-Key header is not valid",
        "The header is empty, longer than 255 characters, holds other than visible ASCII "
        "characters, or is sent more than once.",
        "Send one key, such as a UUID, with or without double quotes.",
    ),
    ProblemType(
        "webhook-not-authentic",
        400,
        "The webhook is not authentic",
        "A webhook came without a signature, with a wrong one, or with a time too far from now. "
        "Nothing of it was stored.",
        "Check that the address registered at the PSP is `CLEARHOUSE_API_PUBLIC_URL` with this "
        "path, and that its secret is among those that are set.",
    ),
    ProblemType(
        "unauthenticated",
        401,
        "No valid API key was sent",
        "There is no `Authorization: Bearer` header, or its key is mistyped, unknown, expired or "
        "revoked.",
        "Send a valid key. Keys are made with `clearhouse keys create`.",
    ),
    ProblemType(
        "missing-scope",
        403,
        "The API key may not do this",
        "The key is valid but lacks the scope that the operation asks for.",
        "Use a key with the scope that `detail` names.",
    ),
    ProblemType(
        "not-found",
        404,
        "There is nothing here",
        "The path is unknown, or the payment order or checkout does not exist.",
        "Check the id. What was accepted is found at once, so waiting does not help.",
    ),
    ProblemType(
        "method-not-allowed",
        405,
        "The method is not allowed here",
        "The path exists but does not know this method.",
        "Use a method that the `Allow` header names.",
    ),
    ProblemType(
        "conflict",
        409,
        "An id is already used",
        "A `payment_order_id` or the `checkout_id` belongs to another payment already, or a "
        "webhook `url` to another endpoint. Nothing was accepted.",
        "If you repeat a request, send the same idempotency key. Else choose new ids.",
    ),
    ProblemType(
        "refund-exceeds-capture",
        409,
        "More than is left to refund",
        "The amount is more than what was captured, less what is refunded already or on its way, "
        "less what is under dispute or was lost in one. Nothing was done.",
        "Refund at most what `detail` says is left.",
    ),
    ProblemType(
        "order-not-refundable",
        409,
        "The payment order cannot be refunded",
        "Only a payment order that succeeded can be refunded, and not one that the PSP took back "
        "itself.",
        "Look at the order's `status`. One that is still executing may succeed later.",
    ),
    ProblemType(
        "order-not-authorized",
        409,
        "The payment order cannot be captured or voided",
        "Only a payment order that is authorized can be captured or voided, for at most what is "
        "held, and once.",
        "Look at the order's `status` and `status_reason`. One that succeeded is refunded instead.",
    ),
    ProblemType(
        "dispute-not-answerable",
        409,
        "The dispute cannot be answered",
        "Only a dispute whose bank waits for an answer can be answered, in time, and once.",
        "Look at the dispute's `stage`, its `evidence_due_at`, and the answers that it has.",
    ),
    ProblemType(
        "break-not-decidable",
        409,
        "The break is not decided",
        "It is closed already; or it is about something that must be mended, and closes by itself "
        "then.",
        "Do what `detail` says. A closed one can be reopened.",
    ),
    ProblemType(
        "file-not-understood",
        422,
        "The file was not understood",
        "It is no settlement report and no bank statement that is known, or not one line of it "
        "could be read. Nothing was taken from it.",
        "See what can be read in the reference of settlement sources, and send the file as the PSP "
        "or the bank made it.",
    ),
    ProblemType(
        "second-person-needed",
        409,
        "A second person is needed",
        "The decision is above the limit, and who asked for it cannot let it pass.",
        "Let another key decide the same.",
    ),
    ProblemType(
        "payout-refused",
        409,
        "The payout cannot be made, approved or cancelled",
        "The seller has not so much available, has no bank details, is held or in debt; or the "
        "payout is not in a status for this; or who created it tries to approve it. Nothing was "
        "done.",
        "Do what `detail` says, if anything can be done.",
    ),
    ProblemType(
        "webhook-endpoint-disabled",
        409,
        "The webhook endpoint is disabled",
        "Nothing can be sent to an endpoint that is disabled, by hand or because it took nothing "
        "for too long.",
        "Enable the endpoint, then send again.",
    ),
    ProblemType(
        "body-too-large",
        413,
        "The body is too large",
        "The body is longer than this server accepts (262,144 bytes unless configured).",
        "Shorten `buyer_info`, or split the checkout.",
    ),
    ProblemType(
        "unsupported-media-type",
        415,
        "The content type is not JSON",
        "The `Content-Type` is missing, is not `application/json`, or names another character "
        "set than UTF-8; or the body is compressed.",
        "Send `Content-Type: application/json`, uncompressed.",
    ),
    ProblemType(
        "validation-failed",
        422,
        "The request is not valid",
        "The body is JSON but breaks rules. `errors` holds every fault at once, each with the "
        "JSON pointer of its place. Nothing was accepted.",
        "Mend all places that `errors` names.",
    ),
    ProblemType(
        "card-number-refused",
        422,
        "The request holds a card number",
        "Somewhere in the request stands a number of 13 to 19 digits that is a valid card "
        "number. It was not stored, logged or passed on.",
        "Send the PSP's token instead. If it was no card number, put a letter beside its digits.",
    ),
    ProblemType(
        "idempotency-key-reused",
        422,
        "The idempotency key was used with another body",
        "A request with this key was accepted before, and its body was another one. Nothing was "
        "done now.",
        "Use a new key for a new payment, and the very same body to repeat one.",
    ),
    ProblemType(
        "idempotency-key-in-use",
        429,
        "The first request with this idempotency key is still in flight",
        "Another request with the same key is being processed at this moment.",
        "Wait for `Retry-After` seconds, then repeat the request with the same key.",
    ),
    ProblemType(
        "internal-error",
        500,
        "Something went wrong on our side",
        "An unexpected error. Its details are in the server's log under the `request_id`.",
        "Repeat the request with the same idempotency key; report the `request_id` if it lasts.",
    ),
    ProblemType(
        "unavailable",
        503,
        "The service is not available for now",
        "Something that the service needs, such as its database, does not answer. The request "
        "may or may not have been accepted.",
        "Wait for `Retry-After` seconds, then repeat the request with the same idempotency key.",
    ),
)

TYPES: Final = MappingProxyType({kind.slug: kind for kind in _ALL})
"""All problem types by slug."""
