"""Where Stripe's objects stand in the truth, and how an intent becomes a charge in it."""

from typing import Final

from clearhouse.sandbox.core import Core
from clearhouse.sandbox.movements import Movement
from clearhouse.sandbox.objects import Shelf
from clearhouse.sandbox.stripe import events
from clearhouse.sandbox.stripe.currencies import iso_minor
from clearhouse.sandbox.stripe.events import PSP
from clearhouse.sandbox.stripe.shapes import Json
from clearhouse.sandbox.truth import Charge, Dispute, Refund

REFERENCE_NAMES: Final = ("payment_order_id", "order_id", "reference")
"""The metadata in which the sandbox looks for our reference, in this order."""

_FOUND_BY: Final = {
    "payment_intent": ("customer",),
    "charge": ("payment_intent",),
    "refund": ("payment_intent", "charge"),
    "dispute": ("payment_intent", "charge"),
    "balance_transaction": ("source", "type"),
    "checkout.session": ("payment_intent", "status"),
    "transfer": ("transfer_group", "destination"),
    "payout": ("status",),
    "reporting.report_run": (),
}
"""The fields by which lists can be filtered, per kind."""

_LONGEST_WAY: Final = 7 * 86_400
"""Seconds from a payout to its arrival, at most."""

_SEARCHABLE: Final = frozenset({"payment_intent", "charge"})
"""What Stripe's search finds by its metadata."""

_TRUTH_STATUS: Final = {
    "succeeded": "succeeded",
    "requires_capture": "authorized",
    "requires_action": "requires_action",
    "processing": "pending",
    "canceled": "canceled",
    "requires_payment_method": "declined",
}

_DISPUTE_STATUS: Final = {
    "warning_needs_response": "inquiry",
    "warning_under_review": "inquiry",
    "warning_closed": "closed",
    "needs_response": "open",
    "under_review": "open",
    "won": "won",
    "lost": "lost",
    "prevented": "closed",
}


