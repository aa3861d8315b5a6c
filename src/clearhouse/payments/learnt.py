"""What is learnt about orders from outside, as frozen values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from clearhouse.kernel.money import Money
from clearhouse.psp.contract import PspOutcome


class Source(StrEnum):
    """How a fact was learnt; only for people, since it changes nothing of what it means."""

    REPLY = "reply"
    WEBHOOK = "webhook"
    POLL = "poll"
    PAGE = "page"
    OPERATION = "operation"
    SETTLEMENT = "settlement"


@dataclass(frozen=True, slots=True)
class Learnt:
    """Something learnt about an order.

    ``attempt`` is the attempt it speaks of, None where that is not known: then it is taken for
    the one under way. ``psp`` is who tells, None for the PSP that the order is at. ``as_of`` (UTC)
    and ``version`` are the PSP's own time and version of what it tells; what is older than what is
    known changes nothing that is not final. ``proves_no_charge`` says of NotCharged that a look-up
    searched all there could be.
    """

    order_id: UUID
    outcome: PspOutcome
    source: Source
    attempt: int | None = None
    as_of: datetime | None = None
    version: int | None = None
    proves_no_charge: bool = False
    psp: str | None = None


@dataclass(frozen=True, slots=True)
class StrayCharge:
    """A charge that no order stands for, found while looking after ``order_id``."""

    order_id: UUID
    payment_order_id: str
    seller_account: str
    psp: str
    psp_reference: str
    amount: Money
    detail: str


@dataclass(frozen=True, slots=True)
class Found:
    """An order that a PSP's words lead to; ``attempt`` where they name one."""

    order_id: UUID
    attempt: int | None
