"""The endpoints of the vault: customers and payment methods."""

from clearhouse.sandbox.braintree.errors import envelope
from clearhouse.sandbox.braintree.fields import Section, section
from clearhouse.sandbox.braintree.store import Merchant
from clearhouse.sandbox.braintree.vault import (
    Vault,
    VerificationDeclined,
    rendered_customer,
    rendered_method,
    rendered_verification,
)
from clearhouse.sandbox.braintree.wire import Answer, document, refused
from clearhouse.sandbox.core import Request, Response


def table() -> list[tuple[str, str, Answer, str]]:
    """Method, path below the merchant, endpoint, and the operation that faults name."""
    return [
        ("POST", "/customers", _add_customer, "other"),
        ("GET", "/customers/{id}", _find_customer, "other"),
        ("POST", "/payment_methods", _add_method, "other"),
        ("GET", "/payment_methods/any/{id}", _find_method, "other"),
        ("DELETE", "/payment_methods/any/{id}", _delete_method, "other"),
    ]


async def _add_customer(merchant: Merchant, _request: Request, params: Section) -> Response:
    vault = Vault(merchant)
    try:
        with merchant.core.truth.transaction():
            customer = vault.add_customer(section(params, "customer"))
    except VerificationDeclined as declined:
        return _declined(declined, params)
    content = rendered_customer(customer, vault.methods_of(customer.id))
    return document(201, "customer", content)


async def _find_customer(merchant: Merchant, request: Request, _params: Section) -> Response:
    vault = Vault(merchant)
    customer = vault.customer(request.params["id"])
    if customer is None:
        return Response(404, b"")
    content = rendered_customer(customer, vault.methods_of(customer.id))
    return document(200, "customer", content)


async def _add_method(merchant: Merchant, _request: Request, params: Section) -> Response:
    try:
        with merchant.core.truth.transaction():
            method = Vault(merchant).add_method(section(params, "payment_method"))
    except VerificationDeclined as declined:
        return _declined(declined, params)
    return document(201, method.instrument.kind.replace("_", "-"), rendered_method(method))


async def _find_method(merchant: Merchant, request: Request, _params: Section) -> Response:
    method = Vault(merchant).method(request.params["id"])
    if method is None:
        return Response(404, b"")
    return document(200, method.instrument.kind.replace("_", "-"), rendered_method(method))


async def _delete_method(merchant: Merchant, request: Request, _params: Section) -> Response:
    vault = Vault(merchant)
    method = vault.method(request.params["id"])
    if method is None:
        return Response(404, b"")
    with merchant.core.truth.transaction():
        vault.delete_method(method)
    return Response(204, b"")


def _declined(declined: VerificationDeclined, params: Section) -> Response:
    verification = rendered_verification(declined)
    return refused(envelope(str(declined), params, verification=verification))
