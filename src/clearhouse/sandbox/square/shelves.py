"""One account's objects at Square: read, written with the truth, and told by webhook."""

from typing import Final

from clearhouse.sandbox.core import Core
from clearhouse.sandbox.objects import Shelf
from clearhouse.sandbox.square import shapes
from clearhouse.sandbox.square.endpoint import PSP
from clearhouse.sandbox.square.errors import Json, not_found
from clearhouse.sandbox.square.events import emit
from clearhouse.sandbox.truth import Charge, Dispute, Refund

_CHARGES: Final = {
    "COMPLETED": "succeeded",
    "APPROVED": "authorized",
    "CANCELED": "canceled",
    "FAILED": "declined",
    "PENDING": "pending",
}
_REFUNDS: Final = {
    "PENDING": "pending",
    "COMPLETED": "succeeded",
    "REJECTED": "failed",
    "FAILED": "failed",
}
_DISPUTES: Final = {
    "INQUIRY_EVIDENCE_REQUIRED": "inquiry",
    "INQUIRY_PROCESSING": "inquiry",
    "INQUIRY_CLOSED": "closed",
    "EVIDENCE_REQUIRED": "open",
    "PROCESSING": "open",
    "WON": "won",
    "LOST": "lost",
    "ACCEPTED": "lost",
}


class Shelves:
    """Objects as they are stored; each has a ``version`` that counts its changes."""

    def __init__(self, core: Core, account: str) -> None:
        self.core = core
        self.account = account

    def load(self, kind: str, identifier: str) -> Json | None:
        """An object, or None."""
        return self.core.objects.get(self.shelf(kind), identifier)

    def payment(self, identifier: str) -> Json:
        """A payment. Raises SquareError when there is none."""
        found = self.load("payment", identifier)
        if found is None:
            detail = f"Could not find payment with id: {identifier[:80]}"
            raise not_found(detail, "payment_id")
        return found

    def marked(self, kind: str, name: str, value: str, limit: int = 1000) -> list[Json]:
        """The objects with a mark, the oldest first."""
        found = self.core.objects.find(
            self.shelf(kind), marks={name: value}, limit=limit, newest_first=False
        )
        return [each.body for each in found]

    def add_payment(
        self, payment: Json, source: str, key: str, reference: str | None = None
    ) -> None:
        """Write a new payment; a key is known only now, and ``reference`` where it has none."""
        self._write_payment(payment, source, key, reference)
        self._tell_payment("payment.created", payment)

    def change_payment(self, payment: Json) -> None:
        """Write a payment that has changed, under a new version."""
        payment["updated_at"] = shapes.moment(self.core.now_us())
        self._write_payment(payment, None, None, None)
        self._tell_payment("payment.updated", payment)

    def add_refund(self, refund: Json) -> None:
        """Write a new refund, and its id into the payment."""
        self._write_refund(refund, {"payment_id": refund["payment_id"]})
        emit(self.core, "refund.created", "refund", refund)
        self._count_refunds(refund["payment_id"])

    def change_refund(self, refund: Json) -> None:
        """Write a refund that has changed."""
        refund["updated_at"] = shapes.moment(self.core.now_us())
        self._write_refund(refund, None)
        emit(self.core, "refund.updated", "refund", refund)
        self._count_refunds(refund["payment_id"])

    def add_dispute(self, dispute: Json) -> None:
        """Write a new dispute."""
        self.write_dispute(dispute, {"payment_id": dispute["disputed_payment"]["payment_id"]})
        emit(self.core, "dispute.created", "dispute", dispute)

    def change_dispute(self, dispute: Json) -> None:
        """Write a dispute whose state has changed."""
        dispute["version"] += 1
        dispute["updated_at"] = shapes.moment(self.core.now_us())
        self.write_dispute(dispute)
        emit(self.core, "dispute.state.updated", "dispute", dispute)

    def write_dispute(self, dispute: Json, marks: dict[str, str] | None = None) -> None:
        """Write a dispute without telling anybody."""
        now, identifier = self.core.now_us(), dispute["id"]
        self.core.objects.put(
            self.shelf("dispute"), identifier, dispute, created_at=now, marks=marks
        )
        money = dispute["amount_money"]
        self.core.truth.record_dispute(
            Dispute(
                psp=PSP,
                account=self.account,
                psp_id=identifier,
                charge_id=dispute["disputed_payment"]["payment_id"],
                amount_minor=money["amount"],
                currency=money["currency"],
                status=_DISPUTES[dispute["state"]],
                created_at=now,
                updated_at=now,
            )
        )

    def add_order(self, order: Json) -> None:
        """Write a new order."""
        self._write_order(order)
        self._tell_order("order.created", order)

    def change_order(self, order: Json) -> None:
        """Write an order that has changed, under a new version."""
        order["version"] += 1
        order["updated_at"] = shapes.moment(self.core.now_us())
        self._write_order(order)
        self._tell_order("order.updated", order)

    def write_link(self, link: Json, marks: dict[str, str] | None = None) -> None:
        """Write a payment link; Square tells nobody of those."""
        now = self.core.now_us()
        self.core.objects.put(
            self.shelf("payment_link"), link["id"], link, created_at=now, marks=marks
        )

    def shelf(self, kind: str) -> Shelf:
        """Where objects of a kind stand."""
        return Shelf(PSP, self.account, kind)

    def _tell_payment(self, kind: str, payment: Json) -> None:
        shown = shapes.shown(payment, self.core.now_us())
        emit(self.core, kind, "payment", {**shown, "version": payment["version"]})

    def _write_order(self, order: Json) -> None:
        now = self.core.now_us()
        self.core.objects.put(self.shelf("order"), order["id"], order, created_at=now)

    def _tell_order(self, kind: str, order: Json) -> None:
        told = ("version", "location_id", "state", "created_at", "updated_at")
        body = {"order_id": order["id"], **{name: order[name] for name in told}}
        emit(self.core, kind, kind.replace(".", "_"), body)

    def _count_refunds(self, payment_id: str) -> None:
        payment = self.payment(payment_id)
        shapes.refunded(payment, self.marked("refund", "payment_id", payment_id))
        self.change_payment(payment)

    def _write_payment(
        self, payment: Json, source: str | None, key: str | None, reference: str | None
    ) -> None:
        now = self.core.now_us()
        payment["version"] = payment.get("version", 0) + 1
        payment["version_token"] = self.core.name(44)
        self.core.objects.put(
            self.shelf("payment"),
            payment["id"],
            payment,
            created_at=now,
            marks={"idempotency_key": key} if key else None,
        )
        money = payment["total_money"]
        self.core.truth.record(
            Charge(
                psp=PSP,
                account=self.account,
                psp_id=payment["id"],
                reference=payment.get("reference_id") or reference,
                idempotency_key=key,
                amount_minor=money["amount"],
                currency=money["currency"],
                payment_method=source,
                status=_CHARGES[payment["status"]],
                created_at=now,
                updated_at=now,
            )
        )

    def _write_refund(self, refund: Json, marks: dict[str, str] | None) -> None:
        now = self.core.now_us()
        refund["version"] = refund.get("version", 0) + 1
        self.core.objects.put(
            self.shelf("refund"), refund["id"], refund, created_at=now, marks=marks
        )
        money = refund["amount_money"]
        self.core.truth.record_refund(
            Refund(
                psp=PSP,
                account=self.account,
                psp_id=refund["id"],
                charge_id=refund["payment_id"],
                reference=refund.get("reason"),
                amount_minor=money["amount"],
                currency=money["currency"],
                status=_REFUNDS[refund["status"]],
                created_at=now,
                updated_at=now,
            )
        )
