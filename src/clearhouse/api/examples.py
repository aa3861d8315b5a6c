"""The examples of the OpenAPI document. Tests post them, and check them against the schemas."""

from typing import Any, Final

_MOMENT: Final = "2026-03-01T12:00:00.123456Z"
_LATER: Final = "2026-03-01T12:00:00.894211Z"

PAYMENT: Final[dict[str, Any]] = {
    "checkout_id": "checkout-7f3a",
    "buyer_info": {"name": "Ada Lovelace", "email": "ada@example.com", "country": "GB"},
    "credit_card_info": {"psp": "stripe", "payment_method": "pm_card_visa"},
    "payment_orders": [
        {
            "payment_order_id": "checkout-7f3a-lamps",
            "seller_account": "lamps-and-more",
            "amount": "49.90",
            "currency": "EUR",
        },
        {
            "payment_order_id": "checkout-7f3a-books",
            "seller_account": "old-books",
            "amount": "12.00",
            "currency": "EUR",
        },
    ],
}

PAYMENT_IN_SEVERAL_CURRENCIES: Final[dict[str, Any]] = {
    "checkout_id": "checkout-90b1",
    "buyer_info": {"name": "Grace Hopper", "shipping": {"city": "Kuwait City", "country": "KW"}},
    "credit_card_info": {"psp": "braintree", "payment_method_nonce": "fake-valid-nonce"},
    "payment_orders": [
        {
            "payment_order_id": "checkout-90b1-tea",
            "seller_account": "kyoto-tea",
            "amount": "1250",
            "currency": "JPY",
        },
        {
            "payment_order_id": "checkout-90b1-dates",
            "seller_account": "date-garden",
            "amount": "3.250",
            "currency": "KWD",
        },
    ],
}

PAYMENT_WITH_SQUARE: Final[dict[str, Any]] = {
    "checkout_id": "checkout-c204",
    "buyer_info": {},
    "credit_card_info": {"psp": "square", "source_id": "cnon:card-nonce-ok"},
    "payment_orders": [
        {
            "payment_order_id": "checkout-c204-1",
            "seller_account": "corner-cafe",
            "amount": "4.50",
            "currency": "USD",
        }
    ],
}

PAYMENT_HELD: Final[dict[str, Any]] = {
    "checkout_id": "checkout-5d11",
    "buyer_info": {"name": "Mary Somerville"},
    "credit_card_info": {"psp": "stripe", "payment_method": "pm_card_visa"},
    "payment_orders": [
        {
            "payment_order_id": "checkout-5d11-1",
            "seller_account": "made-to-measure",
            "amount": "320.00",
            "currency": "EUR",
        }
    ],
    "capture": "manual",
    "return_url": "https://shop.example/checkout/5d11",
}

PAYMENT_ON_A_PAGE: Final[dict[str, Any]] = {
    "checkout_id": "checkout-d911",
    "buyer_info": {"name": "Mary Somerville"},
    "return_url": "https://shop.example/thanks",
    "cancel_url": "https://shop.example/cart",
    "payment_orders": [
        {
            "payment_order_id": "checkout-d911-globe",
            "seller_account": "globes",
            "amount": "80.00",
            "currency": "EUR",
        }
    ],
}

PAYMENT_WITH_ALTERNATIVES: Final[dict[str, Any]] = {
    "checkout_id": "checkout-e3b8",
    "buyer_info": {"name": "Katherine Johnson"},
    "credit_card_info": [
        {"psp": "stripe", "payment_method": "pm_card_visa"},
        {"psp": "square", "source_id": "cnon:card-nonce-ok"},
    ],
    "payment_orders": [
        {
            "payment_order_id": "checkout-e3b8-maps",
            "seller_account": "star-maps",
            "amount": "35.00",
            "currency": "USD",
        }
    ],
}

PAYMENTS: Final = {
    "two sellers, Stripe": PAYMENT,
    "several currencies, Braintree": PAYMENT_IN_SEVERAL_CURRENCIES,
    "one seller, Square": PAYMENT_WITH_SQUARE,
    "Stripe, else Square": PAYMENT_WITH_ALTERNATIVES,
    "on a payment page": PAYMENT_ON_A_PAGE,
    "held first, captured later": PAYMENT_HELD,
}


