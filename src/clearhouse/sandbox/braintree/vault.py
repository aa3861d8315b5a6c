"""The vault: customers, and their payment methods as tokens that can be charged again.

Why it matters here: a nonce is good for one charge, so a basket with several sellers is paid
with the token of a vaulted method.
"""

from typing import Final

import msgspec

from clearhouse.sandbox.braintree.errors import Invalid, error
from clearhouse.sandbox.braintree.fields import Section, flag, section, text, texts
from clearhouse.sandbox.braintree.instruments import CUSTOMER_FIELDS, content_of
from clearhouse.sandbox.braintree.issued import Nonces
from clearhouse.sandbox.braintree.markup import Items, Node
from clearhouse.sandbox.braintree.nonces import Instrument, NonceRefused, instrument_of
from clearhouse.sandbox.braintree.responses import Response, response_of
from clearhouse.sandbox.braintree.store import PSP, Merchant
from clearhouse.sandbox.objects import Shelf

_REFUSALS: Final = {
    "consumed": "93107",
    "unknown": "93108",
    "luhn": "81715",
    "unsupported": "93102",
}
_ONE_TIME_PAYPAL: Final = "fake-paypal-one-time-nonce"
_MOST: Final = 1000
_COLLECTIONS: Final = {
    "credit_card": ("credit_cards", "credit-card"),
    "paypal_account": ("paypal_accounts", "paypal-account"),
    "venmo_account": ("venmo_accounts", "venmo-account"),
    "apple_pay_card": ("apple_pay_cards", "apple-pay-card"),
    "android_pay_card": ("android_pay_cards", "android-pay-card"),
}


class Vaulted(msgspec.Struct, frozen=True):
    """A payment method in the vault; ``instrument`` carries its token."""

    token: str
    customer_id: str
    instrument: Instrument
    deleted: bool = False


class Customer(msgspec.Struct, frozen=True):
    """A buyer as the merchant knows them."""

    id: str
    fields: dict[str, str | None]


class VerificationDeclined(Exception):
    """The card did not pass the verification that was asked for; nothing was vaulted."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.text)
        self.response = response


class Vault:
    """One merchant's vault; writes belong into ``core.truth.transaction()``."""

    def __init__(self, merchant: Merchant) -> None:
        self._merchant = merchant
        self._objects = merchant.core.objects
        self._customers = Shelf(PSP, merchant.id, "customer")
        self._methods = Shelf(PSP, merchant.id, "payment_method")

    def customer(self, identifier: str) -> Customer | None:
        """A customer by id, or None."""
        body = self._objects.get(self._customers, identifier)
        return None if body is None else msgspec.convert(body, Customer)

    def method(self, token: str) -> Vaulted | None:
        """A payment method by its token, or None when there is none or it was deleted."""
        body = self._objects.get(self._methods, token)
        found = None if body is None else msgspec.convert(body, Vaulted)
        return None if found is None or found.deleted else found

    def methods_of(self, customer_id: str) -> list[Vaulted]:
        """A customer's payment methods, oldest first."""
        found = self._objects.find(
            self._methods, marks={"customer": customer_id}, limit=_MOST, newest_first=False
        )
        methods = (msgspec.convert(each.body, Vaulted) for each in found)
        return [each for each in methods if not each.deleted]

    def add_customer(self, params: Section) -> Customer:
        """Remember a customer, with a payment method when a nonce is sent. Raises Invalid."""
        identifier = text(params, "id") or self._merchant.new_id()
        if self.customer(identifier) is not None:
            raise Invalid(error("91609"))
        customer = Customer(identifier, texts(params))
        self._put(self._customers, identifier, msgspec.to_builtins(customer), {})
        if text(params, "payment_method_nonce"):
            self.add_method({**params, "customer_id": identifier})
        return customer

    def add_method(self, params: Section) -> Vaulted:
        """Turn a nonce into a token. Raises Invalid or VerificationDeclined."""
        customer_id, nonce = text(params, "customer_id"), text(params, "payment_method_nonce")
        if not customer_id:
            raise Invalid(error("93104"))
        if self.customer(customer_id) is None:
            raise Invalid(error("93105"))
        instrument, declines = self._vaultable(nonce)
        if flag(section(params, "options"), "verify_card"):
            _verify("fake-processor-declined-" if declines else nonce)
        token = text(params, "token") or self._merchant.new_id()[:8]
        if self._objects.get(self._methods, token) is not None:
            raise Invalid(error("91719"))
        known = msgspec.structs.replace(instrument, token=token, customer_id=customer_id)
        return self._keep(Vaulted(token, customer_id, known))

    def _vaultable(self, nonce: str) -> tuple[Instrument, bool]:
        """The instrument of a nonce, and whether it fails a verification."""
        if not nonce:
            raise Invalid(error("93103"))
        if nonce == _ONE_TIME_PAYPAL:
            raise Invalid(error("82902"))
        try:
            issued = Nonces(self._merchant).use(nonce)
            return (issued.instrument, issued.declines) if issued else (instrument_of(nonce), False)
        except NonceRefused as refused:
            raise Invalid(error(_REFUSALS[refused.problem])) from None

    def delete_method(self, method: Vaulted) -> None:
        """Forget a payment method: its token pays nothing from now on."""
        self._keep(msgspec.structs.replace(method, deleted=True))

    def _keep(self, method: Vaulted) -> Vaulted:
        marks = {"customer": method.customer_id}
        self._put(self._methods, method.token, msgspec.to_builtins(method), marks)
        return method

    def _put(
        self, shelf: Shelf, identifier: str, body: dict[str, object], marks: dict[str, str]
    ) -> None:
        now = self._merchant.core.now_us()
        self._objects.put(shelf, identifier, body, created_at=now, marks=marks)


def _verify(nonce: str) -> None:
    """The one place where the "processor declined" nonces decline."""
    if nonce.startswith("fake-processor-declined-"):
        raise VerificationDeclined(response_of("2000"))
    if nonce.startswith("fake-processor-failure-"):
        raise VerificationDeclined(response_of("3000"))


def rendered_method(method: Vaulted) -> dict[str, Node]:
    """The content of a payment method's element, which is named after its kind."""
    return {
        **content_of(method.instrument),
        "customer_id": method.customer_id,
        "default": False,
        "subscriptions": Items("subscription", ()),
    }


def rendered_customer(customer: Customer, methods: list[Vaulted]) -> dict[str, Node]:
    """The content of a ``<customer>`` element, with all payment methods."""
    collections: dict[str, Node] = {
        name: Items(
            tag, tuple(rendered_method(each) for each in methods if each.instrument.kind == kind)
        )
        for kind, (name, tag) in _COLLECTIONS.items()
    }
    fields: dict[str, Node] = {name: customer.fields.get(name) for name in CUSTOMER_FIELDS}
    return {
        **fields,
        "id": customer.id,
        "merchant_id": None,
        "addresses": Items("address", ()),
        **collections,
    }


def rendered_verification(declined: VerificationDeclined) -> dict[str, Node]:
    """The content of a ``<verification>`` that refused a card."""
    response = declined.response
    return {
        "status": "failed" if response.code == "3000" else "processor_declined",
        "processor_response_code": response.code,
        "processor_response_text": response.text,
        "processor_response_type": response.type,
        "cvv_response_code": "I",
        "avs_postal_code_response_code": "I",
        "avs_street_address_response_code": "I",
        "avs_error_response_code": None,
        "gateway_rejection_reason": None,
    }
