"""The columns of Stripe's itemized reports, in the documented order, and what stands in them.

https://docs.stripe.com/reports/report-types. Amounts are in major units with decimals there,
though the API counts in minor units, and times are without a zone, in the one asked for.
"""

from collections.abc import Mapping
from typing import Final

from clearhouse.kernel.money import format_minor
from clearhouse.sandbox.movements import Movement, moment_of
from clearhouse.sandbox.stripe.shapes import Json

_ADDRESS: Final = ("line1", "line2", "city", "state", "postal_code", "country")
_HEAD: Final = (
    *("balance_transaction_id", "created_utc", "created", "available_on_utc", "available_on"),
    *("currency", "gross", "fee", "net", "reporting_category", "source_id", "description"),
    *("customer_facing_amount", "customer_facing_currency", "regulatory_tag"),
    *("automatic_payout_id", "automatic_payout_effective_at_utc", "automatic_payout_effective_at"),
    *("customer_id", "customer_email", "customer_name", "customer_description"),
)
_TAIL: Final = (
    *("charge_id", "payment_intent_id", "charge_created_utc", "charge_created", "invoice_id"),
    *("invoice_number", "subscription_id", "payment_method_type", "is_link", "card_brand"),
    *("card_funding", "card_country", "statement_descriptor", "dispute_reason"),
    *("connected_account_id", "connected_account_name", "connected_account_country"),
    "connected_account_direct_charge_id",
)
_ADDRESSES: Final = tuple(
    f"{of}_{part}"
    for of in ("customer_shipping_address", "customer_address", "shipping_address", "card_address")
    for part in _ADDRESS
)
ACTIVITY: Final = (*_HEAD, *_ADDRESSES, *_TAIL)
"""``balance_change_from_activity.itemized.3``."""
PAYOUTS: Final = (*ACTIVITY, "destination_payment_id", "order_id", "trace_id", "trace_id_status")
"""``payout_reconciliation.itemized.5``."""
METADATA: Final = ("payment_metadata", "refund_metadata", "transfer_metadata")
"""Columns that are asked for by key: ``payment_metadata[order]``."""


def cells(
    line: Movement, charge: Json | None, metadata: Mapping[str, str], payout: Json | None
) -> dict[str, str]:
    """What is known of a line, by column; all others are empty.

    ``charge`` is the charge it is about and ``metadata`` that of its payment.
    """
    created, available = _time(line.at), _time(line.due)
    found = {
        "balance_transaction_id": line.id,
        "created_utc": created,
        "created": created,
        "available_on_utc": available,
        "available_on": available,
        "currency": line.currency.lower(),
        "gross": format_minor(line.gross_minor, line.currency),
        "fee": format_minor(line.fee_minor, line.currency),
        "net": format_minor(line.net_minor, line.currency),
        "reporting_category": line.kind,
        "source_id": line.source,
        "payment_intent_id": line.charge,
    }
    found |= {f"payment_metadata[{name}]": value for name, value in metadata.items()}
    if payout is not None:
        effective = _time(payout["arrival_date"] * 1_000_000)
        found |= {
            "automatic_payout_id": payout["id"],
            "automatic_payout_effective_at_utc": effective,
            "automatic_payout_effective_at": effective,
            "trace_id": payout["trace_id"]["value"],
            "trace_id_status": payout["trace_id"]["status"],
        }
    if charge is not None:
        card = charge["payment_method_details"]["card"]
        made = _time(charge["created"] * 1_000_000)
        found |= {
            "charge_id": charge["id"],
            "charge_created_utc": made,
            "charge_created": made,
            "customer_facing_amount": format_minor(line.gross_minor, line.currency),
            "customer_facing_currency": line.currency.lower(),
            "description": charge.get("description") or "",
            "payment_method_type": "card",
            "card_brand": str(card.get("brand") or ""),
            "card_funding": str(card.get("funding") or ""),
            "card_country": str(card.get("country") or ""),
        }
    return found


def _time(micros: int) -> str:
    return f"{moment_of(micros):%Y-%m-%d %H:%M:%S}"
