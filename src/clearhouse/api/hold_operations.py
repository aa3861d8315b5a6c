"""What the operations on holds take, answer and promise, and their examples."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from clearhouse.access.model import Scope
from clearhouse.api.faults import Faults
from clearhouse.api.flat_bodies import read_flat
from clearhouse.api.listing import DEFAULT_LIMIT, HOLD_STATES, MAX_LIMIT
from clearhouse.api.operation import KEY_HEADER, Operation, path_parameter, query_parameter
from clearhouse.api.payout_bodies import Currency
from clearhouse.api.responses import Moment, encode
from clearhouse.kernel.errors import InvalidRequest
from clearhouse.kernel.money import EXPONENTS
from clearhouse.wallets.holds.model import Hold, HoldKind

_MOST_REASON: Final = 500
_PATH: Final = "/v1/wallets/{seller_account}/holds"
Reason = Annotated[str, Meta(min_length=1, max_length=_MOST_REASON, description="Why, for people.")]


class HoldRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Stop a seller's payouts."""

    reason: Reason
    currency: Annotated[Currency, Meta(description="Left out: all.")] | UnsetType = UNSET
    until: (
        Annotated[
            datetime, Meta(tz=True, description="With its offset. Left out: until it is released.")
        ]
        | UnsetType
    ) = UNSET


class ReleaseRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Let them go on."""

    reason: Reason


class HoldView(msgspec.Struct, frozen=True):
    """What stops a seller's payouts."""

    hold_id: Annotated[str, Meta(description="Ours.")]
    seller_account: Annotated[str, Meta(description="Whose payouts it stops.")]
    currency: Annotated[str | None, Meta(description="Null: in all of them.")]
    kind: Annotated[
        HoldKind,
        Meta(description="`person`: somebody placed it. `dispute`: a dispute is open."),
    ]
    subject: Annotated[str, Meta(description="What it is about, such as a dispute's id.")]
    reason: str
    placed_by: Annotated[str, Meta(description="An API key, an operator, or a service.")]
    since: Moment
    until: Annotated[Moment | None, Meta(description="Null: until it is released.")]
    released_at: Moment | None
    released_by: str | None
    release_reason: str | None


class HoldPageView(msgspec.Struct, frozen=True):
    """Holds, newest first."""

    items: list[HoldView]
    next_cursor: Annotated[
        str | None,
        Meta(description="Send it as `cursor` for the next page; null on the last page."),
    ]


_RULES: Final = {
    "reason": f"must say why, in 1 to {_MOST_REASON} characters",
    "currency": "must be an ISO 4217 currency in capital letters",
    "until": 'must be a time with its offset, such as "2026-04-01T12:00:00Z"',
}


def read_hold(body: bytes) -> tuple[str, str | None, datetime | None, bytes]:
    """Why, in which currency (None: all), until when, and the canonical JSON."""
    wanted, canonical = read_flat(body, HoldRequest, _RULES)
    faults = Faults()
    if wanted.currency is not UNSET and wanted.currency not in EXPONENTS:
        faults.add("/currency", "unknown-currency", _RULES["currency"])
    if faults:
        raise InvalidRequest(faults.found)
    currency = None if wanted.currency is UNSET else wanted.currency
    until = None if wanted.until is UNSET else wanted.until
    return wanted.reason, currency, until, canonical


def read_release(body: bytes) -> str:
    """Why payouts may go on."""
    wanted, _ = read_flat(body, ReleaseRequest, _RULES)
    return wanted.reason


def view_hold(hold: Hold) -> HoldView:
    """One hold."""
    return HoldView(
        str(hold.hold_id),
        hold.seller_account,
        hold.currency,
        hold.kind,
        hold.subject,
        hold.reason,
        hold.placed_by,
        hold.since,
        hold.until,
        hold.released_at,
        hold.released_by,
        hold.release_reason,
    )


def view_holds(holds: Sequence[Hold], cursor: str | None) -> HoldPageView:
    """A page of holds."""
    return HoldPageView([view_hold(hold) for hold in holds], cursor)


def hold_answer(hold: Hold) -> bytes:
    """The answer to a hold that was placed."""
    return encode(view_hold(hold))


_HOLD: Final[dict[str, Any]] = {
    "hold_id": "01a214b0-e888-7b47-85aa-9834ea662c49",
    "seller_account": "lamps-and-more",
    "currency": None,
    "kind": "person",
    "subject": "",
    "reason": "goods that never came, see ticket 4711",
    "placed_by": "key:back-office",
    "since": "2026-03-02T09:30:00.120433Z",
    "until": None,
    "released_at": None,
    "released_by": None,
    "release_reason": None,
}
_RELEASED: Final = {
    **_HOLD,
    "released_at": "2026-03-04T16:02:11.400211Z",
    "released_by": "key:back-office",
    "release_reason": "they came",
}
_SELLER: Final = path_parameter(
    "seller_account", "The seller's account, as you gave it.", "lamps-and-more"
)
_BODY: Final = ("malformed-json", "body-too-large", "unsupported-media-type", "validation-failed")

HOLDS: Final = (
    Operation(
        "POST",
        _PATH,
        "placeHold",
        "Wallets",
        "Stop a seller's payouts",
        "From now on nothing is paid to the seller, in one currency or all, until then or until it "
        "is released. Sales go on, and go on maturing; what is in a batch already goes out. Who "
        "did it and why stands in the audit log. The `Idempotency-Key` is required: the same "
        "request is answered with the very bytes of the first answer.",
        201,
        Scope.WALLETS_WRITE,
        (_SELLER, KEY_HEADER),
        HoldRequest,
        {
            "until it is released": {"reason": "goods that never came, see ticket 4711"},
            "for some time": {
                "reason": "a call to make",
                "currency": "EUR",
                "until": "2030-04-01T12:00:00Z",
            },
        },
        HoldView,
        _HOLD,
        response_headers={
            "Idempotency-Replayed": "`true` when this is an earlier answer, repeated.",
        },
        problems=(
            *_BODY,
            "not-found",
            "invalid-idempotency-key",
            "idempotency-key-reused",
            "idempotency-key-in-use",
        ),
    ),
    Operation(
        "GET",
        _PATH,
        "listHolds",
        "Wallets",
        "List what stops a seller's payouts",
        "Newest first: all there ever were, or those alone that stop payouts now.",
        200,
        Scope.WALLETS_READ,
        (
            _SELLER,
            query_parameter(
                "state", "`open`: those that stop payouts now.", type="string", enum=[*HOLD_STATES]
            ),
            query_parameter(
                "limit",
                "How many holds a page holds.",
                type="integer",
                minimum=1,
                maximum=MAX_LIMIT,
                default=DEFAULT_LIMIT,
            ),
            query_parameter("cursor", "The `next_cursor` of the page before, with its filters."),
        ),
        response=HoldPageView,
        response_example={"items": [_RELEASED], "next_cursor": None},
        problems=("not-found", "invalid-parameter"),
    ),
    Operation(
        "POST",
        _PATH + "/{hold_id}/release",
        "releaseHold",
        "Wallets",
        "Release a hold",
        "Payouts go on as far as this hold is concerned, whoever or whatever placed it. Releasing "
        "one again changes nothing.",
        200,
        Scope.WALLETS_WRITE,
        (_SELLER, path_parameter("hold_id", "The hold's id.", str(_HOLD["hold_id"]))),
        ReleaseRequest,
        {"with a reason": {"reason": "they came"}},
        HoldView,
        _RELEASED,
        problems=(*_BODY, "not-found"),
    ),
)
