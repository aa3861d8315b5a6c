"""What the operations on payouts promise, and their examples."""

from typing import Any, Final

from clearhouse.access.model import Scope
from clearhouse.api.listing import DEFAULT_LIMIT, MAX_LIMIT
from clearhouse.api.operation import KEY_HEADER, Operation, path_parameter, query_parameter
from clearhouse.api.payout_bodies import BankDetailsRequest, PayoutCancelRequest, PayoutRequest
from clearhouse.api.payout_views import (
    BankDetailsListView,
    BankDetailsView,
    PayoutPageView,
    PayoutView,
)
from clearhouse.wallets.payouts.model import PayoutStatus

PAYOUT: Final[dict[str, Any]] = {
    "payout_id": "po_019ca8d5a4c17d0e9b1e6a5f0c3b2d41",
    "seller_account": "lamps-and-more",
    "amount": "1250.00",
    "currency": "EUR",
    "status": "created",
    "status_reason": None,
    "detail": "",
    "period": None,
    "note": "asked for by phone",
    "needs_approval": True,
    "created_by": "key:back-office",
    "approved_by": None,
    "rail": None,
    "batch_id": None,
    "reference": None,
    "created_at": "2026-03-02T09:30:00.120433Z",
    "updated_at": "2026-03-02T09:30:00.120433Z",
    "submitted_at": None,
    "paid_at": None,
}
_APPROVED: Final = {
    **PAYOUT,
    "status": "approved",
    "approved_by": "key:treasurer",
    "updated_at": "2026-03-02T10:02:11.004310Z",
}
_PAID: Final = {
    **_APPROVED,
    "status": "paid",
    "rail": "sepa",
    "batch_id": "019ca8f2c1b07a2f8c1d2e3f4a5b6c7d",
    "reference": "019ca8f2c1b07a2f8c1d2e3f4a5b6c7d.xml",
    "updated_at": "2026-03-03T06:00:04.900211Z",
    "submitted_at": "2026-03-02T10:02:12.310077Z",
    "paid_at": "2026-03-03T06:00:00Z",
}
_CANCELLED: Final = {
    **PAYOUT,
    "status": "cancelled",
    "detail": "cancelled by key:back-office: wrong seller",
    "updated_at": "2026-03-02T09:41:50.700214Z",
}
DETAILS: Final[dict[str, Any]] = {
    "currency": "EUR",
    "kind": "iban",
    "rail": "sepa",
    "last_four": "3000",
    "usable_from": "2026-03-05T09:30:00.120433Z",
    "correction": None,
    "changed_by": "key:back-office",
    "changed_at": "2026-03-02T09:30:00.120433Z",
}

_CREATE: Final = """\
Pays a seller out of what is available: an `amount`, or all that may be paid. The money leaves
`available` in the same database transaction, so it can never be paid twice.

**Repeating is safe.** The `Idempotency-Key` is required: the same request is answered with the
very bytes of the first answer.

Above the platform's limit the payout is `created` and waits until somebody else approves it; below
it is `approved` at once. Payouts by schedule need no request."""

_ID: Final = path_parameter("payout_id", "The payout's id.", PAYOUT["payout_id"])
_SELLER: Final = path_parameter(
    "seller_account", "The seller's account, as you gave it.", "lamps-and-more"
)
_BODY: Final = (
    "malformed-json",
    "body-too-large",
    "unsupported-media-type",
    "validation-failed",
)

