"""Which terms a sale is under, and when it is due by them: pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from clearhouse.wallets.maturing.model import Matures, OwnTerms, Terms


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
            matures=terms.matures if one.matures is None else one.matures,
            delay=terms.delay if one.delay is None else one.delay,
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
