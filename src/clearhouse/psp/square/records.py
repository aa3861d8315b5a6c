"""Square's payments as records, and the two fields by which they name our order; pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from clearhouse.kernel.money import Money
from clearhouse.psp.contract import PspRecord, attempt_key

_REFERENCE_LENGTH: Final = 40
_NOTE_LENGTH: Final = 500
_PAGE: Final = "page "
_HELD: Final = "held "


def reference_of(payment_order_id: str) -> str:
    """The ``reference_id`` of an order: its id where Square's 40 characters take it.

    A longer one (or one that is not plain ASCII) becomes a stable hash; the payment's note
    then holds the id itself.
    """
    return attempt_key(payment_order_id, 1, _REFERENCE_LENGTH)


def note_of(idempotency_key: str, payment_order_id: str, *, held: bool = False) -> str:
    """The attempt's key and the whole order id: how attempts of one order are told apart.

    A payment that is only held says so, since Square shows no difference to one that is about
    to be completed.
    """
    return f"{_HELD if held else ''}{idempotency_key} {payment_order_id}"[:_NOTE_LENGTH]


def is_held(payment: Mapping[str, Any]) -> bool:
    """Whether a payment of ours was made to be held until it is captured."""
    return str(payment.get("note") or "").startswith(_HELD)


def order_of(payment: Mapping[str, Any]) -> str | None:
    """Our order's id out of the reference and the note, where the payment is of ours.

    A page's id takes its place for what was paid on a page of ours.
    """
    page = page_of(payment)
    if page is not None:
        return page
    reference, note = _reference(payment), str(payment.get("note") or "")
    for order in (_last_of(note), _last_of(note.removeprefix(_HELD)), reference):
        if order and reference_of(order) == reference:
            return order
    return None


def _last_of(note: str) -> str:
    """The order's id at a note's end: behind a hashed key, which has no space in it; any other
    key is the order's id itself, so written twice.
    """
    return note.partition(" ")[2] if note.startswith("~") else note[len(note) // 2 + 1 :]


def key_of(payment: Mapping[str, Any]) -> str | None:
    """The attempt's key out of the note of a payment that is of an order of ours."""
    order, note = order_of(payment), str(payment.get("note") or "")
    if order is None or page_of(payment) is not None:
        return None
    hashed = note.removeprefix(_HELD)
    key = hashed.partition(" ")[0] if hashed.startswith("~") else order
    return key if note in {note_of(key, order), note_of(key, order, held=True)} else None


def page_note_of(page_id: str) -> str:
    """The note that Square passes on from a payment link to the payment that is made on it."""
    return f"{_PAGE}{page_id}"[:_NOTE_LENGTH]


def page_of(payment: Mapping[str, Any]) -> str | None:
    """Our page's id, where a payment was made on a page of ours: such have no reference."""
    note = str(payment.get("note") or "")
    return note.removeprefix(_PAGE) if not _reference(payment) and note.startswith(_PAGE) else None


def _reference(payment: Mapping[str, Any]) -> str:
    return str(payment.get("reference_id") or "")


def record_of(payment: Mapping[str, Any]) -> PspRecord:
    """One payment; raises KeyError, TypeError or ValueError for one that makes no sense."""
    money: Mapping[str, Any] = payment.get("total_money") or payment["amount_money"]
    created = datetime.fromisoformat(str(payment["created_at"]))
    return PspRecord(
        psp_reference=str(payment["id"]),
        payment_order_id=order_of(payment),
        amount=Money(int(money["amount"]), str(money["currency"])),
        is_charged=payment["status"] == "COMPLETED",
        status=str(payment["status"]),
        created_at=created.astimezone(UTC),
    )
