"""What the one suite must know of each PSP: test methods, amounts that decline, and odd limits.

A new adapter adds its profile here; the suite fails for an adapter that has none.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from clearhouse.kernel.money import Money
from clearhouse.psp.contract import DeclineReason, Retry

R = DeclineReason
POSTCODE, METHOD = R.INCORRECT_POSTAL_CODE, R.PAYMENT_METHOD_INVALID


@dataclass(frozen=True)
class Refused:
    """A charge that the PSP's own sandbox declines, and what it must come out as."""

    method: str
    amount: Money
    reason: DeclineReason
    retry: Retry


async def a_charge(world: Any, adapter: Any) -> object:
    """What most PSPs send a webhook about."""
    return await adapter.charge(world.request())


async def a_review(world: Any, adapter: Any) -> None:
    """Braintree tells of no card's charge, but of a person who has looked at one."""
    request = world.request()
    await adapter.charge(request)
    [charge] = world.charges(request)
    world.act(charge["psp_id"], "approve_review")


@dataclass(frozen=True)
class Late:
    """A charge of which something happens later, and the sandbox's action that makes it happen."""

    method: str
    amount: Money
    action: str


@dataclass(frozen=True)
class Disputed:
    """A disputed charge. ``inquiry`` is the method of one that the bank only asks about."""

    method: str
    amount: Money
    inquiry: str | None
    win: str
    lose: str


@dataclass(frozen=True)
class PageMethods:
    """What a buyer can type on a hosted page: what is taken, and what is declined."""

    good: str
    declined: str


def pay_on_stripes_page(url: str, number: str) -> str:
    """What a browser does with the form; follows no redirect to the shop."""
    card = {"email": "b@example.org", "number": number, "expiry": "12 / 34", "cvc": "123"}
    answer = httpx.post(url, data=card, trust_env=False)
    return answer.headers.get("location", answer.text)


def pay_on_squares_page(url: str, number: str) -> str:
    """What a browser does with the form; Square adds what it knows to the address of the shop."""
    card = {"number": number, "expiry": "12/34", "cvv": "111", "postal_code": "94103"}
    answer = httpx.post(url, data=card, trust_env=False)
    return answer.headers.get("location", answer.text).partition("?")[0]


@dataclass(frozen=True)
class Profile:
    credentials: Mapping[str, str]
    wrong_credentials: Mapping[str, str] | None
    """Credentials that this PSP's sandbox refuses; None where it takes any."""
    good: str
    declines: tuple[Refused, ...]
    invalid: Refused
    tells_retry_after: bool
    tells: frozenset[str] = frozenset()
    """What this PSP's webhooks tell of: charges, refunds, disputes, pages."""
    webhook_secret: str = ""
    """What the sandbox signs webhooks to ``credentials`` with."""
    rotated: Mapping[str, str] = field(default_factory=dict[str, str])
    """Credentials that know that secret beside another one."""
    strangers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Credentials that know another one only."""
    news: Callable[[Any, Any], Awaitable[object]] = a_charge
    """Makes this PSP send a webhook (world, adapter)."""
    slow_refund: Late | None = None
    """A refund that the PSP finishes later."""
    failing_refund: Late | None = None
    """A refund that the buyer's bank sends back later."""
    disputed: Disputed | None = None
    """A charge that its buyer disputes, and the sandbox's actions on the dispute."""
    pay_on_page: Callable[[str, str], str] | None = None
    """Plays the buyer on a hosted page (its URL, a method); says what the page shows then."""
    page_methods: PageMethods | None = None
    """What the buyer can pay with there."""
    settle: Callable[[str, str], None] | None = None
    """Makes a charge refundable in part (base URL, reference), where it is not so at once."""


TEN = Money(10_00, "USD")


def usd(major: int) -> Money:
    return Money(major * 100, "USD")


def by_hand(psp: str, action: str) -> Callable[[str, str], None]:
    """An action of the sandbox on a charge, as a tester takes it."""

    def act(base_url: str, reference: str) -> None:
        call = {"psp": psp, "id": reference, "action": action}
        httpx.post(f"{base_url}/_sandbox/actions", json=call, trust_env=False).raise_for_status()

    return act


STRIPE_NO_FUNDS = "pm_card_visa_chargeDeclinedInsufficientFunds"

BRAINTREE = {
    "merchant_id": "shop",
    "public_key": "public",
    "private_key": "conformance-private",
    "merchant_accounts": "{currency}",
}