class Shelves:
    """Saves and loads the objects of one account; save within ``truth.transaction()``.

    ``request_id`` and ``key`` are of the request that causes the changes, if one does.
    """

    def __init__(
        self, core: Core, account: str, request_id: str | None = None, key: str | None = None
    ) -> None:
        self._core = core
        self._account = account
        self._request_id = request_id
        self._key = key
        self.now_us = core.now_us()

    def of(self, account: str) -> "Shelves":
        """The same for another account, as a change there has the same cause."""
        return Shelves(self._core, account, self._request_id, self._key)

    @property
    def account(self) -> str:
        """Whose objects these are."""
        return self._account

    @property
    def now(self) -> int:
        """The moment of the request in seconds since 1970, as Stripe writes it."""
        return self.now_us // 1_000_000

    def new_id(self, prefix: str) -> str:
        """An id such as ``pi_3...``."""
        return f"{prefix}_{self._core.name(24)}"

    def shelf(self, kind: str) -> Shelf:
        """The shelf of a kind, which is Stripe's ``object``."""
        return Shelf(PSP, self._account, kind)

    def load(self, kind: str, identifier: str) -> Json | None:
        """An object by its id."""
        return self._core.objects.get(self.shelf(kind), identifier)

    def save(self, body: Json) -> None:
        """Write an object under its own ``object`` and ``id``."""
        names = _FOUND_BY.get(body["object"], ())
        marks = {name: str(body[name]) for name in names if body[name] is not None}
        if body["object"] in _SEARCHABLE:
            marks |= {f"metadata.{name}": value for name, value in body["metadata"].items()}
        self._core.objects.put(
            self.shelf(body["object"]),
            body["id"],
            body,
            created_at=self.now_us,
            marks=marks or None,
        )

    def related(self, kind: str, **marks: str) -> list[Json]:
        """The objects of a kind that carry these marks, oldest first."""
        found = self._core.objects.find(
            self.shelf(kind), marks=marks, limit=1000, newest_first=False
        )
        return [each.body for each in found]

    def tell(
        self, kind: str, body: Json, *, previous: Json | None = None, delay: float = 0.0
    ) -> None:
        """Have a webhook sent about an object as it is now."""
        events.emit(
            self._core,
            kind,
            body,
            previous=previous,
            request_id=self._request_id,
            key=self._key,
            delay=delay,
        )

    def later(self, kind: str, seconds: float, identifier: str) -> None:
        """Note what Stripe will do with an object by itself (``later.py``)."""
        payload = {"account": self._account, "id": identifier}
        self._core.agenda.later(f"{PSP}.{kind}", seconds, payload)

    def move(self, movement: Movement, *, pays_out: bool) -> None:
        """Write a movement of the balance down; one that is paid out some day is noted for it."""
        work = f"{PSP}.pays_out" if pays_out else None
        self._core.movements.record(movement, pays_out=work)

    def pay_out(self, currency: str, payout: str) -> int:
        """Put all that is available into a payout; says how much that is, in ISO minor units."""
        movements = self._core.movements
        return movements.pay_out(PSP, self._account, "", currency, payout, self.now_us)

    def payouts_arriving(self, first: int, last: int) -> list[Json]:
        """The automatic payouts that arrive from one second to before another, oldest first."""
        found = self._core.objects.find(
            self.shelf("payout"),
            created_from=(first - _LONGEST_WAY) * 1_000_000,
            created_to=last * 1_000_000,
            limit=10_000,
            newest_first=False,
        )
        automatic = (each.body for each in found if each.body["automatic"])
        return [body for body in automatic if first <= body["arrival_date"] < last]

    def tell_bank(self, seconds: float, payout: Json, amount_minor: int) -> None:
        """Have the sandbox's bank book a payout later, negative what goes back."""
        self._core.agenda.later(
            "bank.receives",
            seconds,
            {
                "psp": PSP,
                "account": self._core.settings.payouts_to,
                "amount_minor": amount_minor,
                "currency": payout["currency"].upper(),
                "key": payout["trace_id"]["value"],
                "text": f"STRIPE {payout['statement_descriptor'] or 'TRANSFER'}",
            },
        )

    def withdraw_from_bank(self, payout: Json) -> None:
        """What has not reached the bank yet never does."""
        self._core.agenda.drop("bank.receives", "key", payout["trace_id"]["value"])

    def record_refund(self, refund: Json) -> None:
        """Bring the truth's refund up to Stripe's."""
        currency = refund["currency"].upper()
        self._core.truth.record_refund(
            Refund(
                psp=PSP,
                account=self._account,
                psp_id=refund["id"],
                charge_id=refund["payment_intent"],
                reference=refund["metadata"].get("operation_id"),
                amount_minor=iso_minor(refund["amount"], currency),
                currency=currency,
                status=refund["status"],
                created_at=self.now_us,
                updated_at=self.now_us,
            )
        )

    def record_dispute(self, dispute: Json) -> None:
        """Bring the truth's dispute up to Stripe's."""
        currency = dispute["currency"].upper()
        self._core.truth.record_dispute(
            Dispute(
                psp=PSP,
                account=self._account,
                psp_id=dispute["id"],
                charge_id=dispute["payment_intent"],
                amount_minor=iso_minor(dispute["amount"], currency),
                currency=currency,
                status=_DISPUTE_STATUS[dispute["status"]],
                created_at=self.now_us,
                updated_at=self.now_us,
            )
        )

    def record(self, intent: Json, key: str | None, method: str | None) -> None:
        """Bring the truth's charge up to the intent; a mere draft of an intent is none."""
        status = _TRUTH_STATUS.get(intent["status"])
        if status is None or (status == "declined" and intent["last_payment_error"] is None):
            return
        amount = intent["amount_received"] or intent["amount"]
        currency = intent["currency"].upper()
        self._core.truth.record(
            Charge(
                psp=PSP,
                account=self._account,
                psp_id=intent["id"],
                reference=reference(intent["metadata"]),
                idempotency_key=key,
                amount_minor=iso_minor(amount, currency),
                currency=currency,
                payment_method=method,
                status=status,
                created_at=self.now_us,
                updated_at=self.now_us,
            )
        )


def reference(metadata: Json) -> str | None:
    """Our reference as the metadata names it, or None."""
    for name in REFERENCE_NAMES:
        if name in metadata:
            return str(metadata[name])
    return None
