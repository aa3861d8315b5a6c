"""Square's payment with its fields; fields that have no value are left out, as Square does."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from clearhouse.sandbox.square.errors import Json
from clearhouse.sandbox.square.sources import Source

_FEE_DELAY: Final = timedelta(minutes=1)
_FEE_SHARE: Final = 29
_OWN: Final = {"version", "autocomplete"}
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
_CAPABILITIES: Final = ["EDIT_AMOUNT_DOWN", "EDIT_TIP_AMOUNT_DOWN", "EDIT_DELAY_ACTION"]


def moment(microseconds: int) -> str:
    """A time as Square writes it: RFC 3339 in UTC with milliseconds."""
    text = datetime.fromtimestamp(microseconds / 1_000_000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def micros(text: str) -> int:
    """A time as Square writes it in microseconds since 1970."""
    return int(datetime.fromisoformat(text).timestamp() * 1_000_000)


def payment(identifier: str, body: Json, source: Source, delay: timedelta, *, now_us: int) -> Json:
    """A payment that the bank has authorized; ``complete``, ``cancel``, ``fail`` change it."""
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
        "delayed_until": moment(now_us + delay // timedelta(microseconds=1)),
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


def resize(fields: Json, amount: Json, tip: Json | None) -> None:
    """Another amount is to be taken of what was authorized; ``approved_money`` stays."""
    fields["amount_money"] = amount
    if tip is not None:
        fields["tip_money"] = tip
    more = fields.get("tip_money", {}).get("amount", 0)
    fields["total_money"] = {**amount, "amount": amount["amount"] + more}


def await_review(fields: Json) -> None:
    """Square wants to look at it before it decides."""
    fields["status"] = "PENDING"


def approve_review(fields: Json) -> None:
    """Square has looked at it and lets it pass."""
    fields["status"] = "APPROVED"
    fields["risk_evaluation"]["risk_level"] = "NORMAL"


def refunded(fields: Json, refunds: list[Json]) -> None:
    """The payment knows its refunds; what was sent back does not count."""
    given = [each for each in refunds if each["status"] in {"PENDING", "COMPLETED"}]
    total = sum(each["amount_money"]["amount"] for each in given)
    fields["refund_ids"] = [each["id"] for each in refunds]
    fields["refunded_money"] = {**fields["total_money"], "amount": total}


def fee_due(fields: Json) -> int | None:
    """When Square tells its fee (microseconds); None where no money was taken."""
    timeline = fields.get("card_details", {}).get("card_payment_timeline", {})
    captured = timeline.get("captured_at")
    return None if captured is None else micros(captured) + _FEE_DELAY // timedelta(microseconds=1)


def add_fee(fields: Json, at_us: int) -> None:
    """Square's fee, 2.9 % and 30 minor units, which arrives some time after the money."""
    total: dict[str, Any] = fields["total_money"]
    fee = fee_of(total["amount"])
    fields["processing_fee"] = [
        {"effective_at": moment(at_us), "type": "INITIAL", "amount_money": {**total, "amount": fee}}
    ]
    fields["updated_at"] = moment(at_us)


def fee_of(amount: int) -> int:
    """What Square keeps of a payment."""
    return min(amount, (amount * _FEE_SHARE + 500) // 1000 + 30)


def shown(fields: Json, now_us: int) -> Json:
    """A payment (or refund) as the API shows it now: with a fee that is due, without our fields."""
    body = {name: value for name, value in fields.items() if name not in _OWN}
    due = fee_due(fields)
    if due is not None and due <= now_us and "processing_fee" not in fields:
        add_fee(body, due)
    return body


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