PROFILES = {
    "stripe": Profile(
        credentials={"secret_key": "sk_test_conformance", "webhook_secrets": "whsec_conformance"},
        wrong_credentials={"secret_key": "wrong-and-hushed"},
        good="pm_card_visa",
        declines=(
            Refused("pm_card_visa_chargeDeclined", TEN, R.CARD_DECLINED, Retry.SOFT),
            Refused(STRIPE_NO_FUNDS, TEN, R.INSUFFICIENT_FUNDS, Retry.SOFT),
            Refused("pm_card_chargeDeclinedIncorrectCvc", TEN, R.INCORRECT_CVC, Retry.CUSTOMER),
            Refused("pm_card_visa_chargeDeclinedStolenCard", TEN, R.LOST_OR_STOLEN, Retry.HARD),
            Refused("pm_card_chargeDeclinedExpiredCard", TEN, R.EXPIRED_CARD, Retry.CUSTOMER),
        ),
        invalid=Refused("pm_nobody_knows", TEN, METHOD, Retry.CUSTOMER),
        tells_retry_after=True,
        tells=frozenset({"charges", "refunds", "disputes", "pages"}),
        disputed=Disputed(
            "pm_card_createDispute", TEN, "pm_card_createDisputeInquiry", "win", "lose"
        ),
        pay_on_page=pay_on_stripes_page,
        page_methods=PageMethods("4242 4242 4242 4242", "4000 0000 0000 9995"),
        webhook_secret="whsec_conformance",
        rotated={
            "secret_key": "sk_test_conformance",
            "webhook_secrets": "whsec_of_tomorrow, whsec_conformance",
        },
        strangers={"secret_key": "sk_test_conformance", "webhook_secrets": "whsec_of_a_stranger"},
        slow_refund=Late("pm_card_pendingRefund", TEN, "succeed_refund"),
        failing_refund=Late("pm_card_refundFail", TEN, "fail_refund"),
    ),
    "braintree": Profile(
        credentials=BRAINTREE,
        wrong_credentials=BRAINTREE | {"private_key": "wrong-and-hushed"},
        good="fake-valid-nonce",
        declines=(
            Refused("fake-valid-nonce", usd(2000), R.CARD_DECLINED, Retry.SOFT),
            Refused("fake-valid-nonce", usd(2001), R.INSUFFICIENT_FUNDS, Retry.SOFT),
            Refused("fake-valid-nonce", usd(2099), R.AUTHENTICATION_REQUIRED, Retry.CUSTOMER),
            Refused("fake-valid-nonce", usd(2013), R.LOST_OR_STOLEN, Retry.HARD),
            Refused("fake-gateway-rejected-fraud-nonce", TEN, R.FRAUD_SUSPECTED, Retry.HARD),
        ),
        invalid=Refused("fake-nobody-knows-nonce", TEN, METHOD, Retry.CUSTOMER),
        tells_retry_after=False,
        tells=frozenset({"disputes"}),
        webhook_secret="public|conformance-private",
        rotated=BRAINTREE
        | {
            "public_key": "tomorrow",
            "private_key": "tomorrows",
            "webhook_keys": "public|conformance-private",
        },
        strangers=BRAINTREE | {"private_key": "of-a-stranger"},
        news=a_review,
        disputed=Disputed("fake-disputed-visa-nonce", TEN, None, "win_dispute", "lose_dispute"),
        failing_refund=Late("fake-valid-nonce", TEN, "fail_refund"),
        settle=by_hand("braintree", "settle"),
    ),
    "square": Profile(
        credentials={
            "access_token": "sandbox-conformance",
            "locations": "USD=LUSD, EUR=LEUR, JPY=LJPY, KWD=LKWD",
            "webhook_signature_keys": "square-conformance-key",
        },
        wrong_credentials=None,
        good="cnon:card-nonce-ok",
        declines=(
            Refused("cnon:card-nonce-declined", TEN, R.CARD_DECLINED, Retry.SOFT),
            Refused("cnon:card-nonce-rejected-cvv", TEN, R.INCORRECT_CVC, Retry.CUSTOMER),
            Refused("cnon:card-nonce-rejected-postalcode", TEN, POSTCODE, Retry.CUSTOMER),
            Refused("cnon:card-nonce-rejected-expiration", TEN, R.EXPIRED_CARD, Retry.CUSTOMER),
        ),
        invalid=Refused("cnon:card-nonce-already-used", TEN, METHOD, Retry.CUSTOMER),
        tells_retry_after=True,
        tells=frozenset({"charges", "refunds", "disputes", "pages"}),
        webhook_secret="square-conformance-key",
        rotated={
            "access_token": "sandbox-conformance",
            "webhook_signature_keys": "key-of-tomorrow, square-conformance-key",
        },
        strangers={
            "access_token": "sandbox-conformance",
            "webhook_signature_keys": "key-of-a-stranger",
        },
        disputed=Disputed("cnon:card-nonce-ok", Money(88_03, "USD"), None, "win", "lose"),
        pay_on_page=pay_on_squares_page,
        page_methods=PageMethods("4111 1111 1111 1111", "4000 0000 0000 0002"),
        slow_refund=Late("cnon:card-nonce-ok", TEN, "complete_refund"),
        failing_refund=Late("cnon:card-nonce-ok", TEN, "fail_refund"),
    ),
}  # fmt: skip
