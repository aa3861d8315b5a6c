"""What the API says of webhook endpoints and deliveries: types that define the JSON."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from clearhouse.api.responses import Moment
from clearhouse.webhooks.outgoing.lifecycle import DeliveryState, EndpointState
from clearhouse.webhooks.outgoing.model import Delivery, Endpoint, NewEndpoint, Try

Secret = Annotated[
    str, Meta(description="What messages are signed with. Shown this once; keep it now.")
]


class EndpointView(msgspec.Struct, frozen=True):
    """An address of yours that messages are sent to."""

    endpoint_id: Annotated[str, Meta(description="Ours: `we_` and 32 hexadecimal digits.")]
    url: Annotated[str, Meta(description="Where messages are sent.")]
    description: Annotated[str, Meta(description="What people call it.")]
    events: Annotated[
        list[str], Meta(description="What is sent: types, or `refund.*`. Empty: everything.")
    ]
    seller_account: Annotated[
        str | None, Meta(description="Only what concerns this seller; null: all.")
    ]
    state: Annotated[
        EndpointState, Meta(description="`disabled`: nothing is sent, and nothing is kept for it.")
    ]
    disabled_reason: Annotated[str | None, Meta(description="Why it is disabled.")]
    failing_since: Annotated[
        Moment | None,
        Meta(description="When it first failed after it last accepted something."),
    ]
    created_at: Annotated[Moment, Meta(description="When it was added.")]
    updated_at: Annotated[Moment, Meta(description="When it changed last.")]


class NewEndpointView(EndpointView, frozen=True):
    """A new endpoint, or one with a new secret."""

    secret: Secret


class EndpointPageView(msgspec.Struct, frozen=True):
    """Endpoints, newest first."""

    items: list[EndpointView]
    next_cursor: Annotated[
        str | None,
        Meta(description="Send it as `cursor` for the next page; null on the last page."),
    ]


class DeletedEndpointView(msgspec.Struct, frozen=True):
    """An endpoint that is no more."""

    endpoint_id: Annotated[str, Meta(description="Its id.")]
    deleted: Annotated[bool, Meta(description="Always true.")]


class DeliveryView(msgspec.Struct, frozen=True):
    """A message on its way to an endpoint, or there."""

    message_id: Annotated[str, Meta(description="The `webhook-id`, the same for every try.")]
    endpoint_id: Annotated[str, Meta(description="Where it goes.")]
    type: Annotated[str, Meta(description="Such as `payment_order.succeeded`.")]
    object_id: Annotated[str, Meta(description="What it is about, such as a payment_order_id.")]
    version: Annotated[int, Meta(description="The message's place in the object's life.")]
    state: Annotated[
        DeliveryState,
        Meta(
            description="`waiting`: it is sent when its time comes. `delivered`: answered with "
            "2xx. `failed`: every try failed, or the endpoint was disabled."
        ),
    ]
    tries: Annotated[int, Meta(description="How often it was sent.")]
    last_status: Annotated[int | None, Meta(description="The HTTP status of the last answer.")]
    last_error: Annotated[str | None, Meta(description="What was wrong with it, in one line.")]
    next_try_at: Annotated[Moment | None, Meta(description="`waiting` only: when it is sent.")]
    created_at: Annotated[Moment, Meta(description="When it was laid out for the endpoint.")]
    updated_at: Annotated[Moment, Meta(description="When anything about it changed last.")]


class DeliveryPageView(msgspec.Struct, frozen=True):
    """Deliveries to an endpoint, newest first."""

    items: list[DeliveryView]
    next_cursor: Annotated[
        str | None,
        Meta(description="Send it as `cursor` for the next page; null on the last page."),
    ]


class TryView(msgspec.Struct, frozen=True):
    """One time that a message was sent."""

    number: Annotated[int, Meta(description="1 for the first.")]
    at: Annotated[Moment, Meta(description="When.")]
    status: Annotated[int | None, Meta(description="The HTTP status, if there was an answer.")]
    error: Annotated[str | None, Meta(description="What was wrong, in one line.")]
    milliseconds: Annotated[int, Meta(description="How long it took.")]


class DeliveryDetailView(DeliveryView, frozen=True):
    """A delivery with what was sent and each time that it was."""

    payload: Annotated[Any, Meta(description="The body that is sent.")]
    log: list[TryView]


class ResentView(msgspec.Struct, frozen=True):
    """What is sent again."""

    resent: Annotated[int, Meta(description="How many messages.")]


class TestMessageView(msgspec.Struct, frozen=True):
    """A message that was made to try an endpoint out."""

    message_id: Annotated[str, Meta(description="Look it up among the endpoint's deliveries.")]


def view_endpoint(endpoint: Endpoint) -> EndpointView:
    """One endpoint."""
    return EndpointView(*_members(endpoint))


def view_new_endpoint(made: NewEndpoint) -> NewEndpointView:
    """One endpoint with its secret."""
    return NewEndpointView(*_members(made.endpoint), secret=made.secret)


def view_delivery(delivery: Delivery) -> DeliveryView:
    """One delivery, as lists show it."""
    return DeliveryView(*_delivery(delivery))


def view_delivery_detail(delivery: Delivery, tries: list[Try]) -> DeliveryDetailView:
    """One delivery, whole."""
    return DeliveryDetailView(
        *_delivery(delivery),
        payload=msgspec.Raw(delivery.payload.encode()),
        log=[
            TryView(one.number, one.at, one.status, one.error or None, one.milliseconds)
            for one in tries
        ],
    )


def _members(endpoint: Endpoint) -> tuple[Any, ...]:
    return (
        endpoint.public_id,
        endpoint.url,
        endpoint.description,
        list(endpoint.filters),
        endpoint.seller_account,
        endpoint.state,
        endpoint.disabled_reason,
        endpoint.failing_since,
        endpoint.created_at,
        endpoint.updated_at,
    )


def _delivery(delivery: Delivery) -> tuple[Any, ...]:
    return (
        delivery.key.message_id,
        f"we_{delivery.key.endpoint_id.hex}",
        delivery.type,
        delivery.object_id,
        delivery.key.version,
        delivery.state,
        delivery.tries,
        delivery.last_status,
        delivery.last_error,
        delivery.next_at,
        delivery.created_at,
        delivery.updated_at,
    )
