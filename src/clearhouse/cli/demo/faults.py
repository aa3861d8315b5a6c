"""What goes wrong on the demo's day, planted at known places before the night looks for it.

Each really happens in the sandbox: charges and refunds go over the PSPs' own wire, past
clearhouse, while no webhook arrives. Only a report's late line and wrong fee are told, not done.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from clearhouse.cli.demo.backstage import Backstage
from clearhouse.kernel.errors import UnavailableError
from clearhouse.kernel.money import Money
from clearhouse.psp import registry
from clearhouse.psp.contract import ChargeRequest, Charges, Succeeded, attempt_key
from clearhouse.psp.operations import Done, OperationKind, OperationRequest, Refunds, Waiting
from clearhouse.reconciliation.matching import Cause

_CARDS: Final = {"stripe": "pm_card_visa", "braintree": "fake-valid-visa-nonce"}
_STRANGERS: Final = Money(12_34, "EUR")
BANK: Final = "the bank"


@dataclass(frozen=True, slots=True)
class Planted:
    """One fault: ``what`` happened, where, and the break that it must be found as.

    ``reference`` is what its PSP calls it; empty for the bank, where it is known by its cause.
    """

    what: str
    where: str
    cause: Cause
    reference: str = ""


class Planter:
    """Plants one fault of each kind, as far as the marketplace has sold what it needs.

    ``orders`` are rows of the demo's query ``fault_places``, those first whose PSP's fee is agreed
    on; ``now`` is the sandbox's time.
    """

    def __init__(
        self,
        backstage: Backstage,
        psps: Mapping[str, object],
        orders: Sequence[Mapping[str, Any]],
        now: datetime,
    ) -> None:
        self._backstage = backstage
        self._psps = psps
        self._now = now
        self._free: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
        for order in orders:
            self._free[order["psp"], order["status"]].append(order)

    async def plant(self) -> list[Planted]:
        """All of them, in the order in which they are told."""
        kinds: tuple[tuple[str, str, Callable[[Mapping[str, Any]], Awaitable[Planted]]], ...] = (
            ("stripe", "SUCCESS", self._fee),
            ("stripe", "SUCCESS", self._charged_again),
            ("stripe", "FAILED", self._charged_though_failed),
            ("square", "SUCCESS", self._refunded),
            ("square", "SUCCESS", self._short),
            ("braintree", "SUCCESS", self._declined),
            ("stripe", "SUCCESS", self._late),
        )
        planted: list[Planted] = []
        for psp, status, kind in kinds:
            if self._free[psp, status]:
                planted.append(await kind(self._free[psp, status].pop(0)))
        return [*planted, await self._strangers()]

    async def _charged_again(self, order: Mapping[str, Any]) -> Planted:
        reference = await self._charge("stripe", order["payment_order_id"], _money(order))
        what = "an order was charged a second time"
        return Planted(what, "stripe", Cause.DUPLICATE_CHARGE, reference)

    async def _charged_though_failed(self, order: Mapping[str, Any]) -> Planted:
        reference = await self._charge("stripe", order["payment_order_id"], _money(order))
        what = "an order that had been declined was charged after all"
        return Planted(what, "stripe", Cause.CHARGED_BUT_FAILED, reference)

    async def _strangers(self) -> Planted:
        reference = await self._charge("braintree", "somebody-elses-7", _STRANGERS)
        what = "somebody charged a card with our keys"
        return Planted(what, "braintree", Cause.UNKNOWN_CHARGE, reference)

    async def _refunded(self, order: Mapping[str, Any]) -> Planted:
        """A third, so that there is still something to pay out."""
        psp = self._psps["square"]
        assert isinstance(psp, Refunds)
        charged = _money(order)
        outcome = await psp.refund(
            OperationRequest(
                kind=OperationKind.REFUND,
                operation_id="made-in-the-dashboard",
                idempotency_key="made-in-the-dashboard",
                payment_order_id=order["payment_order_id"],
                charge_reference=order["psp_reference"],
                charged=charged,
                amount=Money(max(charged.minor // 3, 1), charged.currency),
                requested_at=self._now,
            )
        )
        if not isinstance(outcome, Done | Waiting):
            raise UnavailableError(f"The sandbox did not refund for the demo: {outcome}.")
        what = "a refund was made in the dashboard"
        return Planted(what, "square", Cause.UNKNOWN_REFUND, outcome.psp_reference)

    async def _late(self, order: Mapping[str, Any]) -> Planted:
        await self._backstage.spoil("late-line", "stripe", order["psp_reference"])
        what = "a sale stands in the next day's report only"
        return Planted(what, "stripe", Cause.NOT_SETTLED_YET, order["psp_reference"])

    async def _fee(self, order: Mapping[str, Any]) -> Planted:
        await self._backstage.spoil("wrong-fee", "stripe", order["psp_reference"])
        what = "more was kept as a fee than was agreed"
        return Planted(what, "stripe", Cause.FEE_DIFFERS, order["psp_reference"])

    async def _declined(self, order: Mapping[str, Any]) -> Planted:
        await self._backstage.act("braintree", "decline_settlement", order["psp_reference"])
        what = "a sale that had succeeded was never settled"
        return Planted(what, "braintree", Cause.MISSING_AT_PSP, order["psp_reference"])

    async def _short(self, order: Mapping[str, Any]) -> Planted:
        """Square's payout of one currency; the bank keeps something of it."""
        await self._backstage.spoil("wrong-fee", "bank", f"SQUARE INC L{order['currency']}")
        return Planted("less of a payout arrived than was sent", BANK, Cause.BANK_SHORT)

    async def _charge(self, name: str, payment_order_id: str, amount: Money) -> str:
        """Charge past clearhouse, with a key of its own; the PSP's reference."""
        psp = self._psps[name]
        assert isinstance(psp, Charges)
        longest = registry.available()[name].capabilities.idempotency_key_length
        key = attempt_key(f"{payment_order_id}-past-clearhouse", 1, longest)
        method = _CARDS[name]
        request = ChargeRequest(payment_order_id, key, amount, method, "nobody", self._now)
        outcome = await psp.charge(request)
        if not isinstance(outcome, Succeeded):
            raise UnavailableError(f"The sandbox did not charge for the demo: {outcome}.")
        return outcome.psp_reference


def _money(order: Mapping[str, Any]) -> Money:
    return Money(order["amount_minor"], order["currency"])
