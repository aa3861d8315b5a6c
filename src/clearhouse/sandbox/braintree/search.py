"""The two-step search: first all ids that fit, then the transactions of a page of ids."""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Final

from clearhouse.sandbox.braintree.criteria import matching, moment_of
from clearhouse.sandbox.braintree.dispute_render import rendered_with_disputes
from clearhouse.sandbox.braintree.fields import Section, section, text
from clearhouse.sandbox.braintree.markup import Items, Node, Repeated
from clearhouse.sandbox.braintree.store import PSP, Merchant
from clearhouse.sandbox.braintree.transaction import Transaction

PAGE_SIZE: Final = 50
MOST: Final = 50_000
"""Braintree finds no more transactions than this in one search."""


def ids(merchant: Merchant, criteria: Section) -> Node:
    """The content of ``search-results``, newest first. Raises UnknownCriterion."""
    found = tuple(each.id for each in islice(_found(merchant, criteria), MOST))
    return {"page_size": PAGE_SIZE, "ids": Items("item", found)}


def page(merchant: Merchant, criteria: Section) -> Node:
    """The content of ``credit-card-transactions`` for the ids asked for, in their order."""
    found = list(islice(_found(merchant, criteria), PAGE_SIZE))
    return {
        "current_page_number": 1,
        "page_size": PAGE_SIZE,
        "total_items": len(found),
        "transaction": Repeated(tuple(rendered_with_disputes(merchant, each) for each in found)),
    }


def _found(merchant: Merchant, criteria: Section) -> Iterable[Transaction]:
    fits = matching(criteria)
    return (each for each in _candidates(merchant, criteria) if fits(each))


def _candidates(merchant: Merchant, criteria: Section) -> Iterable[Transaction]:
    """The fewest transactions that can be told apart without looking at each."""
    until = merchant.core.visible_until(PSP)
    wanted = criteria.get("ids")
    if isinstance(wanted, list):
        known = (merchant.get(str(each)) for each in wanted)
        return (each for each in known if each is not None)
    single = text(section(criteria, "id"), "is")
    if single:
        known = merchant.get(single)
        return [known] if known is not None else []
    order_id = text(section(criteria, "order_id"), "is")
    if order_id:
        return merchant.by_order(order_id, until)
    created = section(criteria, "created_at")
    exact = moment_of(created.get("is"))
    low, high = exact or moment_of(created.get("min")), exact or moment_of(created.get("max"))
    end = until if high is None else min(until, _microseconds(high) + 1_000_000)
    return merchant.all(None if low is None else _microseconds(low), end)


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
