"""Which terms a sale is under, when it is due by them, and what is kept of it: pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from clearhouse.kernel.money import basis_points_of
from clearhouse.wallets.maturing.model import DueSale, Matures, OwnTerms, Reserve, Terms

Term = TypeVar("Term")


def terms_at(platform: Terms, own: Iterable[OwnTerms], currency: str, moment: datetime) -> Terms:
    """The terms of one seller in a currency at a moment.

    ``own`` are that seller's, of any currency and time. Those of the currency go over those
    without one, and these over the platform's, each by its newest row that has begun.
    """
    begun = sorted(
        (one for one in own if one.valid_from <= moment and one.currency in {None, currency}),
        key=lambda one: (one.currency is not None, one.valid_from, one.terms_id),
    )
    newest = {one.currency: one for one in begun}
    terms = platform
    for one in newest.values():
        terms = replace(
            terms,
            matures=_own(one.matures, terms.matures),
            delay=_own(one.delay, terms.delay),
            reserve_basis_points=_own(one.reserve_basis_points, terms.reserve_basis_points),
            reserve_days=_own(one.reserve_days, terms.reserve_days),
            keep=terms.keep if one.keep_minor is None else {**terms.keep, currency: one.keep_minor},
        )
    return terms


def due_at(terms: Terms, sold_at: datetime, settled_at: datetime | None) -> datetime | None:
    """When a sale matures; None while that waits for its settlement.

    A settlement that is told with an earlier time than the sale's, by another clock, counts from
    the sale.
    """
    match terms.matures:
        case Matures.AFTER_DELAY:
            return sold_at + terms.delay
        case Matures.WHEN_SETTLED:
            return max(settled_at, sold_at) if settled_at is not None else None


def kept_back(
    matured: Iterable[tuple[DueSale, int]], available: Mapping[tuple[str, str], int]
) -> Sequence[Reserve]:
    """What is kept back of sales that have just matured, in their order.

    ``matured`` tells how much became available by each, ``available`` what each wallet (seller and
    currency) has now, all of that included. Nothing is kept that a seller in debt still owes: the
    debt is paid first.
    """
    left = {wallet: max(minor, 0) for wallet, minor in available.items()}
    kept: list[Reserve] = []
    for sale, minor in matured:
        wallet = (sale.seller_account, sale.currency)
        share = min(basis_points_of(minor, sale.reserve_basis_points), left.get(wallet, 0))
        if share <= 0 or not sale.reserve_days:
            continue
        left[wallet] -= share
        kept.append(
            Reserve(
                sale_id=sale.sale_id,
                reference=sale.reference,
                seller_account=sale.seller_account,
                currency=sale.currency,
                amount_minor=share,
                kept_at=sale.due_at,
                release_at=sale.due_at + timedelta(days=sale.reserve_days),
            )
        )
    return kept


def _own(value: Term | None, otherwise: Term) -> Term:
    return otherwise if value is None else value