PAYOUTS: Final = (
    Operation(
        "POST",
        "/v1/payouts",
        "createPayout",
        "Payouts",
        "Pay a seller",
        _CREATE,
        202,
        Scope.PAYOUTS_WRITE,
        (KEY_HEADER,),
        PayoutRequest,
        {
            "an amount": {
                "seller_account": "lamps-and-more",
                "amount": "1250.00",
                "currency": "EUR",
                "note": "asked for by phone",
            },
            "all that may be paid": {"seller_account": "old-books", "currency": "EUR"},
        },
        PayoutView,
        PAYOUT,
        response_headers={
            "Location": "The payout's address.",
            "Idempotency-Replayed": "`true` when this is an earlier answer, repeated.",
        },
        problems=(
            *_BODY,
            "invalid-idempotency-key",
            "payout-refused",
            "idempotency-key-reused",
            "idempotency-key-in-use",
        ),
    ),
    Operation(
        "GET",
        "/v1/payouts",
        "listPayouts",
        "Payouts",
        "List payouts",
        "Newest first. Filters may be combined.",
        200,
        Scope.PAYOUTS_READ,
        (
            query_parameter(
                "status", "Only payouts in this status.", type="string", enum=[*PayoutStatus]
            ),
            query_parameter("seller_account", "Only this seller's payouts.", "lamps-and-more"),
            query_parameter(
                "currency",
                "Only payouts in this currency.",
                "EUR",
                type="string",
                pattern="^[A-Z]{3}$",
            ),
            query_parameter(
                "limit",
                "How many payouts a page holds.",
                type="integer",
                minimum=1,
                maximum=MAX_LIMIT,
                default=DEFAULT_LIMIT,
            ),
            query_parameter("cursor", "`next_cursor` of the page before, with the same filters."),
        ),
        response=PayoutPageView,
        response_example={"items": [_PAID], "next_cursor": None},
        response_headers={"Link": 'The next page, as `rel="next"`.'},
        problems=("invalid-parameter",),
    ),
    Operation(
        "GET",
        "/v1/payouts/{payout_id}",
        "getPayout",
        "Payouts",
        "Get a payout",
        "Where it is, and by which way it went.",
        200,
        Scope.PAYOUTS_READ,
        (_ID,),
        response=PayoutView,
        response_example=_PAID,
        problems=("not-found",),
    ),
    Operation(
        "POST",
        "/v1/payouts/{payout_id}/approve",
        "approvePayout",
        "Payouts",
        "Approve a payout",
        "Lets a payout go that needs a second person: any key with this scope but the one that "
        "created it. Again, it changes nothing.",
        200,
        Scope.PAYOUTS_APPROVE,
        (_ID,),
        response=PayoutView,
        response_example=_APPROVED,
        problems=("not-found", "payout-refused"),
    ),
    Operation(
        "POST",
        "/v1/payouts/{payout_id}/cancel",
        "cancelPayout",
        "Payouts",
        "Cancel a payout",
        "Takes a payout back that is `created` or `approved`; the seller has the money available "
        "again. One that is `submitted` may have been sent, and is refused. Again, it changes "
        "nothing.",
        200,
        Scope.PAYOUTS_WRITE,
        (_ID,),
        PayoutCancelRequest,
        {"with a reason": {"reason": "wrong seller"}},
        PayoutView,
        _CANCELLED,
        problems=("not-found", "payout-refused", *_BODY),
    ),
    Operation(
        "PUT",
        "/v1/sellers/{seller_account}/bank-details",
        "putBankDetails",
        "Sellers",
        "Say where a seller is paid",
        "An account for one currency, in place of the one before. Its format is checked, it is "
        "stored encrypted, and only its last four characters are ever shown. A change holds the "
        "seller's payouts in this currency until `usable_from`. The same again changes nothing.",
        200,
        Scope.SELLERS_WRITE,
        (_SELLER,),
        BankDetailsRequest,
        {
            "an IBAN": {
                "currency": "EUR",
                "iban": "DE89 3704 0044 0532 0130 00",
                "holder": "Lamps and More GmbH",
            },
            "an American account": {
                "currency": "USD",
                "routing_number": "021000021",
                "account_number": "12345678",
                "holder": "Lamps and More Inc.",
            },
            "an account at Stripe": {"currency": "USD", "stripe_account": "acct_1QxYzAbCdEfGhIjK"},
        },
        BankDetailsView,
        DETAILS,
        problems=("not-found", *_BODY),
    ),
    Operation(
        "GET",
        "/v1/sellers/{seller_account}/bank-details",
        "getBankDetails",
        "Sellers",
        "See where a seller is paid",
        "By currency, each account by its last four characters.",
        200,
        Scope.PAYOUTS_READ,
        (_SELLER,),
        response=BankDetailsListView,
        response_example={"seller_account": "lamps-and-more", "items": [DETAILS]},
        problems=("not-found",),
    ),
)
