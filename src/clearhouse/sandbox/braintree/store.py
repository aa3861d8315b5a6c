"""One merchant's transactions in the truth: found by id, order id, time, or as a twin."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from clearhouse.sandbox.braintree.nonces import Instrument
from clearhouse.sandbox.braintree.transaction import REFUSED, TAKEN, Transaction
from clearhouse.sandbox.core import Core
from clearhouse.sandbox.objects import Shelf
from clearhouse.sandbox.truth import Charge, Refund

PSP: Final = "braintree"

_DUPLICATE_WINDOW: Final = timedelta(seconds=30)
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_LENGTH: Final = 12
_PAGE: Final = 1000


class Merchant:
    """What one merchant id of the sandbox owns; writes belong into ``core.truth.transaction()``."""

    def __init__(self, core: Core, merchant_id: str) -> None:
        self.core = core
        self.id = merchant_id
        self._shelf = Shelf(PSP, merchant_id, "transaction")
        self._paydays = Shelf(PSP, merchant_id, "payday")

    def now(self) -> datetime:
        """The sandbox's time."""
        return self.core.clock.now()

    def new_id(self) -> str:
        """A transaction id as Braintree makes them: short, lower case, without look-alikes."""
        token = self.core.randomness.token(_ID_LENGTH)
        return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in token)

    def get(self, identifier: str) -> Transaction | None:
        """A transaction by its id, or None."""
        body = self.core.objects.get(self._shelf, identifier)
        return None if body is None else msgspec.convert(body, Transaction)

    def add(self, transaction: Transaction, *, key: str | None = None) -> None:
        """Remember a new transaction; a sale is a charge in the truth, whatever its outcome."""
        self._put(transaction, self._marks(transaction))
        self._record(transaction, key)

    def change(self, transaction: Transaction) -> None:
        """Remember a transaction's new state, and what it means for the buyer's money."""
        settled = transaction.status == "settled"
        self._put(transaction, self._marks(transaction) if settled else None)
        self._record(transaction, None)

    def twin(self, transaction: Transaction) -> Transaction | None:
        """An earlier sale with same amount, order and instrument within 30 s that stands."""
        start = transaction.created_at - _DUPLICATE_WINDOW
        found = self.core.objects.find(
            self._shelf,
            marks={"twin": twin_of(transaction)},
            created_from=_microseconds(start),
            limit=_PAGE,
        )
        others = (msgspec.convert(each.body, Transaction) for each in found)
        return next((each for each in others if each.status not in REFUSED | {"voided"}), None)

    def by_order(self, order_id: str, until: int) -> Iterator[Transaction]:
        """The transactions of an order id, newest first; ``until`` in microseconds."""
        found = self.core.objects.find(
            self._shelf, marks={"order_id": order_id}, created_to=until, limit=_PAGE
        )
        return (msgspec.convert(each.body, Transaction) for each in found)

    def all(self, start: int | None, until: int) -> Iterator[Transaction]:
        """Transactions created between two moments (microseconds, inclusive), newest first."""
        before: int | None = None
        while True:
            page = self.core.objects.find(
                self._shelf, created_from=start, created_to=until, before=before, limit=_PAGE
            )
            for each in page:
                yield msgspec.convert(each.body, Transaction)
            if len(page) < _PAGE:
                return
            before = page[-1].seq

    def payday_of(self, transaction: Transaction) -> str | None:
        """The name of the disbursement that pays a settled transaction out; None before that."""
        settled = (each.timestamp for each in transaction.history if each.status == "settled")
        moment = next(settled, None)
        return moment and f"{moment:%Y-%m-%d}_{transaction.merchant_account_id}"

    def begin_payday(self, payday: str) -> bool:
        """Whether this is the first that is heard of a payday."""
        if self.core.objects.get(self._paydays, payday) is not None:
            return False
        now = self.core.now_us()
        self.core.objects.put(self._paydays, payday, {"id": payday}, created_at=now)
        return True

    def of_payday(self, payday: str) -> list[Transaction]:
        """All transactions that were settled for a payday, oldest first."""
        found: list[Transaction] = []
        after: int | None = None
        while True:
            page = self.core.objects.find(
                self._shelf,
                marks={"payday": payday},
                after=after,
                limit=_PAGE,
                newest_first=False,
            )
            found += [msgspec.convert(each.body, Transaction) for each in page]
            if len(page) < _PAGE:
                return found
            after = page[-1].seq

    def _marks(self, transaction: Transaction) -> dict[str, str]:
        marks = {"twin": twin_of(transaction)}
        if transaction.order_id is not None:
            marks["order_id"] = transaction.order_id
        payday = self.payday_of(transaction)
        return marks if payday is None else marks | {"payday": payday}

    def _put(self, transaction: Transaction, marks: dict[str, str] | None) -> None:
        body = msgspec.to_builtins(transaction)
        created = _microseconds(transaction.created_at)
        self.core.objects.put(self._shelf, transaction.id, body, created_at=created, marks=marks)

    def _record(self, transaction: Transaction, key: str | None) -> None:
        created = _microseconds(transaction.created_at)
        updated = _microseconds(transaction.updated_at)
        given_back = _given_back(transaction)
        if given_back is not None:
            charge_id, status = given_back
            self.core.truth.record_refund(
                Refund(
                    psp=PSP,
                    account=self.id,
                    psp_id=transaction.id,
                    charge_id=charge_id,
                    reference=transaction.order_id if transaction.type == "credit" else None,
                    amount_minor=transaction.amount,
                    currency=transaction.currency,
                    status=status,
                    created_at=created,
                    updated_at=updated,
                )
            )
        if transaction.type != "sale":
            return
        charge = Charge(
            psp=PSP,
            account=self.id,
            psp_id=transaction.id,
            reference=transaction.order_id,
            idempotency_key=key,
            amount_minor=transaction.amount,
            currency=transaction.currency,
            payment_method=transaction.method,
            status=truth_of(transaction),
            created_at=created,
            updated_at=updated,
        )
        self.core.truth.record(charge)


def truth_of(transaction: Transaction) -> str:
    """What a sale's status means for the buyer's money, in the words of the truth.

    What is voided on its way to settlement was taken and given back, as by a refund.
    """
    status = transaction.status
    if status in TAKEN - {"settlement_pending"} or (status == "voided" and transaction.was_taken):
        return "succeeded"
    return {
        "authorized": "authorized",
        "voided": "canceled",
        "authorization_expired": "canceled",
        "settlement_pending": "pending",
    }.get(status, "declined")


def _given_back(transaction: Transaction) -> tuple[str, str] | None:
    """The charge that is given back by a transaction, and whether the buyer has the money."""
    if transaction.type == "sale":
        voided = transaction.status == "voided" and transaction.was_taken
        return (transaction.id, "succeeded") if voided else None
    charge_id = transaction.refunded_transaction_id
    if charge_id is None:
        return None
    if transaction.status in REFUSED | {"settlement_declined"}:
        return charge_id, "failed"
    if transaction.status == "voided":
        return charge_id, "canceled"
    return charge_id, "pending" if transaction.status == "settlement_pending" else "succeeded"


def twin_of(transaction: Transaction) -> str:
    """The same text for two transactions that duplicate checking takes for one."""
    parts = (
        transaction.type,
        transaction.merchant_account_id,
        str(transaction.amount),
        transaction.order_id or "",
        _instrument(transaction.instrument),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _instrument(instrument: Instrument) -> str:
    parts = (instrument.kind, instrument.first_six, instrument.last_four, instrument.customer_id)
    return "/".join(parts)


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