def _order(name: str, seller: str, amount: str) -> dict[str, Any]:
    return {
        "payment_order_id": name,
        "checkout_id": "checkout-7f3a",
        "seller_account": seller,
        "amount": amount,
        "currency": "EUR",
        "psp": "stripe",
        "status": "NOT_STARTED",
        "status_reason": None,
        "failure_code": None,
        "psp_reference": None,
        "platform_fee": None,
        "capture": "automatic",
        "captured_amount": "0.00",
        "refunded_amount": "0.00",
        "disputed_amount": "0.00",
        "next_action": None,
        "expires_at": None,
        "ledger_updated": False,
        "wallet_updated": False,
        "created_at": _MOMENT,
        "updated_at": _MOMENT,
        "finalized_at": None,
    }


_SUCCEEDED: Final = {
    **_order("checkout-7f3a-lamps", "lamps-and-more", "49.90"),
    "status": "SUCCESS",
    "psp_reference": "pi_3QxYzAbCdEfGhIjK",
    "platform_fee": "1.75",
    "captured_amount": "49.90",
    "ledger_updated": True,
    "wallet_updated": True,
    "updated_at": _LATER,
    "finalized_at": _LATER,
}
_FAILED: Final = {
    **_order("checkout-7f3a-books", "old-books", "12.00"),
    "status": "FAILED",
    "status_reason": "declined",
    "failure_code": "insufficient_funds",
    "updated_at": _LATER,
    "finalized_at": _LATER,
}

ACCEPTED: Final = {
    "checkout_id": "checkout-7f3a",
    "payment_event_id": "019ca8d5-6f7b-7a11-8c2e-1f5d0b9e3a42",
    "psp": "stripe",
    "is_payment_done": False,
    "created_at": _MOMENT,
    "payment_page_url": None,
    "payment_orders": [
        _order("checkout-7f3a-lamps", "lamps-and-more", "49.90"),
        _order("checkout-7f3a-books", "old-books", "12.00"),
    ],
}
CHECKOUT: Final = {**ACCEPTED, "is_payment_done": True, "payment_orders": [_SUCCEEDED, _FAILED]}
ORDER: Final = {
    **_SUCCEEDED,
    "attempts": [
        {
            "number": 1,
            "psp": "stripe",
            "idempotency_key": "checkout-7f3a-lamps",
            "calls": 1,
            "outcome": "succeeded",
            "detail": None,
            "started_at": _MOMENT,
            "finished_at": _LATER,
        }
    ],
    "refunds": [],
}
PAGE: Final = {
    "items": [_SUCCEEDED],
    "next_cursor": "AQGcqNVve3oRjC4fXQueOkIKr3xPa1Y",
}
WALLET: Final = {
    "seller_account": "lamps-and-more",
    "balances": [
        {
            "currency": "EUR",
            "pending": "48.15",
            "available": "120.00",
            "reserved": "12.50",
            "in_transit": "310.00",
            "debt": "0.00",
            "payouts_held": False,
            "next_matures_at": "2026-03-09T09:30:00.120433Z",
        },
        {
            "currency": "JPY",
            "pending": "1250",
            "available": "0",
            "reserved": "0",
            "in_transit": "0",
            "debt": "700",
            "payouts_held": True,
            "next_matures_at": None,
        },
    ],
}
FAULTS: Final = [
    {
        "pointer": "/payment_orders/0/amount",
        "code": "too-many-decimals",
        "detail": "JPY has 0 decimals",
    },
    {
        "pointer": "/payment_orders/1/seller_account",
        "code": "missing",
        "detail": "is required",
    },
]
CONFLICTS: Final = [
    {
        "pointer": "/payment_orders/0/payment_order_id",
        "code": "already-used",
        "detail": "belongs to another payment",
    }
]
CARD_FAULTS: Final = [
    {"pointer": "/buyer_info/note", "code": "card-number", "detail": "looks like a card number"}
]
PARAMETER_FAULTS: Final = [
    {
        "parameter": "limit",
        "code": "invalid-value",
        "detail": "must be a whole number from 1 to 200",
    }
]
