"""The shape of ``POST /v1/payments``: one set of types decodes it, checks it and documents it."""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

MAX_ORDERS: Final = 100
MAX_ID: Final = 255
MAX_TOKEN: Final = 512
MAX_AMOUNT: Final = 32
MAX_BUYER_INFO: Final = 16_384
"""Bytes of ``buyer_info`` as compact JSON."""
MAX_BUYER_DEPTH: Final = 8
MAX_URL: Final = 2048
MAX_ALTERNATIVES: Final = 5

ID_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._:~@+=\-]*$"
"""What may stand in a URL's path and in a PSP's idempotency header without any escaping."""
TOKEN_PATTERN: Final = r"^[!-~]+$"  # noqa: S105 - a pattern, not a secret

RETURN_URL_PATTERN: Final = r"^(https://[A-Za-z0-9.\-]+|http://(localhost|127\.0\.0\.1|\[::1\]))(:[0-9]{1,5})?([/?#][!-~]*)?$"
"""An https address without a user, or one of this machine, for development."""
CAPTURES: Final = ("automatic", "manual")

TOKEN_FIELDS: Final = {
    "token": None,
    "nonce": None,
    "payment_method": "stripe",
    "payment_method_nonce": "braintree",
    "source_id": "square",
}
"""The names under which a token is taken, and the PSP whose own name it is (None: any PSP)."""

Identifier = Annotated[
    str,
    Meta(
        pattern=ID_PATTERN,
        min_length=1,
        max_length=MAX_ID,
        description="1 to 255 ASCII letters, digits and `.` `_` `:` `~` `@` `+` `=` `-`, "
        "starting with a letter or digit.",
    ),
]
Token = Annotated[
    str,
    Meta(pattern=TOKEN_PATTERN, min_length=1, max_length=MAX_TOKEN),
]


class PaymentOrderRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Money for one seller; charged on its own."""

    payment_order_id: Annotated[
        Identifier,
        Meta(description="Yours, unique for ever; the source of the PSP's idempotency key."),
    ]
    seller_account: Annotated[Identifier, Meta(description="Who is owed the money.")]
    amount: Annotated[
        str,
        Meta(
            pattern=r"^[0-9]{1,18}(\.[0-9]{1,18})?$",
            max_length=MAX_AMOUNT,
            description="A decimal string in major units, with at most the currency's decimals: "
            '`"12.50"` USD, `"1250"` JPY, `"1.250"` KWD. Above zero. Never a JSON number.',
        ),
    ]
    currency: Annotated[
        str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217, in capital letters.")
    ]


class CardInfoRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """A PSP and the token or nonce its browser library gave you. Never a card number.

    Exactly one of the token fields is given: `token` or `nonce` with any PSP, or the name that
    the PSP itself uses.
    """

    psp: Annotated[str, Meta(description="`stripe`, `braintree` or `square`.", max_length=64)]
    token: Annotated[Token, Meta(description="Any PSP's token.")] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    nonce: Annotated[Token, Meta(description="Any PSP's nonce.")] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    payment_method: Annotated[Token, Meta(description="Stripe's `pm_…`.")] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    payment_method_nonce: (
        Annotated[Token, Meta(description="Braintree's nonce.")] | msgspec.UnsetType
    ) = msgspec.UNSET
    source_id: Annotated[Token, Meta(description="Square's `cnon:…` or `ccof:…`.")] | (
        msgspec.UnsetType
    ) = msgspec.UNSET

    def chosen(self) -> str | None:
        """The token, or None unless exactly one field that this PSP takes is given."""
        found: str | None = None
        for name, owner in TOKEN_FIELDS.items():
            value = getattr(self, name)
            if value is msgspec.UNSET:
                continue
            if found is not None or owner not in {None, self.psp}:
                return None
            found = value
        return found


class PaymentRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One checkout of one buyer, split over one or more sellers."""

    checkout_id: Annotated[Identifier, Meta(description="Yours, unique for ever.")]
    buyer_info: Annotated[
        dict[str, Any],
        Meta(
            description="What you want to keep of the buyer: any JSON object of at most 16 KiB "
            "and 8 levels. Stored, never interpreted."
        ),
    ]
    credit_card_info: (
        CardInfoRequest
        | Annotated[
            list[CardInfoRequest],
            Meta(
                min_length=1,
                max_length=MAX_ALTERNATIVES,
                description="Alternatives: the same card, tokenized at several PSPs, each PSP "
                "once. Tried one after the other, as long as each is proven not to have charged.",
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET

    def cards(self) -> "list[CardInfoRequest] | None":
        """All alternatives; one is a list of one, and None is a payment on a page."""
        given = self.credit_card_info
        if given is msgspec.UNSET:
            return None
        return given if isinstance(given, list) else [given]

    psp: (
        Annotated[
            str,
            Meta(
                description="Without `credit_card_info`: whose payment page the buyer pays on. "
                "Chosen for you unless given.",
                max_length=64,
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    payment_orders: Annotated[list[PaymentOrderRequest], Meta(min_length=1, max_length=MAX_ORDERS)]
    capture: (
        Annotated[
            Literal["automatic", "manual"],
            Meta(
                description="`automatic` takes the money at once, as without this member; `manual` "
                "holds it until you capture or void it."
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    return_url: (
        Annotated[
            str,
            Meta(
                pattern=RETURN_URL_PATTERN,
                max_length=MAX_URL,
                description="Where the buyer comes back to after a challenge (3-D Secure), or from "
                "the payment page: https, or http on localhost.",
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    cancel_url: (
        Annotated[
            str,
            Meta(
                pattern=RETURN_URL_PATTERN,
                max_length=MAX_URL,
                description="Without `credit_card_info`: where the buyer turns back to from the "
                "payment page.",
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
