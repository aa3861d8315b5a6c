"""The bodies of requests about webhook endpoints: few members, every fault at once."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from clearhouse.api.buyer_info import plain
from clearhouse.api.cards import bytes_hold_card_number
from clearhouse.api.documents import document_of
from clearhouse.api.faults import Faults, pointer_to
from clearhouse.api.requests import Identifier
from clearhouse.api.strict_json import Members
from clearhouse.kernel.errors import CardNumberRefused, InvalidRequest
from clearhouse.webhooks.outgoing.endpoints import LONGEST_DESCRIPTION, MOST_FILTERS

_LONGEST_REASON: Final = 500

Url = Annotated[
    str,
    Meta(
        max_length=2048,
        description="Where messages are sent: https, a name of the internet, no user, no fragment. "
        "Nothing is ever sent to private, link-local or metadata addresses, and redirects are not "
        "followed.",
    ),
]
Events = Annotated[
    list[Annotated[str, Meta(max_length=100)]],
    Meta(
        max_length=MOST_FILTERS,
        description="What to send: types such as `payment_order.succeeded`, or all of one object "
        "as `refund.*`. An empty list: everything.",
    ),
]
Description = Annotated[
    str, Meta(max_length=LONGEST_DESCRIPTION, description="What people call it.")
]
Reason = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=_LONGEST_REASON,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="Why, in your words, for the audit log.",
    ),
]


class EndpointRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """An endpoint to add."""

    url: Url
    events: Events | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    seller_account: (
        Annotated[
            Identifier,
            Meta(description="Send only what concerns this seller; left out: all sellers."),
        ]
        | UnsetType
    ) = UNSET


class EndpointChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """What to change of an endpoint; what is left out stays."""

    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    description: Description | UnsetType = UNSET


class RotationRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """How to bring in a new secret."""

    overlap_hours: Annotated[
        int,
        Meta(
            ge=0,
            le=168,
            description="How long the old secret signs beside the new one, so that you can bring "
            "the new one in; 0 after a leak.",
        ),
    ] = 24


class SwitchRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Why an endpoint is switched on or off."""

    reason: Reason | UnsetType = UNSET


class ResendRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Which messages to send again."""

    since: Annotated[
        datetime, Meta(tz=True, description="From when on they were told; with an offset.")
    ]
    until: (
        Annotated[datetime, Meta(tz=True, description="Before when; left out: until now.")]
        | UnsetType
    ) = UNSET
    states: Annotated[
        list[Literal["failed", "delivered"]],
        Meta(
            min_length=1,
            max_length=2,
            description="Left out: those that failed. With `delivered`, all of them.",
        ),
    ] = msgspec.field(default_factory=lambda: ["failed"])


Body = TypeVar("Body", bound=msgspec.Struct)

_RULES: Final[Mapping[str, str]] = {
    "url": "must be a URL of at most 2,048 characters",
    "events": f"must be a list of at most {MOST_FILTERS} event types",
    "description": f"must be text of at most {LONGEST_DESCRIPTION} characters",
    "seller_account": "may hold 1 to 255 ASCII letters, digits and . _ : ~ @ + = - only, a letter "
    "or digit first",
    "overlap_hours": "must be a whole number from 0 to 168",
    "reason": f"must be text of 1 to {_LONGEST_REASON} characters without control characters",
    "since": "must be a time such as 2026-01-31T12:00:00Z, with its offset",
    "until": "must be a time such as 2026-01-31T12:00:00Z, with its offset",
    "states": "must be a list of failed and delivered",
}


def read_endpoint_body(body: bytes, kind: type[Body]) -> Body:
    """What a body asks for; an empty one counts as an empty object.

    Raises CardNumberRefused, InvalidRequest with every fault, and HttpError for what is not JSON.
    """
    if bytes_hold_card_number(body):
        raise CardNumberRefused("")
    faults = Faults()
    values = _checked(document_of(body), kind, faults)
    if faults:
        raise InvalidRequest(faults.found)
    return msgspec.convert(values, kind)


def in_utc(moment: datetime) -> datetime:
    """A time of a body in UTC. Raises InvalidRequest for one that no calendar of ours has."""
    try:
        found = moment.astimezone(UTC)
    except OverflowError:
        found = None
    if found is None or not 1970 <= found.year < 9999:
        faults = Faults()
        faults.add("/since", "invalid-value", "must be a time of this world")
        raise InvalidRequest(faults.found)
    return found


def _checked(document: Any, kind: type[msgspec.Struct], faults: Faults) -> dict[str, Any]:
    if not isinstance(document, Members):
        faults.add("", "wrong-type", "must be a flat JSON object")
        return {}
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    for name, field in fields.items():
        if field.required and name not in document.values:
            faults.add(f"/{name}", "missing", "is required")
    for name, _ in document.repeated:
        faults.add(pointer_to((name,)), "duplicate-key", "is given more than once")
    checked: dict[str, Any] = {}
    for name, value in document.values.items():
        if name not in fields:
            faults.add(pointer_to((name,)), "unknown-field", "is not a field of this object")
            continue
        checked[name] = plain(value)
        try:
            msgspec.json.encode(checked[name])
            msgspec.convert(checked[name], fields[name].type)
        except (msgspec.ValidationError, UnicodeEncodeError):
            faults.add(f"/{name}", "invalid-value", _RULES[name])
    return checked
