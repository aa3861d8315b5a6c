"""The frozen values of outgoing webhooks: endpoints, deliveries and their tries."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from clearhouse.webhooks.outgoing.lifecycle import Answer, DeliveryState, EndpointState

_ENDPOINT: Final = re.compile(r"we_([0-9a-f]{32})")
_MESSAGE: Final = re.compile(r"msg_([0-9a-f]{32})_([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of a merchant. ``filters`` empty means every type. Times are UTC.

    ``seller_account`` None means all sellers. ``failing_since`` is when it first failed after it
    last accepted something; ``disabled_reason`` says why it is off.
    """

    endpoint_id: UUID
    url: str
    description: str
    filters: tuple[str, ...]
    seller_account: str | None
    state: EndpointState
    disabled_reason: str | None
    failing_since: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def public_id(self) -> str:
        """Its id for people and programs: ``we_`` and 32 hexadecimal digits."""
        return f"we_{self.endpoint_id.hex}"


def endpoint_id_of(text: str) -> UUID | None:
    """The id within a public one; None for what never was one."""
    found = _ENDPOINT.fullmatch(text)
    return UUID(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class EndpointPage:
    """Some endpoints, newest first; ``next_before`` is None on the last page."""

    endpoints: tuple[Endpoint, ...]
    next_before: UUID | None


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """A fresh endpoint and its secret, which is shown this once."""

    endpoint: Endpoint
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an endpoint is to be; None leaves it as it is."""

    url: str | None = None
    filters: tuple[str, ...] | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryKey:
    """Which delivery: one version of one object, to one endpoint."""

    aggregate_id: UUID
    version: int
    endpoint_id: UUID

    @property
    def message_id(self) -> str:
        """The ``webhook-id``: the same for every try, so that a receiver can tell repeats."""
        return f"msg_{self.aggregate_id.hex}_{self.version}"


def delivery_key_of(endpoint_id: UUID, message_id: str) -> DeliveryKey | None:
    """Which delivery of an endpoint a ``webhook-id`` names; None for what never was one."""
    found = _MESSAGE.fullmatch(message_id)
    return DeliveryKey(UUID(found[1]), int(found[2]), endpoint_id) if found else None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message on its way to an endpoint, or there. Times are UTC.

    ``next_at`` is when it is tried next, while it is WAITING.
    """

    key: DeliveryKey
    type: str
    object_id: str
    payload: str
    state: DeliveryState
    tries: int
    last_status: int | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Some deliveries, newest first; ``more``: older ones follow."""

    deliveries: tuple[Delivery, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Try:
    """One try of a delivery."""

    number: int
    at: datetime
    status: int | None
    error: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery under lease, with what is needed to send it; ``fence`` as with orders.

    ``secrets`` are all that are valid now, the newest first: a message is signed with each. There
    is none when the keys that opened them are lost.
    """

    key: DeliveryKey
    fence: int
    tries: int
    url: str
    payload: str
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of sending a claimed delivery."""

    claimed: Claimed
    at: datetime
    answer: Answer
    milliseconds: int
