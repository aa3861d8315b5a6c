"""The endpoints of disputes."""

from collections.abc import Callable
from datetime import date
from typing import Final
from urllib.parse import parse_qs

from clearhouse.sandbox.braintree import disputing
from clearhouse.sandbox.braintree.criteria import UnknownCriterion
from clearhouse.sandbox.braintree.dispute_render import rendered_dispute, rendered_evidence
from clearhouse.sandbox.braintree.disputes import Dispute, Disputes
from clearhouse.sandbox.braintree.errors import Invalid, error
from clearhouse.sandbox.braintree.fields import Section, section, text
from clearhouse.sandbox.braintree.markup import Decoded, Repeated
from clearhouse.sandbox.braintree.store import Merchant
from clearhouse.sandbox.braintree.wire import Answer, document
from clearhouse.sandbox.core import Request, Response

PAGE_SIZE: Final = 50
_LONGEST: Final = 5000


def table() -> list[tuple[str, str, Answer, str]]:
    """Method, path below the merchant, endpoint, and the operation that faults name."""
    return [
        ("GET", "/disputes/{id}", _find, "look-up"),
        ("POST", "/disputes/advanced_search", _search, "look-up"),
        ("POST", "/disputes/{id}/evidence", _evidence, "dispute"),
        ("PUT", "/disputes/{id}/accept", _verb(disputing.accept), "dispute"),
        ("PUT", "/disputes/{id}/finalize", _verb(disputing.finalize), "dispute"),
    ]


async def _find(merchant: Merchant, request: Request, _params: Section) -> Response:
    found = Disputes(merchant).get(request.params["id"])
    if found is None:
        return Response(404, b"")
    return document(200, "dispute", rendered_dispute(found))


async def _search(merchant: Merchant, request: Request, params: Section) -> Response:
    criteria = section(params, "search")
    asked = parse_qs(request.query).get("page", ["1"])[0]
    number = max(int(asked), 1) if asked.isascii() and asked.isdigit() else 1
    single = text(section(criteria, "transaction_id"), "is")
    fits = [each for each in Disputes(merchant).find(single) if _fits(each, criteria)]
    page = fits[(number - 1) * PAGE_SIZE :][:PAGE_SIZE]
    content = {
        "current_page_number": number,
        "page_size": PAGE_SIZE,
        "total_items": len(fits),
        "dispute": Repeated(tuple(rendered_dispute(each) for each in page)),
    }
    return document(200, "disputes", content, kind="collection")


def _fits(dispute: Dispute, criteria: Section) -> bool:
    return all(_test(dispute, name, wanted) for name, wanted in criteria.items())


_TEXTS: Final[dict[str, Callable[[Dispute], str]]] = {
    "id": lambda each: each.id,
    "transaction_id": lambda each: each.transaction.id,
    "order_id": lambda each: each.transaction.order_id or "",
    "status": lambda each: each.status,
    "reason": lambda each: each.reason,
    "merchant_account_id": lambda each: each.transaction.merchant_account_id,
}


def _test(dispute: Dispute, name: str, wanted: Decoded) -> bool:
    """Texts by ``is``, lists by membership, ``received_date`` by its bounds."""
    if name in _TEXTS and isinstance(wanted, list):
        return _TEXTS[name](dispute) in {str(each) for each in wanted}
    if name in _TEXTS and isinstance(wanted, dict) and wanted.keys() == {"is"}:
        return _TEXTS[name](dispute) == wanted["is"]
    if name == "received_date" and isinstance(wanted, dict):
        received = dispute.created_at.date()
        low, high = _day(wanted.get("min")), _day(wanted.get("max"))
        exact = _day(wanted.get("is"))
        return (
            (low is None or received >= low)
            and (high is None or received <= high)
            and (exact is None or received == exact)
        )
    raise UnknownCriterion(name)


def _day(value: Decoded) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise UnknownCriterion("received_date") from None


async def _evidence(merchant: Merchant, request: Request, params: Section) -> Response:
    asked = section(params, "evidence")
    comments = text(asked, "comments")
    if len(comments) > _LONGEST:
        raise Invalid(error("95708"))
    await request.working_time()
    with merchant.core.truth.transaction():
        disputes = Disputes(merchant)
        dispute = disputes.get(request.params["id"])
        if dispute is None:
            return Response(404, b"")
        made = disputes.add_evidence(dispute, comments, text(asked, "category"))
    return document(201, "evidence", rendered_evidence(made))


def _verb(act: Callable[[Merchant, Dispute], Dispute]) -> Answer:
    async def answer(merchant: Merchant, request: Request, _params: Section) -> Response:
        await request.working_time()
        with merchant.core.truth.transaction():
            dispute = Disputes(merchant).get(request.params["id"])
            if dispute is None:
                return Response(404, b"")
            act(merchant, dispute)
        return Response(204, b"")

    return answer
