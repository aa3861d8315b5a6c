"""What the operations on webhook endpoints promise, and their examples."""

from typing import Any, Final

from clearhouse.access.model import Scope
from clearhouse.api.endpoint_bodies import (
    EndpointChange,
    EndpointRequest,
    ResendRequest,
    RotationRequest,
    SwitchRequest,
)
from clearhouse.api.endpoint_views import (
    DeletedEndpointView,
    DeliveryDetailView,
    DeliveryPageView,
    EndpointPageView,
    EndpointView,
    NewEndpointView,
    ResentView,
    TestMessageView,
)
from clearhouse.api.listing import DEFAULT_LIMIT, MAX_LIMIT
from clearhouse.api.operation import Operation, Parameter, path_parameter, query_parameter
from clearhouse.webhooks.outgoing.lifecycle import DeliveryState

_TAG: Final = "Webhook endpoints"
_PATH: Final = "/v1/webhook-endpoints"
_ONE: Final = _PATH + "/{endpoint_id}"
_ID: Final = path_parameter(
    "endpoint_id", "The endpoint's id.", "we_019ca8d5a4c17d0e9b1e6a5f0c3b2d41"
)
_MESSAGE_ID: Final = path_parameter(
    "message_id", "The message's `webhook-id`.", "msg_019ca8d56f7b7a118c2e1f5d0b9e3a42_3"
)
_BODY: Final = (
    "malformed-json",
    "body-too-large",
    "unsupported-media-type",
    "validation-failed",
)
_LINK: Final = {"Link": 'The next page, as `rel="next"`.'}

ENDPOINT: Final[dict[str, Any]] = {
    "endpoint_id": "we_019ca8d5a4c17d0e9b1e6a5f0c3b2d41",
    "url": "https://hooks.shop.com/clearhouse",
    "description": "the shop's order service",
    "events": ["payment_order.*", "refund.*"],
    "seller_account": None,
    "state": "enabled",
    "disabled_reason": None,
    "failing_since": None,
    "created_at": "2026-03-01T09:00:00.120433Z",
    "updated_at": "2026-03-01T09:00:00.120433Z",
}
SECRET: Final = {**ENDPOINT, "secret": "whsec_tWRmZ2hqa2xhc2Rmb29iYXJiYXpxdXV4MTIzNDU2Nzg="}
OFF: Final = {**ENDPOINT, "state": "disabled", "disabled_reason": "moving to a new host"}
DELIVERY: Final[dict[str, Any]] = {
    "message_id": "msg_019ca8d56f7b7a118c2e1f5d0b9e3a42_3",
    "endpoint_id": "we_019ca8d5a4c17d0e9b1e6a5f0c3b2d41",
    "type": "payment_order.succeeded",
    "object_id": "checkout-7f3a-lamps",
    "version": 3,
    "state": "delivered",
    "tries": 2,
    "last_status": 204,
    "last_error": None,
    "next_try_at": None,
    "created_at": "2026-03-01T12:00:00.901211Z",
    "updated_at": "2026-03-01T12:00:06.204170Z",
}
DETAIL: Final = {
    **DELIVERY,
    "payload": {
        "type": "payment_order.succeeded",
        "timestamp": "2026-03-01T12:00:00.894211Z",
        "data": {
            "version": 3,
            "payment_order_id": "checkout-7f3a-lamps",
            "checkout_id": "checkout-7f3a",
            "seller_account": "lamps-and-more",
            "amount": "49.90",
            "currency": "EUR",
            "platform_fee": "1.75",
            "psp": "stripe",
            "psp_reference": "pi_3QxYzAbCdEfGhIjK",
        },
    },
    "log": [
        {
            "number": 1,
            "at": "2026-03-01T12:00:00.950190Z",
            "status": 503,
            "error": "HTTP 503",
            "milliseconds": 41,
        },
        {
            "number": 2,
            "at": "2026-03-01T12:00:06.170981Z",
            "status": 204,
            "error": None,
            "milliseconds": 33,
        },
    ],
}

_CREATE: Final = """\
Messages are signed as [Standard Webhooks](https://www.standardwebhooks.com) has it, with the
`secret` of this answer, which is shown this once. What happens from now on is sent.

There is at most one endpoint for each `url` and `seller_account`, so that a repeated request adds
no second one: it is answered with `conflict`."""
_RESEND: Final = """\
What failed from `since` on is sent again, the oldest first, with the same `webhook-id` as before.
With `delivered` among the `states`, what was accepted is sent again too."""


def _query(name: str, what: str) -> tuple[Parameter, ...]:
    return (
        query_parameter(
            "limit",
            f"How many {what} a page holds.",
            type="integer",
            minimum=1,
            maximum=MAX_LIMIT,
            default=DEFAULT_LIMIT,
        ),
        query_parameter("cursor", f"`next_cursor` of the page before, with the same {name}."),
    )


def _read(
    path: str,
    name: str,
    words: tuple[str, str],
    parameters: tuple[Parameter, ...],
    response: type[Any],
    example: Any,
    **more: Any,
) -> Operation:
    return Operation(
        "GET",
        path,
        name,
        _TAG,
        *words,
        200,
        Scope.WEBHOOKS_READ,
        parameters,
        response=response,
        response_example=example,
        **more,
    )


def _write(
    method: str,
    path: str,
    name: str,
    words: tuple[str, str],
    status: int,
    parameters: tuple[Parameter, ...],
    response: type[Any],
    example: Any,
    **more: Any,
) -> Operation:
    return Operation(
        method,
        path,
        name,
        _TAG,
        *words,
        status,
        Scope.WEBHOOKS_WRITE,
        parameters,
        response=response,
        response_example=example,
        **more,
    )


