"""What PSPs report every morning, as reconciliation tells it: sales settled, fees, money sent on.

The reports themselves are read and compared elsewhere; here it is known what they say.
"""

from collections import Counter
from datetime import date
from typing import Final

from clearhouse.cli.simulate.psp import Charge, RefundState, SimulatedPsp
from clearhouse.cli.simulate.time import DAY
from clearhouse.cli.simulate.town import Town
from clearhouse.kernel.money import basis_points_of
from clearhouse.messaging.events import PaymentOrderSettled, SettlementBooked
from clearhouse.messaging.outbox import publish
from clearhouse.postgres.connection import Connection
from clearhouse.psp.disputes import DisputeStage
from clearhouse.reconciliation.booking import Booking
from clearhouse.reconciliation.store import SCHEMA

_SETTLES_AFTER: Final = 2
_FEE_BASIS_POINTS: Final = 140
_FEE_FIXED: Final = {"EUR": 25, "USD": 30, "JPY": 30}
_BANKS: Final = {"EUR": "sepa", "USD": "nacha"}
"""The account at the bank of which rail the PSPs pay a currency to; what is not here stays."""


class Settling:
    """Remembers what each PSP has kept and sent on."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._booking = Booking(town.clock, town.runtime.ids)
        self._sent: Counter[tuple[str, str]] = Counter()
        self._arriving: Counter[tuple[str, str]] = Counter()
        self.fees: Counter[tuple[str, str]] = Counter()

    async def settle(self, day: date) -> None:
        """All that the reports and statements of a morning say."""
        settled: list[PaymentOrderSettled] = []
        bookings: list[tuple[str, SettlementBooked]] = []
        for (psp, currency), minor in sorted(self._arriving.items()):
            if minor:
                bookings.append(self._book("bank_receipt", psp, currency, minor, day))
        self._arriving.clear()
        for psp in self._town.psps.values():
            fees = Counter[str]()
            for charge in psp.all_charges:
                if charge.is_settled or charge.at.date() + _SETTLES_AFTER * DAY > day:
                    continue
                charge.is_settled = True
                if not charge.is_stray:
                    fee = fee_on(charge)
                    fees[charge.amount.currency] += fee
                    settled.append(self._settled(psp.name, charge, fee))
            for currency, minor in sorted(fees.items()):
                self.fees[psp.name, currency] += minor
                bookings.append(self._book("psp_fees", psp.name, currency, minor, day))
            for currency in _BANKS:
                left = self._balance(psp, currency)
                if left > 0:
                    self._sent[psp.name, currency] += left
                    self._arriving[psp.name, currency] += left
                    bookings.append(self._book("psp_payout", psp.name, currency, left, day))

        async def work(connection: Connection) -> None:
            await publish(connection, SCHEMA, settled)
            await self._booking.tell(connection, bookings)

        await self._town.in_transaction(work)

    def fees_in(self, currency: str) -> int:
        """What all PSPs have kept in a currency."""
        return sum(minor for (_, code), minor in self.fees.items() if code == currency)

    def _balance(self, psp: SimulatedPsp, currency: str) -> int:
        """What a PSP can send on: settled sales less fees, refunds, disputes and what was sent."""
        paid = sum(
            one.amount.minor
            for one in psp.all_charges
            if one.is_settled and one.amount.currency == currency
        )
        back = sum(
            one.amount.minor
            for one in psp.refunds.values()
            if one.state is RefundState.DONE and one.amount.currency == currency
        )
        disputed = sum(
            one.amount.minor
            for one in psp.disputes.values()
            if one.stage is not DisputeStage.WON and one.amount.currency == currency
        )
        key = (psp.name, currency)
        return paid - back - disputed - self.fees[key] - self._sent[key]

    def _settled(self, psp: str, charge: Charge, fee: int) -> PaymentOrderSettled:
        now = self._town.clock.now()
        return PaymentOrderSettled(
            aggregate_id=self._town.order_ids[charge.order],
            version=1,
            occurred_at=now,
            payment_order_id=charge.order,
            seller_account=charge.seller,
            amount_minor=charge.amount.minor,
            psp_fee_minor=fee,
            currency=charge.amount.currency,
            psp=psp,
            settled_at=now,
        )

    def _book(
        self, kind: str, psp: str, currency: str, minor: int, day: date
    ) -> tuple[str, SettlementBooked]:
        now = self._town.clock.now()
        return f"{kind}:{psp}:{currency}:{day}", SettlementBooked(
            aggregate_id=self._town.runtime.ids.at(now),
            version=1,
            occurred_at=now,
            kind=kind,
            psp=psp,
            bank_account=_BANKS.get(currency, ""),
            currency=currency,
            amount_minor=minor,
            reference=f"{psp}-{day}",
            reason="as reported",
        )


def fee_on(charge: Charge) -> int:
    """What a PSP keeps of a charge."""
    minor = charge.amount.minor
    return min(
        basis_points_of(minor, _FEE_BASIS_POINTS) + _FEE_FIXED[charge.amount.currency], minor
    )
