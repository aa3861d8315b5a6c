"""What really happened at the PSPs against what the books say, order by order.

Pure, so that a test can plant every kind of difference; the end-to-end test and the demo
use it on the sandbox's truth.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class BookedOrder(NamedTuple):
    """One payment order as the books have it; the amount is in minor units."""

    payment_order_id: str
    psp: str
    amount_minor: int
    currency: str
    status: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the two agree, by payment order id; all but ``agreed`` are empty when all is well."""

    agreed: list[str] = field(default_factory=list[str])
    """Orders charged exactly once, with the amount that the books have."""
    charged_twice: list[str] = field(default_factory=list[str])
    charged_not_booked: list[str] = field(default_factory=list[str])
    booked_not_charged: list[str] = field(default_factory=list[str])
    other_amount: list[str] = field(default_factory=list[str])

    @property
    def same(self) -> bool:
        """Whether truth and books are one to one."""
        return not (
            self.charged_twice
            or self.charged_not_booked
            or self.booked_not_charged
            or self.other_amount
        )


def compare(charges: Iterable[Mapping[str, Any]], orders: Iterable[BookedOrder]) -> Comparison:
    """Set the sandbox's succeeded charges against the books' orders.

    ``charges`` as ``/_sandbox/truth`` tells them; those that took no money are passed over.
    """
    taken: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for charge in charges:
        if charge["status"] == "succeeded":
            taken[charge["psp"], str(charge["reference"])].append(charge)
    booked = {
        (order.psp, order.payment_order_id): order for order in orders if order.status == "SUCCESS"
    }
    found = Comparison()
    for key in sorted(taken.keys() | booked.keys()):
        here, order, name = taken.get(key, []), booked.get(key), key[1]
        if len(here) > 1:
            found.charged_twice.append(name)
        elif order is None:
            found.charged_not_booked.append(name)
        elif not here:
            found.booked_not_charged.append(name)
        elif _money(here[0]) != (order.amount_minor, order.currency):
            found.other_amount.append(name)
        else:
            found.agreed.append(name)
    return found


def _money(charge: Mapping[str, Any]) -> tuple[int, str]:
    return charge["amount_minor"], charge["currency"]
