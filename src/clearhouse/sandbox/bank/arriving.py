"""What becomes of a PSP's payout on its way into the account: pure but for the orders that stand.

Orders for the PSP ``bank`` (``spoils.py``) say what goes wrong: ``missing-line`` (never booked),
``late-line`` (a day later), ``wrong-amount`` (1.00 more), ``wrong-fee`` (the bank keeps 0.25),
``duplicate-charge`` (booked twice), ``wrong-status`` (sent back a day later), ``extra-line``
(money of somebody else as well). ``match`` is a key, a text or a PSP's name.
"""

from typing import Any, Final

import msgspec

from clearhouse.sandbox.core import Core
from clearhouse.sandbox.spoils import Spoil

BANK: Final = "bank"
_DAY: Final = 86_400.0


class Arrival(msgspec.Struct, frozen=True):
    """Money of a PSP's payout; ``key`` is its end-to-end id, ``late`` that it was held back."""

    psp: str
    account: str
    amount_minor: int
    currency: str
    key: str
    text: str
    late: bool = False

    def same(self) -> dict[str, Any]:
        """What the payouts have in common that are booked in one line."""
        return {"psp": self.psp, "account": self.account, "currency": self.currency}


def arriving(core: Core, arrivals: list[Arrival]) -> list[Arrival]:
    """The lines that are booked now; notes what follows later."""
    booked = [line for each in arrivals for line in _spoilt(core, each)]
    if core.settings.bank_books == "together" and len(booked) > 1:
        return [_together(booked)]
    if core.settings.bank_books == "split":
        return [half for each in booked for half in _halves(each)]
    return booked


def _together(booked: list[Arrival]) -> Arrival:
    total = sum(each.amount_minor for each in booked)
    text = f"{booked[0].text} BATCH OF {len(booked)}"
    return msgspec.structs.replace(booked[0], amount_minor=total, key="", text=text)


def _halves(whole: Arrival) -> list[Arrival]:
    half = whole.amount_minor // 2
    amounts = [half, whole.amount_minor - half] if half else [whole.amount_minor]
    return [msgspec.structs.replace(whole, amount_minor=amount) for amount in amounts]


def _spoilt(core: Core, arrival: Arrival) -> list[Arrival]:
    names = {arrival.key, arrival.text, arrival.psp}

    def strikes(fault: Spoil) -> bool:
        return core.spoils.strikes(fault, BANK, core.now_us(), names)

    if strikes(Spoil.MISSING_LINE):
        return []
    if strikes(Spoil.LATE_LINE) and not arrival.late:
        later = msgspec.structs.replace(arrival, late=True)
        core.agenda.later("bank.receives", _DAY, msgspec.to_builtins(later))
        return []
    if strikes(Spoil.WRONG_AMOUNT):
        arrival = msgspec.structs.replace(arrival, amount_minor=arrival.amount_minor + 100)
    if strikes(Spoil.WRONG_FEE):
        arrival = msgspec.structs.replace(arrival, amount_minor=arrival.amount_minor - 25)
    booked = [arrival] * (2 if strikes(Spoil.DUPLICATE_CHARGE) else 1)
    if strikes(Spoil.EXTRA_LINE):
        booked.append(msgspec.structs.replace(arrival, key="", text="TRANSFER FROM A STRANGER"))
    if strikes(Spoil.WRONG_STATUS) and arrival.amount_minor > 0:
        back = msgspec.structs.replace(
            arrival, amount_minor=-arrival.amount_minor, text=f"RETURN OF {arrival.text}"
        )
        core.agenda.later("bank.receives", _DAY, msgspec.to_builtins(back))
    return booked
