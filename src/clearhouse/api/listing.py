"""The lists: filters from the query, and cursors that belong to their filters."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

from clearhouse.api.problems import HttpError
from clearhouse.kernel.errors import Fault
from clearhouse.kernel.money import EXPONENTS
from clearhouse.payments.model import OrderFilter, OrderStatus
from clearhouse.psp.disputes import DisputeStage
from clearhouse.reconciliation.matching import CAUSES
from clearhouse.wallets.payouts.model import PayoutFilter, PayoutStatus
from clearhouse.webhooks.outgoing.lifecycle import DeliveryState

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200
_VERSION: Final = b"\x01"
_MARK: Final = 6
_NOT_VALID: Final = "The query has parameters that are not valid."
_CURSOR_BYTES: Final = len(_VERSION) + 16 + _MARK


class _Refused(ValueError):
    """A value that a parameter cannot have; its text says what it can."""


def read_listing(
    pairs: Iterable[tuple[str, str]],
) -> tuple[OrderFilter, UUID | None, int, Mapping[str, str]]:
    """Filters, place and page size from a query, and the filters as they were sent.

    Raises HttpError ``invalid-parameter`` with every fault.
    """
    values, before, limit, filters = _read(pairs, _READERS)
    return OrderFilter(**values), before, limit, filters


def read_dispute_listing(
    pairs: Iterable[tuple[str, str]],
) -> tuple[DisputeStage | None, UUID | None, int, Mapping[str, str]]:
    """The same for disputes, whose only filter is their stage."""
    values, before, limit, filters = _read(pairs, _DISPUTE_READERS)
    return values.get("stage"), before, limit, filters


def read_payout_listing(
    pairs: Iterable[tuple[str, str]],
) -> tuple[PayoutFilter, UUID | None, int, Mapping[str, str]]:
    """The same for payouts."""
    values, before, limit, filters = _read(pairs, _PAYOUT_READERS)
    return PayoutFilter(**values), before, limit, filters


def read_break_listing(pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, Any], int]:
    """Filters of breaks, and how many; they come in one page. Raises as the others do."""
    values, _, limit, _ = _read(pairs, _BREAK_READERS)
    return values, limit


def read_endpoint_listing(
    pairs: Iterable[tuple[str, str]],
) -> tuple[str | None, UUID | None, int, Mapping[str, str]]:
    """The same for webhook endpoints, whose only filter is their seller."""
    values, before, limit, filters = _read(pairs, _ENDPOINT_READERS)
    return values.get("seller_account"), before, limit, filters


def read_delivery_listing(
    pairs: Iterable[tuple[str, str]],
) -> tuple[DeliveryState | None, str | None, int, Mapping[str, str]]:
    """The same for deliveries, whose place is the id of a message."""
    values, before, limit, filters = _read(pairs, _DELIVERY_READERS)
    return values.get("state"), before, limit, filters


def read_statement_query(
    pairs: Iterable[tuple[str, str]],
) -> tuple[str, datetime, datetime, str | None]:
    """The currency, the time from and to before, and the format that a statement is asked for in.

    Raises HttpError ``invalid-parameter`` with every fault.
    """
    values, _, _, _ = _read(pairs, _STATEMENT_READERS)
    faults = _without_span(values, "currency")
    if faults:
        raise HttpError("invalid-parameter", _NOT_VALID, parameters=faults)
    return values["currency"], values["from"], values["to"], values.get("format")


def read_hold_listing(
    pairs: Iterable[tuple[str, str]],
) -> tuple[bool, UUID | None, int, Mapping[str, str]]:
    """The same for holds: whether only those that stop payouts now, place, and page size."""
    values, before, limit, filters = _read(pairs, _HOLD_READERS)
    return values.get("state") == "open", before, limit, filters


def read_margin_query(
    pairs: Iterable[tuple[str, str]],
) -> tuple[datetime, datetime, str | None]:
    """The time from and to before, and the currency if it is one only; raises as the others do."""
    values, _, _, _ = _read(pairs, _MARGIN_READERS)
    faults = _without_span(values)
    if faults:
        raise HttpError("invalid-parameter", _NOT_VALID, parameters=faults)
    return values["from"], values["to"], values.get("currency")


def _without_span(values: Mapping[str, Any], *more: str) -> list[Fault]:
    """What is missing of a time, and of ``more`` parameters, or wrong about it."""
    faults = [
        Fault(name, "missing-parameter", "must be given")
        for name in (*more, "from", "to")
        if name not in values
    ]
    if not faults and values["from"] >= values["to"]:
        faults.append(Fault("to", "invalid-value", "must be later than `from`"))
    return faults


def _read(
    pairs: Iterable[tuple[str, str]], readers: Mapping[str, Callable[[str], Any]]
) -> tuple[dict[str, Any], Any, int, Mapping[str, str]]:
    faults: list[Fault] = []
    values: dict[str, Any] = {}
    given: dict[str, str] = {}
    for name, text in pairs:
        reader = readers.get(name)
        if reader is None:
            shown = name if name.isidentifier() and name.isascii() and len(name) <= 64 else "?"
            faults.append(Fault(shown, "unknown-parameter", "is not known here"))
        elif name in given:
            faults.append(Fault(name, "given-twice", "must be given once"))
        else:
            given[name] = text
            try:
                values[name] = reader(text)
            except _Refused as refusal:
                faults.append(Fault(name, "invalid-value", str(refusal)))
    limit = values.pop("limit", DEFAULT_LIMIT)
    cursor = values.pop("cursor", None)
    filters = {name: text for name, text in given.items() if name not in {"limit", "cursor"}}
    before = None
    if cursor is not None:
        before, mark = cursor
        if mark != _mark(filters):
            detail = "belongs to other filters; repeat those of the first page"
            faults.append(Fault("cursor", "other-filters", detail))
    if faults:
        raise HttpError("invalid-parameter", _NOT_VALID, parameters=faults)
    return values, before, limit, filters


def make_cursor(before: UUID, filters: Mapping[str, str]) -> str:
    """The cursor of the page that follows an order, bound to its filters."""
    return urlsafe_b64encode(_VERSION + before.bytes + _mark(filters)).decode().rstrip("=")


def make_message_cursor(message_id: str, filters: Mapping[str, str]) -> str:
    """The same for lists of messages."""
    return f"{message_id}.{_mark(filters).hex()}"


def _mark(filters: Mapping[str, str]) -> bytes:
    text = "\n".join(f"{name}={filters[name]}" for name in sorted(filters))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_MARK).digest()


def _cursor(text: str) -> tuple[UUID, bytes]:
    try:
        data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        data = b""
    if len(data) != _CURSOR_BYTES or not data.startswith(_VERSION):
        raise _Refused("must be the next_cursor of an earlier page, unchanged")
    return UUID(bytes=data[1:17]), data[17:]


def _message_cursor(text: str) -> tuple[str, bytes]:
    message_id, _, mark = text.partition(".")
    if len(mark) != 2 * _MARK or not set(mark) <= set("0123456789abcdef"):
        raise _Refused("must be the next_cursor of an earlier page, unchanged")
    return message_id, bytes.fromhex(mark)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:10]) <= MAX_LIMIT):
        raise _Refused(f"must be a whole number from 1 to {MAX_LIMIT}")
    return int(text)


def _status(text: str) -> OrderStatus:
    if text not in OrderStatus.__members__:
        raise _Refused("must be one of: " + ", ".join(OrderStatus))
    return OrderStatus(text)


def _stage(text: str) -> DisputeStage:
    if text not in tuple(DisputeStage):
        raise _Refused("must be one of: " + ", ".join(DisputeStage))
    return DisputeStage(text)


def _payout_status(text: str) -> PayoutStatus:
    if text not in tuple(PayoutStatus):
        raise _Refused("must be one of: " + ", ".join(PayoutStatus))
    return PayoutStatus(text)


def _state(text: str) -> DeliveryState:
    if text not in tuple(DeliveryState):
        raise _Refused("must be one of: " + ", ".join(DeliveryState))
    return DeliveryState(text)


def _break_state(text: str) -> str:
    if text not in {"open", "closed"}:
        raise _Refused("must be open or closed")
    return text


def _cause(text: str) -> str:
    if text not in CAUSES:
        raise _Refused("must be one of: " + ", ".join(CAUSES))
    return text


def _currency(text: str) -> str:
    if text not in EXPONENTS:
        raise _Refused("must be an ISO 4217 currency in capital letters")
    return text


def _word(text: str) -> str:
    if not 1 <= len(text) <= 255 or not text.isprintable():
        raise _Refused("must be 1 to 255 printable characters")
    return text


def _moment(text: str) -> datetime:
    refusal = _Refused("must be a time such as 2026-01-31T12:00:00Z, with its offset")
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise refusal
        in_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise refusal from None
    if not 1970 <= in_utc.year < 9999:
        raise refusal
    return in_utc


_BREAK_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "state": _break_state,
    "cause": _cause,
    "psp": _word,
    "owner": _word,
    "limit": _limit,
}


def _day_or_moment(text: str) -> datetime:
    """A moment, or a day, which begins at midnight in UTC."""
    is_day = re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) is not None
    return _moment(f"{text}T00:00:00Z" if is_day else text)


def _hold_state(text: str) -> str:
    if text not in HOLD_STATES:
        raise _Refused("must be one of: " + ", ".join(HOLD_STATES))
    return text


def _format(text: str) -> str:
    if text not in STATEMENT_FORMATS:
        raise _Refused("must be one of: " + ", ".join(STATEMENT_FORMATS))
    return text


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "status": _status,
    "seller_account": _word,
    "psp": _word,
    "currency": _currency,
    "checkout_id": _word,
    "created_from": _moment,
    "created_before": _moment,
    "limit": _limit,
    "cursor": _cursor,
}

_DISPUTE_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "stage": _stage,
    "limit": _limit,
    "cursor": _cursor,
}

_PAYOUT_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "status": _payout_status,
    "seller_account": _word,
    "currency": _currency,
    "limit": _limit,
    "cursor": _cursor,
}

_ENDPOINT_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "seller_account": _word,
    "limit": _limit,
    "cursor": _cursor,
}

_DELIVERY_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "state": _state,
    "limit": _limit,
    "cursor": _message_cursor,
}

HOLD_STATES: Final = ("open", "all")
STATEMENT_FORMATS: Final = ("json", "csv", "html")
_HOLD_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "state": _hold_state,
    "limit": _limit,
    "cursor": _cursor,
}
_MARGIN_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "currency": _currency,
    "from": _day_or_moment,
    "to": _day_or_moment,
}
_STATEMENT_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "currency": _currency,
    "from": _day_or_moment,
    "to": _day_or_moment,
    "format": _format,
}
