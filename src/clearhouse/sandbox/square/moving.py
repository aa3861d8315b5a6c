"""What a payment, a refund or a dispute moves at Square, written down when it happens."""

from typing import Final

from clearhouse.sandbox.movements import Movement
from clearhouse.sandbox.square import shapes
from clearhouse.sandbox.square.endpoint import PSP
from clearhouse.sandbox.square.errors import Json
from clearhouse.sandbox.square.shelves import Shelves

PAYS_OUT: Final = f"{PSP}.pays_out"
_WITHDRAWN: Final = frozenset({"EVIDENCE_REQUIRED"})


def charged(shelves: Shelves, payment: Json) -> None:
    """The money was taken; the fee is kept from it."""
    money = payment["total_money"]
    fee = shapes.fee_of(money["amount"])
    _move(shelves, "charge", payment["id"], payment, money["amount"], fee)


def undone(shelves: Shelves, payment: Json) -> None:
    """What was taken a moment ago was never taken."""
    shelves.core.movements.withdraw(PSP, shelves.account, payment["id"])


def refunded(shelves: Shelves, refund: Json) -> None:
    """The buyer has it back; the fee stays with Square."""
    payment = shelves.payment(refund["payment_id"])
    _move(shelves, "refund", refund["id"], payment, -refund["amount_money"]["amount"], 0)


def disputed(shelves: Shelves, dispute: Json) -> None:
    """A dispute withdraws its money, and brings it back when it is won."""
    payment = shelves.payment(dispute["disputed_payment"]["payment_id"])
    amount = dispute["amount_money"]["amount"]
    if dispute["state"] in _WITHDRAWN:
        _move(shelves, "dispute", dispute["id"], payment, -amount, 0)
    elif dispute["state"] == "WON":
        _move(shelves, "dispute_reversal", dispute["id"], payment, amount, 0)


def _move(shelves: Shelves, kind: str, source: str, payment: Json, gross: int, fee: int) -> None:
    core = shelves.core
    now = core.now_us()
    core.movements.record(
        Movement(
            psp=PSP,
            account=shelves.account,
            id=f"poe_{core.name(24)}",
            kind=kind,
            source=source,
            charge=payment["id"],
            reference=payment.get("reference_id") or "",
            currency=payment["total_money"]["currency"],
            gross_minor=gross,
            fee_minor=fee,
            at=now,
            place=payment["location_id"],
            tail=payment["card_details"]["card"]["last_4"],
            due=now,
        ),
        pays_out=PAYS_OUT,
    )
