"""The bank's own doings: it takes files, books on their day, returns later, ends each day.

What becomes of a payment is said by its holder's name: ``REJECT AC04`` is rejected with that
code, ``RETURN MD07`` is paid and comes back two days later (NACHA: ``RETURN R03``), and
``CHANGE C01`` is paid, and a notification of change follows (NACHA only). All others are paid.
"""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

import msgspec

from clearhouse.sandbox.bank import writing
from clearhouse.sandbox.bank.arriving import Arrival, arriving
from clearhouse.sandbox.bank.reading import PaymentFile, Refused, Transfer, read
from clearhouse.sandbox.bank.statements import Statements
from clearhouse.sandbox.core import Core
from clearhouse.sandbox.objects import Body, Shelf

PSP: Final = "bank"
OPENING_MINOR: Final = 100_000_000_000
"""What every account has when it is first seen."""
_FILES: Final = Shelf(PSP, "", "file")
DOCUMENTS: Final = Shelf(PSP, "", "document")
_REJECT: Final = re.compile(r"\bREJECT ([A-Z]{2}[0-9A-Z]{2})\b")
_RETURN: Final = re.compile(r"\bRETURN ([A-Z]{2}[0-9A-Z]{2}|R[0-9]{2})\b")
_RETURN_SECONDS: Final = 2 * 86_400.0
_BOOKS_AT: Final = time(6, 0)
_CLOSES_AT: Final = time(22, 0)
DUPLICATE: Final = "AM05"


