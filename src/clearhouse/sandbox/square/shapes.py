"""Square's payment with its fields; fields that have no value are left out, as Square does."""

from datetime import UTC, datetime, timedelta
from typing import Final

from clearhouse.sandbox.square.errors import Json
from clearhouse.sandbox.square.sources import Source

_DELAY: Final = timedelta(days=7)
_PASSED_ON: Final = (
    "order_id",
    "customer_id",
    "team_member_id",
    "reference_id",
    "buyer_email_address",
    "billing_address",
    "shipping_address",
    "note",
    "statement_description_identifier",
    "app_fee_money",
    "tip_money",
)
_CAPABILITIES: Final = [
    "EDIT_AMOUNT_UP",
    "EDIT_AMOUNT_DOWN",
    "EDIT_TIP_AMOUNT_UP",
    "EDIT_TIP_AMOUNT_DOWN",
    "EDIT_DELAY_ACTION",
]


def moment(microseconds: int) -> str:
    """A time as Square writes it: RFC 3339 in UTC with milliseconds."""
    text = datetime.fromtimestamp(microseconds / 1_000_000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def payment(identifier: str, body: Json, source: Source, *, now_us: int) -> Json:
    """A payment that the bank has authorized; ``completed``, ``canceled``, ``failed`` change it."""
    now = moment(now_us)
    amount = dict(body["amount_money"])
    tip = body.get("tip_money", {}).get("amount", 0)
    fields: Json = {
        "id": identifier,
        "created_at": now,
        "updated_at": now,
        "amount_money": amount,
        "total_money": {**amount, "amount": amount["amount"] + tip},
        "approved_money": {**amount, "amount": amount["amount"] + tip},
        "status": "APPROVED",
        "delay_duration": body.get("delay_duration", "PT168H"),
        "delay_action": body.get("delay_action", "CANCEL"),
        "delayed_until": moment(now_us + int(_DELAY.total_seconds() * 1_000_000)),
        "source_type": "CARD",
        "card_details": _card_details(source, now),
        "location_id": body["location_id"],
        "capabilities": list(_CAPABILITIES),
        "application_details": {
            "square_product": "ECOMMERCE_API",
            "application_id": "sandbox-sq0idb-clearhouse",
        },
    }
    fields.update({name: body[name] for name in _PASSED_ON if name in body})
    fields.setdefault("order_id", f"{identifier[:-3]}ord")
    return fields


def complete(fields: Json, *, now_us: int) -> None:
    """The money is taken."""
    now = moment(now_us)
    fields.update(
        status="COMPLETED",
        updated_at=now,
        receipt_number=fields["id"][:4],
        receipt_url=f"https://squareup.com/receipt/preview/{fields['id']}",
    )
    fields.pop("capabilities", None)
    fields["card_details"]["status"] = "CAPTURED"
    fields["card_details"]["card_payment_timeline"]["captured_at"] = now


def cancel(fields: Json, *, now_us: int) -> None:
    """What was authorized is given back."""
    now = moment(now_us)
    fields.update(status="CANCELED", updated_at=now)
    fields.pop("capabilities", None)
    fields["card_details"]["status"] = "VOIDED"
    fields["card_details"]["card_payment_timeline"]["voided_at"] = now


def fail(fields: Json, error: Json) -> None:
    """The bank said no; the payment stays as a record of it."""
    fields["status"] = "FAILED"
    for name in ("capabilities", "approved_money"):
        fields.pop(name, None)
    details = fields["card_details"]
    details.update(status="FAILED", errors=[error], card_payment_timeline={})
    details.pop("auth_result_code", None)


def _card_details(source: Source, now: str) -> Json:
    return {
        "status": "AUTHORIZED",
        "card": {
            "card_brand": source.brand,
            "last_4": source.last_4,
            "exp_month": 11,
            "exp_year": 2034,
            "fingerprint": f"sq-1-sandbox-{source.bin}{source.last_4}",
            "card_type": "CREDIT",
            "prepaid_type": source.prepaid,
            "bin": source.bin,
        },
        "entry_method": source.entry_method,
        "cvv_status": source.cvv,
        "avs_status": source.avs,
        "auth_result_code": "123456",
        "statement_description": "SQ *CLEARHOUSE SANDBOX",
        "card_payment_timeline": {"authorized_at": now},
    }
