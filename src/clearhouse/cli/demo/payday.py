"""Payday in the demo: sellers say where they are paid, and are paid over the sandbox's bank."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import aiohttp

from clearhouse.cli.demo.books import Books
from clearhouse.cli.demo.summary import Check
from clearhouse.kernel.clock import Clock

CURRENCY: Final = "EUR"
_IBANS: Final = ("FR1420041010050500013M02606", "NL91ABNA0417164300", "AT611904300234573201")
_MOST: Final = 24
_WRONG: Final = "Reject AC04"
"""A holder whose account the sandbox's bank calls closed."""
_LONGEST_WAIT_SECONDS: Final = 30.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=15)


class Payday:
    """Pays those who sold in euros, one of whom has closed the account."""

    def __init__(self, url: str, key: str, books: Books, clock: Clock) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}
        self._books = books
        self._clock = clock
        self.refused: list[str] = []

    async def pay(self) -> None:
        """Give bank details, ask for payouts, and wait until the bank has answered."""
        sellers = [row["seller_account"] for row in await self._books.table("payable")][:_MOST]
        async with aiohttp.ClientSession(headers=self._headers, timeout=_TIMEOUT) as session:
            for number, seller in enumerate(sellers):
                holder = _WRONG if number == 1 else seller
                await self._tell(session, seller, _IBANS[number % len(_IBANS)], holder)
        deadline = self._clock.monotonic() + _LONGEST_WAIT_SECONDS
        while await self._books.count("unanswered") and self._clock.monotonic() < deadline:
            await self._clock.sleep(0.3)

    async def check(self) -> Check:
        """Whether every payout is with the bank once, or the seller's again."""
        rows: Sequence[Mapping[str, Any]] = await self._books.table("payouts")
        if self.refused:
            return Check(False, f"A payout was refused: {self.refused[0]}")
        waiting = await self._books.count("unanswered")
        if waiting:
            return Check(False, f"{waiting} payouts were not answered by the bank.")
        truth = Counter(await self._books.paid_by_the_bank())
        ours = Counter(row["key"] for row in await self._books.table("payout_keys"))
        if truth != ours:
            return Check(False, f"The bank has {truth.total()} payments, the books {ours.total()}.")
        if not rows:
            return Check(True, "Nobody sold in euros, so nobody was paid.")
        sent = sum(row["payouts"] for row in rows if row["status"] in {"submitted", "paid"})
        back = sum(row["payouts"] for row in rows if row["status"] == "failed")
        return Check(
            True,
            f"The bank has {ours.total()} payouts to sellers, each once: {sent} went out, {back}"
            " came back from a closed account and can be paid again.",
        )

    async def _tell(
        self, session: aiohttp.ClientSession, seller: str, iban: str, holder: str
    ) -> None:
        details = {"currency": CURRENCY, "iban": iban, "holder": holder}
        wanted = {"seller_account": seller, "currency": CURRENCY}
        at = f"{self._url}/v1/sellers/{seller}/bank-details"
        async with session.put(at, json=details) as answer:
            if answer.status != 200:
                self.refused.append(await answer.text())
                return
        headers = {"Idempotency-Key": f"payday-{seller}"}
        async with session.post(f"{self._url}/v1/payouts", json=wanted, headers=headers) as answer:
            if answer.status != 202:
                self.refused.append(await answer.text())