class Bank:
    """One bank with all its accounts; everything it knows is in the truth."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._statements = Statements(core)
        core.agenda.on("bank.books", self._book_file)
        core.agenda.on("bank.returns", self._return)
        core.agenda.on("bank.day_ends", self._end_day)
        core.agenda.on("bank.receives", self._receive)

    def take(self, data: bytes, *, again: bool = False) -> str:
        """Take a file, and answer it in a document; its message id. Raises Refused.

        ``again``: it may have been taken just before the bank itself was killed.
        """
        file = read(data)
        with self._core.truth.transaction():
            known = self._core.objects.get(_FILES, _name(file)) is not None
            if not known:
                self._keep(file)
            elif not again:
                self._answer(file, {}, DUPLICATE)
        if known and not again:
            raise Refused(DUPLICATE, f"the file {file.message_id} was taken before")
        return file.message_id

    def credit(self, account: str, amount_minor: int, currency: str, text: str) -> None:
        """Money from elsewhere, such as a PSP's payout; it stands in the day's statement."""
        with self._core.truth.transaction():
            self._book(account, amount_minor, currency, key="", text=text)

    def payments(self) -> list[Body]:
        """All payments and what became of them, oldest first: the truth of payouts."""
        rows = self._core.truth.execute(
            "SELECT body FROM objects WHERE psp = ? AND kind = 'payment' ORDER BY seq", (PSP,)
        )
        return [msgspec.json.decode(row[0]) for row in rows]

    def _keep(self, file: PaymentFile) -> None:
        body = msgspec.to_builtins(file)
        self._core.objects.put(_FILES, _name(file), body, created_at=self._core.now_us())
        self._answer(file, self._accept(file), None)
        books = datetime.combine(file.execution_date, _BOOKS_AT, UTC)
        wait = max(0.0, (books - self._core.clock.now()).total_seconds())
        self._core.agenda.later("bank.books", wait, {"file": _name(file)})

    def _accept(self, file: PaymentFile) -> dict[str, str]:
        rejected: dict[str, str] = {}
        for number, transfer in enumerate(file.transfers):
            found = _REJECT.search(transfer.holder.upper())
            if found is not None and file.format == "sepa":
                rejected[transfer.key] = found[1]
            status = "rejected" if transfer.key in rejected else "accepted"
            self._put(file, number, transfer, status, rejected.get(transfer.key))
        return rejected

    def _put(
        self, file: PaymentFile, number: int, transfer: Transfer, status: str, code: str | None
    ) -> None:
        body: Body = {
            "id": f"{_name(file)}/{number}",
            "message_id": file.message_id,
            "key": transfer.key,
            "amount_minor": transfer.amount_minor,
            "currency": transfer.currency,
            "account": transfer.account,
            "holder": transfer.holder,
            "status": status,
            "code": code,
        }
        shelf = Shelf(PSP, file.debtor, "payment")
        self._core.objects.put(shelf, body["id"], body, created_at=self._core.now_us())

    def _answer(self, file: PaymentFile, rejected: dict[str, str], whole: str | None) -> None:
        if file.format != "sepa":
            return
        report_id = f"STS-{self._core.name(16)}"
        at = self._core.clock.now()
        report = writing.status_report(file, report_id, at, rejected, whole)
        self._deliver("sepa", f"pain.002-{report_id}.xml", report)

    def _book_file(self, payload: dict[str, Any]) -> None:
        file = self._file(payload["file"])
        booked: list[writing.Entry] = []
        for number, transfer in enumerate(file.transfers):
            body = self._payment(file, number)
            if body["status"] != "accepted":
                continue
            self._put(file, number, transfer, "paid", None)
            minor, currency = -transfer.amount_minor, transfer.currency
            booked.append(self._book(file.debtor, minor, currency, key=transfer.key))
            pattern = _RETURN if file.format == "sepa" else _NACHA_BACK
            found = pattern.search(transfer.holder.upper())
            if found is not None:
                code = found[found.lastindex or 1]
                later = {"file": payload["file"], "number": number, "code": code}
                self._core.agenda.later("bank.returns", _RETURN_SECONDS, later)
        if booked and file.format == "sepa":
            self._notify(booked)

    def _return(self, payload: dict[str, Any]) -> None:
        number, code = int(payload["number"]), str(payload["code"])
        file = self._file(payload["file"])
        transfer = file.transfers[number]
        moves = not code.startswith("C") or file.format == "sepa"
        if moves:
            self._put(file, number, transfer, "returned", code)
            minor, currency = transfer.amount_minor, transfer.currency
            entry = self._book(file.debtor, minor, currency, key=transfer.key, returned=code)
            if file.format == "sepa":
                self._notify([entry])
        if file.format == "nacha":
            at = self._core.clock.now()
            back = writing.nacha_return(file, transfer.raw, code, at, number + 1)
            self._deliver("nacha", f"return-{self._core.name(16)}.ach", back)

    def _book(
        self,
        account: str,
        minor: int,
        currency: str,
        *,
        key: str,
        text: str = "",
        returned: str | None = None,
    ) -> writing.Entry:
        now = self._core.clock.now()
        day = now.date() + timedelta(days=now.time() >= _CLOSES_AT)
        shelf, marks = Shelf(PSP, account, "entry"), {"day": f"{currency}/{day}"}
        if not self._core.objects.find(shelf, marks=marks, limit=1):
            ends = datetime.combine(day, _CLOSES_AT, UTC)
            payload = {"account": account, "currency": currency, "day": f"{day}"}
            self._core.agenda.later("bank.day_ends", (ends - now).total_seconds(), payload)
        name = f"entry_{self._core.name(20)}"
        entry = writing.Entry(0, account, minor, currency, now, key, text, returned)
        body = msgspec.to_builtins(entry)
        self._core.objects.put(shelf, name, body, created_at=self._core.now_us(), marks=marks)
        return msgspec.structs.replace(entry, number=self._core.objects.seq(shelf, name) or 0)

    def _end_day(self, payload: dict[str, Any]) -> None:
        account, currency, day = payload["account"], payload["currency"], payload["day"]
        balances = Shelf(PSP, account, "balance")
        known = self._core.objects.get(balances, currency)
        opening = OPENING_MINOR if known is None else known["minor"]
        shelf, marks = Shelf(PSP, account, "entry"), {"day": f"{currency}/{day}"}
        found = self._core.objects.find(shelf, marks=marks, limit=1_000_000, newest_first=False)
        entries = [
            msgspec.structs.replace(msgspec.convert(each.body, writing.Entry), number=each.seq)
            for each in found
        ]
        closing = opening + sum(entry.amount_minor for entry in entries)
        self._core.objects.put(
            balances, currency, {"minor": closing}, created_at=self._core.now_us()
        )
        at = datetime.fromisoformat(day).replace(tzinfo=UTC)
        if currency == "EUR":
            statement = writing.statement(entries, opening, account, currency, at)
            self._deliver("sepa", f"camt.053-{account[-8:]}-{day}.xml", statement)
        for name, document in self._statements.of_day(entries, opening, account, currency, at):
            self._deliver("statements", name, document)

    def _receive(self, payload: dict[str, Any]) -> None:
        """What a PSP paid out arrives, in as many lines as this bank makes of it."""
        arrival = msgspec.convert(payload, Arrival)
        others: list[Arrival] = []
        if self._core.settings.bank_books == "together":
            now = self._core.now_us()
            found = self._core.agenda.take_due("bank.receives", now, arrival.same())
            others = [msgspec.convert(each, Arrival) for each in found]
        for each in arriving(self._core, [arrival, *others]):
            self._book(each.account, each.amount_minor, each.currency, key=each.key, text=each.text)

    def _notify(self, entries: list[writing.Entry]) -> None:
        message_id = f"NTF-{self._core.name(16)}"
        document = writing.notification(entries, message_id, self._core.clock.now())
        self._deliver("sepa", f"camt.054-{message_id}.xml", document)

    def _deliver(self, form: str, name: str, document: bytes) -> None:
        """Keep a document for whoever fetches it, by HTTP or from the folder."""
        try:
            encoding, text = "utf-8", document.decode()
        except UnicodeDecodeError:
            # A spoilt one: a letter for each byte, so that the bytes come out as they went in.
            encoding, text = "latin-1", document.decode("latin-1")
        body = {"format": form, "name": name, "document": text, "encoding": encoding}
        marks = {"waits": "yes"}
        self._core.objects.put(DOCUMENTS, name, body, created_at=self._core.now_us(), marks=marks)

    def _file(self, name: str) -> PaymentFile:
        body = self._core.objects.get(_FILES, name)
        assert body is not None
        return msgspec.convert(body, PaymentFile)

    def _payment(self, file: PaymentFile, number: int) -> Body:
        shelf = Shelf(PSP, file.debtor, "payment")
        body = self._core.objects.get(shelf, f"{_name(file)}/{number}")
        assert body is not None
        return body


_NACHA_BACK: Final = re.compile(r"\bRETURN (R[0-9]{2})\b|\bCHANGE (C[0-9]{2})\b")


def _name(file: PaymentFile) -> str:
    return f"{file.format}/{file.debtor}/{file.message_id}"
