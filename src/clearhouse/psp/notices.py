"""What a PSP tells us by itself: its webhooks, authenticated and put into the contract's words.

A webhook is received in two steps, since it is acknowledged before it is understood:
``receive`` authenticates the raw bytes and names the notification, so that it can be stored once;
``read`` says later what it means.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from clearhouse.kernel.errors import ClearhouseError
from clearhouse.kernel.money import Money
from clearhouse.psp.contract import PspOutcome
from clearhouse.psp.disputes import DisputeFacts
from clearhouse.psp.operations import OperationOutcome


class NotAuthentic(ClearhouseError):
    """A webhook without a valid signature, or with one too old or from the future.

    Nothing of it may be stored or believed. The message says which rule was broken, never what
    the signature should have been.
    """


class NotReadable(ClearhouseError):
    """An authentic webhook whose content is not what the PSP documents; a person must look."""


@dataclass(frozen=True, slots=True)
class RawWebhook:
    """One HTTP request as it came. ``headers`` have lower-case names; ``body`` is untouched.

    ``url`` is the address that the PSP calls, as it was registered there: part of what Square
    signs. Never taken from the request, since a proxy may have changed it.
    """

    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(frozen=True, slots=True)
class Received:
    """An authentic webhook: its ``key`` is the same whenever the PSP sends it again."""

    key: str
    kind: str


@dataclass(frozen=True, slots=True)
class ChargeNotice:
    """Something about a charge.

    ``payment_order_id`` and ``idempotency_key`` are ours as the PSP kept them, where it did;
    ``psp_reference`` always leads back to the charge.
    """

    psp_reference: str
    outcome: PspOutcome
    payment_order_id: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class RefundNotice:
    """Something about a refund, ours (``operation_id`` known) or made in the PSP's dashboard."""

    psp_reference: str
    charge_reference: str
    amount: Money
    outcome: OperationOutcome
    operation_id: str | None = None


@dataclass(frozen=True, slots=True)
class DisputeNotice:
    """Something about a dispute."""

    dispute: DisputeFacts


@dataclass(frozen=True, slots=True)
class PageNotice:
    """Something about a hosted payment page; the page is asked for its outcome then.

    ``page_reference`` is the PSP's (a checkout session, an order); ``page_id`` ours where kept.
    """

    page_reference: str
    page_id: str | None = None


@dataclass(frozen=True, slots=True)
class AskAgain:
    """Something changed about a charge and the webhook does not say what: it must be asked.

    Either reference leads to it.
    """

    psp_reference: str | None = None
    payment_order_id: str | None = None


Notice = ChargeNotice | RefundNotice | DisputeNotice | PageNotice | AskAgain


@dataclass(frozen=True, slots=True)
class Notification:
    """What a webhook says. ``notices`` is empty for one that concerns nothing of ours.

    ``as_of`` (UTC) is the object's own time, or the event's where the object has none, and
    ``version`` the object's own version where it has one: what is older than what is known of
    the same object changes nothing.
    """

    notices: tuple[Notice, ...]
    as_of: datetime
    version: int | None = None


@runtime_checkable
class Webhooks(Protocol):
    """A PSP that tells of changes by HTTP."""

    def receive(self, webhook: RawWebhook, now: datetime) -> Received:
        """Authenticate with any of the configured secrets, by the SDK's own helper.

        Raises NotAuthentic for whatever is wrong with it: no header, odd bytes, a wrong
        signature, a time too far from ``now`` in either direction.
        """
        ...

    def read(self, body: bytes) -> Notification:
        """What an authentic webhook means. Raises NotReadable."""
        ...


@runtime_checkable
class WebhookChallenge(Protocol):
    """A PSP that checks an address by a GET request before it uses it (Braintree)."""

    def answer(self, query: Mapping[str, str]) -> str:
        """The text to answer with. Raises NotAuthentic for what is no challenge."""
        ...
