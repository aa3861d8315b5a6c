"""What holds for a payment that the buyer makes on a payment page, and for one that is not."""

from collections.abc import Mapping, Sequence
from typing import Any

from clearhouse.api.faults import Faults


def check_page(values: Mapping[str, Any], pages: Sequence[str], faults: Faults) -> None:
    """Add what is wrong between members; ``pages`` are the PSPs with a payment page."""
    if "credit_card_info" in values:
        for name in ("psp", "cancel_url"):
            if name in values:
                detail = "is for payments without credit_card_info"
                faults.add(f"/{name}", "not-with-card", detail)
        return
    if not pages:
        faults.add("/credit_card_info", "missing", "is required")
        return
    psp = values.get("psp")
    if psp is not None and psp not in pages:
        faults.add("/psp", "unknown-psp", f"must be one of: {', '.join(pages)}")
    if values.get("capture") == "manual":
        detail = "a payment page takes the money at once; leave capture out"
        faults.add("/capture", "not-on-page", detail)
    currencies: set[str] = set()
    for index, order in enumerate(values.get("payment_orders") or ()):
        currency = order.get("currency")
        if currency is not None and currencies and currency not in currencies:
            detail = "must be the same for all orders of a payment page"
            faults.add(f"/payment_orders/{index}/currency", "several-currencies", detail)
            return
        currencies |= {currency} if currency is not None else set()
