"""Whether an operation may be done to an order, and on what terms: pure decisions.

The database holds the ceiling as well; here it is told to the client in a sentence.
"""

from dataclasses import dataclass
from enum import StrEnum

from clearhouse.kernel.errors import NotCapturable, NotRefundable, RefundExceedsCapture
from clearhouse.kernel.money import Money
from clearhouse.payments.model import OrderStatus, StatusReason
from clearhouse.payments.operations.model import Kind


class FeePolicy(StrEnum):
    """What becomes of the platform's fee when a sale is refunded."""

    KEEP = "keep"
    """The platform keeps it: the seller bears all of the refund."""
    RETURN = "return"
    """The seller gets it back, in the proportion of what was refunded."""


@dataclass(frozen=True, slots=True)
class ChargedOrder:
    """What decides about an order's operations, read under its lock; minor units.

    ``fee_returned_minor`` is that of all refunds that did not fail; ``ending`` is true when a
    capture or void was begun and did not fail.
    """

    status: OrderStatus
    reason: StatusReason | None
    amount: Money
    captured_minor: int
    refunded_minor: int
    disputed_minor: int
    fee_minor: int
    fee_returned_minor: int
    reversed: bool
    ending: bool

    @property
    def left_minor(self) -> int:
        """What may still be refunded."""
        return self.captured_minor - self.refunded_minor - self.disputed_minor


@dataclass(frozen=True, slots=True)
class Terms:
    """An operation that may be done: how much, and what the seller gets back of the fee."""

    amount_minor: int
    charged_minor: int
    fee_returned_minor: int = 0


def terms_of(kind: Kind, order: ChargedOrder, amount_minor: int | None, policy: FeePolicy) -> Terms:
    """The terms of an operation; ``amount_minor`` None means all that is left.

    Raises NotRefundable, RefundExceedsCapture and NotCapturable.
    """
    if kind is Kind.REFUND:
        return _refund(order, amount_minor, policy)
    return _ending(kind, order, amount_minor)


def fee_share(order: ChargedOrder, amount_minor: int, policy: FeePolicy) -> int:
    """What the platform gives back of its fee with a refund of ``amount_minor``.

    Rounded half up over all refunds together, so that parts which add up to the capture return
    exactly the fee, whatever they are.
    """
    if policy is FeePolicy.KEEP:
        return 0
    refunded = order.refunded_minor + amount_minor
    share = (2 * order.fee_minor * refunded + order.captured_minor) // (2 * order.captured_minor)
    return max(0, min(share - order.fee_returned_minor, amount_minor))


def _refund(order: ChargedOrder, amount_minor: int | None, policy: FeePolicy) -> Terms:
    if order.status is not OrderStatus.SUCCESS:
        raise NotRefundable(
            f"The payment order is {order.status}; only one that succeeded can be refunded.",
            hint="A payment that is only authorized is voided instead."
            if order.reason is StatusReason.AUTHORIZED
            else "",
        )
    if order.reversed:
        raise NotRefundable("The PSP took this payment back, so there is nothing to refund.")
    left = order.left_minor
    wanted = left if amount_minor is None else amount_minor
    if wanted > left or left == 0:
        currency = order.amount.currency
        disputed = (
            f" and {Money(order.disputed_minor, currency)} is under dispute or was lost in one"
            if order.disputed_minor
            else ""
        )
        raise RefundExceedsCapture(
            f"Of {Money(order.captured_minor, currency)} captured,"
            f" {Money(order.refunded_minor, currency)} is refunded{disputed};"
            f" {Money(left, currency)} is left to refund."
        )
    return Terms(wanted, order.captured_minor, fee_share(order, wanted, policy))


def _ending(kind: Kind, order: ChargedOrder, amount_minor: int | None) -> Terms:
    what = "captured" if kind is Kind.CAPTURE else "voided"
    if order.status is not OrderStatus.EXECUTING or order.reason is not StatusReason.AUTHORIZED:
        reason = f" ({order.reason})" if order.reason else ""
        raise NotCapturable(
            f"The payment order is {order.status}{reason};"
            f" only one that is authorized can be {what}."
        )
    if order.ending:
        raise NotCapturable("A capture or a void of this payment order was begun already.")
    held = order.amount
    wanted = held.minor if amount_minor is None else amount_minor
    if wanted > held.minor:
        raise NotCapturable(f"Only {held} is authorized.")
    return Terms(wanted, held.minor)