ENDPOINTS: Final = (
    _write(
        "POST",
        _PATH,
        "createWebhookEndpoint",
        ("Add a webhook endpoint", _CREATE),
        201,
        (),
        NewEndpointView,
        SECRET,
        request=EndpointRequest,
        request_examples={
            "all about payments and refunds": {
                "url": "https://hooks.shop.com/clearhouse",
                "events": ["payment_order.*", "refund.*"],
                "description": "the shop's order service",
            },
            "everything about one seller": {
                "url": "https://lamps.shop.com/hooks",
                "seller_account": "lamps-and-more",
            },
        },
        response_headers={"Location": "The endpoint's address."},
        problems=(*_BODY, "conflict"),
    ),
    _read(
        _PATH,
        "listWebhookEndpoints",
        ("List webhook endpoints", "Newest first, all or those of one seller; without secrets."),
        (
            query_parameter("seller_account", "Only endpoints for this seller.", "lamps-and-more"),
            *_query("seller", "endpoints"),
        ),
        EndpointPageView,
        {"items": [ENDPOINT], "next_cursor": None},
        response_headers=_LINK,
        problems=("invalid-parameter",),
    ),
    _read(
        _ONE,
        "getWebhookEndpoint",
        ("Get a webhook endpoint", "Whether it works, and since when it does not."),
        (_ID,),
        EndpointView,
        ENDPOINT,
        problems=("not-found",),
    ),
    _write(
        "PATCH",
        _ONE,
        "changeWebhookEndpoint",
        ("Change a webhook endpoint", "What waits for it is sent to the new address."),
        200,
        (_ID,),
        EndpointView,
        ENDPOINT,
        request=EndpointChange,
        request_examples={"other events": {"events": ["payment_order.*", "refund.*"]}},
        problems=(*_BODY, "not-found", "conflict"),
    ),
    _write(
        "DELETE",
        _ONE,
        "deleteWebhookEndpoint",
        (
            "Delete a webhook endpoint",
            "What waits for it is not sent any more, and its secrets are gone.",
        ),
        200,
        (_ID,),
        DeletedEndpointView,
        {"endpoint_id": ENDPOINT["endpoint_id"], "deleted": True},
        problems=("not-found",),
    ),
    _write(
        "POST",
        f"{_ONE}/rotate-secret",
        "rotateWebhookSecret",
        (
            "Rotate a webhook endpoint's secret",
            "Until the overlap is over, messages are signed with both secrets.",
        ),
        200,
        (_ID,),
        NewEndpointView,
        SECRET,
        request=RotationRequest,
        request_examples={"a day to bring it in": {"overlap_hours": 24}},
        problems=(*_BODY, "not-found"),
    ),
    _write(
        "POST",
        f"{_ONE}/enable",
        "enableWebhookEndpoint",
        (
            "Enable a webhook endpoint",
            "What happens from now on is sent. What failed before can be sent again.",
        ),
        200,
        (_ID,),
        EndpointView,
        ENDPOINT,
        request=SwitchRequest,
        request_examples={"with a reason": {"reason": "the host is up again"}},
        problems=(*_BODY, "not-found"),
    ),
    _write(
        "POST",
        f"{_ONE}/disable",
        "disableWebhookEndpoint",
        (
            "Disable a webhook endpoint",
            "Nothing is sent, what waits has failed, and what happens meanwhile is not kept.",
        ),
        200,
        (_ID,),
        EndpointView,
        OFF,
        request=SwitchRequest,
        request_examples={"with a reason": {"reason": "moving to a new host"}},
        problems=(*_BODY, "not-found"),
    ),
    _write(
        "POST",
        f"{_ONE}/test",
        "testWebhookEndpoint",
        (
            "Try a webhook endpoint out",
            "Sends it a `webhook_endpoint.test`, whatever its events are.",
        ),
        202,
        (_ID,),
        TestMessageView,
        {"message_id": "msg_019ca8d5a4c17d0e9b1e6a5f0c3b2d41_1"},
        problems=("not-found", "webhook-endpoint-disabled"),
    ),
    _read(
        f"{_ONE}/deliveries",
        "listWebhookDeliveries",
        ("List deliveries", "What was sent to an endpoint, newest first."),
        (
            _ID,
            query_parameter(
                "state", "Only deliveries in this state.", type="string", enum=[*DeliveryState]
            ),
            *_query("state", "deliveries"),
        ),
        DeliveryPageView,
        {"items": [DELIVERY], "next_cursor": None},
        response_headers=_LINK,
        problems=("invalid-parameter", "not-found"),
    ),
    _read(
        f"{_ONE}/deliveries/{{message_id}}",
        "getWebhookDelivery",
        ("Get a delivery", "The body that is sent, and each time that it was."),
        (_ID, _MESSAGE_ID),
        DeliveryDetailView,
        DETAIL,
        problems=("not-found",),
    ),
    _write(
        "POST",
        f"{_ONE}/deliveries/{{message_id}}/resend",
        "resendWebhookDelivery",
        ("Send a message again", "At once, with the same `webhook-id` and all its tries anew."),
        202,
        (_ID, _MESSAGE_ID),
        ResentView,
        {"resent": 1},
        problems=("not-found", "webhook-endpoint-disabled"),
    ),
    _write(
        "POST",
        f"{_ONE}/resend",
        "resendWebhookDeliveries",
        ("Send all messages of a time again", _RESEND),
        202,
        (_ID,),
        ResentView,
        {"resent": 17},
        request=ResendRequest,
        request_examples={"what failed since the outage": {"since": "2026-03-01T00:00:00Z"}},
        problems=(*_BODY, "not-found", "webhook-endpoint-disabled"),
    ),
)
