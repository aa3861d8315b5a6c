"""A typed client of clearhouse's API, for code that waits and for asyncio.

It imports nothing of the server but its kernel. Idempotency keys are made by it and kept over its
own repetitions, so that what is asked for once is done once, whatever gets lost.
"""

from clearhouse.client.aio import AsyncClient
from clearhouse.client.errors import (
    ApiError,
    CardNumberRefused,
    ClientError,
    Conflict,
    ConnectionFailed,
    Fault,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    InvalidRequest,
    MissingScope,
    NotAuthentic,
    NotCapturable,
    NotFound,
    NotRefundable,
    PayoutRefused,
    RefundExceedsCapture,
    Unauthenticated,
    Unavailable,
)
from clearhouse.client.exchange import Retries
from clearhouse.client.models import (
    Balance,
    Card,
    Checkout,
    Dispute,
    DisputePage,
    NewOrder,
    NewPayment,
    NextAction,
    Operation,
    Order,
    OrderPage,
    Payout,
    PayoutPage,
    Refund,
    Wallet,
)
from clearhouse.client.sync import Client
from clearhouse.client.webhooks import Message, verify_webhook

__all__ = [
    "ApiError",
    "AsyncClient",
    "Balance",
    "Card",
    "CardNumberRefused",
    "Checkout",
    "Client",
    "ClientError",
    "Conflict",
    "ConnectionFailed",
    "Dispute",
    "DisputePage",
    "Fault",
    "IdempotencyKeyInUse",
    "IdempotencyKeyReused",
    "InvalidRequest",
    "Message",
    "MissingScope",
    "NewOrder",
    "NewPayment",
    "NextAction",
    "NotAuthentic",
    "NotCapturable",
    "NotFound",
    "NotRefundable",
    "Operation",
    "Order",
    "OrderPage",
    "Payout",
    "PayoutPage",
    "PayoutRefused",
    "Refund",
    "RefundExceedsCapture",
    "Retries",
    "Unauthenticated",
    "Unavailable",
    "Wallet",
    "verify_webhook",
]
