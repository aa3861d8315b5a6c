"""What Square demands of the body of a payment or refund, before anything is stored."""

import re
from datetime import timedelta
from typing import Any, Final, cast

from clearhouse.sandbox.square.errors import Json, invalid
from clearhouse.sandbox.square.locations import CURRENCIES, MAIN, currency_of

LARGEST: Final = 99_999_999
"""The sandbox's ceiling in minor units; Square has one per account and publishes none."""

_DURATION: Final = re.compile(
    r"P(?:(?P<weeks>\d{1,2})W)?(?:(?P<days>\d{1,3})D)?"
    r"(?:T(?:(?P<hours>\d{1,4})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,7})S)?)?",
    re.ASCII,
)
_SHORTEST: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(days=7)
_LENGTHS: Final = {
    "source_id": 255,
    "idempotency_key": 45,
    "reference_id": 40,
    "note": 500,
    "customer_id": 191,
    "location_id": 50,
    "order_id": 192,
    "team_member_id": 192,
    "buyer_email_address": 255,
    "statement_description_identifier": 20,
    "delay_duration": 40,
    "delay_action": 10,
    "verification_token": 5000,
    "payment_id": 192,
    "reason": 192,
    "evidence_text": 500,
}
_EVIDENCE: Final = {
    *("GENERIC_EVIDENCE", "ONLINE_OR_APP_ACCESS_LOG", "AUTHORIZATION_DOCUMENTATION"),
    *("CANCELLATION_OR_REFUND_DOCUMENTATION", "CARDHOLDER_COMMUNICATION", "RECEIPT"),
    *("CARDHOLDER_INFORMATION", "PURCHASE_ACKNOWLEDGEMENT", "REBUTTAL_EXPLANATION"),
    *("DUPLICATE_CHARGE_DOCUMENTATION", "PRODUCT_OR_SERVICE_DESCRIPTION", "TRACKING_NUMBER"),
    *("SERVICE_RECEIVED_DOCUMENTATION", "PROOF_OF_DELIVERY_DOCUMENTATION"),
    "RELATED_TRANSACTION_DOCUMENTATION",
}
_REFUND: Final = {
    *("idempotency_key", "payment_id", "amount_money", "reason", "app_fee_money"),
    *("location_id", "customer_id", "team_member_id", "payment_version_token", "unlinked"),
}
_ELSEWHERE: Final = {"payment_id", "reason", "evidence_text"}
_OTHERS: Final = {
    "amount_money",
    "tip_money",
    "app_fee_money",
    "app_fee_allocations",
    "autocomplete",
    "accept_partial_authorization",
    "buyer_phone_number",
    "billing_address",
    "shipping_address",
    "customer_details",
    "cash_details",
    "external_details",
    "offline_payment_details",
}


def check_create(body: Json) -> None:
    """Raise SquareError for the first rule that the body breaks; sets ``location_id``."""
    for name in body:
        if (name not in _LENGTHS and name not in _OTHERS) or name in _ELSEWHERE:
            raise invalid("UNKNOWN_BODY_PARAMETER", "Unknown parameter.", name[:80])
    for name in ("source_id", "idempotency_key"):
        text(body, name)
    for name in _LENGTHS:
        if name in body:
            text(body, name)
    if not isinstance(body.get("autocomplete", True), bool):
        raise invalid("EXPECTED_BOOLEAN", "Expected a boolean value.", "autocomplete")
    location = body.setdefault("location_id", MAIN)
    amount, currency = money(body, "amount_money")
    expected = currency_of(location)
    if currency != expected:
        detail = (
            f"This merchant can only process payments in {expected}, but amount was provided in"
            f" {currency}."
        )
        raise invalid("INVALID_VALUE", detail, "amount_money.currency")
    for name in ("tip_money", "app_fee_money"):
        if name in body and money(body, name, least=0)[1] != currency:
            raise invalid("INVALID_VALUE", "Currencies must be the same.", f"{name}.currency")
    fee = body.get("app_fee_money", {}).get("amount", 0)
    if fee * 10 > amount * 9:
        detail = "The application fee can be at most 90 % of the total."
        raise invalid("INVALID_FEES", detail, "app_fee_money.amount")


