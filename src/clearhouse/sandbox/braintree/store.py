"""One merchant's transactions in the truth: found by id, order id, time, or as a twin."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from clearhouse.sandbox.braintree.nonces import Instrument
from clearhouse.sandbox.braintree.transaction import REFUSED, SETTLEABLE, Transaction
from clearhouse.sandbox.core import Core
from clearhouse.sandbox.objects import Shelf
from clearhouse.sandbox.truth import Charge

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
        marks = {"twin": twin_of(transaction)}
        if transaction.order_id is not None:
            marks["order_id"] = transaction.order_id
        self._put(transaction, marks)
        self._record(transaction, key)

    def change(self, transaction: Transaction) -> None:
        """Remember a transaction's new state, and what it means for the buyer's money."""
        self._put(transaction, None)
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

    def _put(self, transaction: Transaction, marks: dict[str, str] | None) -> None:
        body = msgspec.to_builtins(transaction)
        created = _microseconds(transaction.created_at)
        self.core.objects.put(self._shelf, transaction.id, body, created_at=created, marks=marks)

    def _record(self, transaction: Transaction, key: str | None) -> None:
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
            status=truth_of(transaction.status),
            created_at=_microseconds(transaction.created_at),
            updated_at=_microseconds(transaction.updated_at),
        )
        self.core.truth.record(charge)


def truth_of(status: str) -> str:
    """What a sale's status means for the buyer's money, in the words of the truth."""
    if status == "settled" or status in SETTLEABLE - {"settlement_pending"}:
        return "succeeded"
    return {
        "authorized": "authorized",
        "voided": "canceled",
        "authorization_expired": "canceled",
        "settlement_pending": "pending",
    }.get(status, "declined")


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