def check_refund(body: Json) -> None:
    """Raise SquareError for the first rule that the body of a refund breaks."""
    for name in body:
        if name not in _REFUND:
            raise invalid("UNKNOWN_BODY_PARAMETER", "Unknown parameter.", name[:80])
    text(body, "payment_id")
    if "reason" in body:
        text(body, "reason")
    money(body, "amount_money")


def check_evidence(body: Json) -> None:
    """Raise SquareError for the first rule that a text of evidence breaks."""
    text(body, "evidence_text")
    if body.get("evidence_type", "GENERIC_EVIDENCE") not in _EVIDENCE:
        raise invalid("INVALID_ENUM_VALUE", "It is no type of evidence.", "evidence_type")


def delay_of(body: Json) -> timedelta:
    """How long an authorization stands: ``delay_duration``, a week where nothing is said."""
    given = body.get("delay_duration", "P7D")
    found = _DURATION.fullmatch(given)
    if found is None or given in {"P", "PT"}:
        raise invalid("INVALID_VALUE", f"`{given}` is not an ISO 8601 duration.", "delay_duration")
    parts = {name: int(number) for name, number in found.groupdict(default="0").items()}
    delay = timedelta(**parts)
    if not _SHORTEST <= delay <= _LONGEST:
        detail = "`delay_duration` must be between 1 minute and 7 days."
        raise invalid("INVALID_VALUE", detail, "delay_duration")
    if body.get("delay_action", "CANCEL") not in {"CANCEL", "COMPLETE"}:
        raise invalid("INVALID_ENUM_VALUE", "It is CANCEL or COMPLETE.", "delay_action")
    return delay


def text(body: Json, name: str) -> str:
    """A required string within its length."""
    value: Any = body.get(name)
    if value is None:
        raise invalid("MISSING_REQUIRED_PARAMETER", "Missing required parameter.", name)
    if not isinstance(value, str):
        raise invalid("EXPECTED_STRING", f"Expected a string value (line 0, {name}).", name)
    if not value:
        raise invalid("VALUE_EMPTY", "Field must not be blank.", name)
    longest = _LENGTHS[name]
    if len(value) > longest:
        detail = f"Field must not be greater than {longest} in length."
        raise invalid("VALUE_TOO_LONG", detail, name)
    return value


def part(body: Json, name: str) -> Json:
    """An object within a body, empty where there is none."""
    value: Any = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid("EXPECTED_OBJECT", "Expected an object value.", name)
    return cast("Json", value)


def money(body: Json, name: str, *, least: int = 1) -> tuple[int, str]:
    """A required amount within its bounds: minor units and an ISO 4217 currency."""
    value: Any = body.get(name)
    if value is None:
        raise invalid("MISSING_REQUIRED_PARAMETER", "Missing required parameter.", name)
    if not isinstance(value, dict):
        raise invalid("EXPECTED_OBJECT", "Expected an object value.", name)
    fields = cast("Json", value)
    amount, currency = fields.get("amount"), fields.get("currency")
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise invalid("EXPECTED_INTEGER", "Expected an integer value.", f"{name}.amount")
    if currency not in CURRENCIES:
        detail = f"`{str(currency)[:16]}` is not a valid enum value for `{name}.currency`."
        raise invalid("INVALID_ENUM_VALUE", detail, f"{name}.currency")
    if amount < least:
        detail = f"`{name}.amount` must be at least {least}."
        raise invalid("VALUE_TOO_LOW", detail, f"{name}.amount")
    if amount > LARGEST:
        detail = f"`{name}.amount` must be at most {LARGEST}."
        raise invalid("AMOUNT_TOO_HIGH", detail, f"{name}.amount")
    return amount, str(currency)
