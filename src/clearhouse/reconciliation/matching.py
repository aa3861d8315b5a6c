"""The rules of matching: what a settlement line is when it stands beside what we believe.

Pure, and the one place that says so in words: the SQL that does it a million times a night is
held against ``judge`` by tests. Each cause says what differs, who can mend it, and how.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from clearhouse.psp.settlements import LineKind, SettlementLine


class Mender(Enum):
    """Who closes a break."""

    ENGINE = "the engine, at once and by the same doors as everything else"
    PERSON = "a person, who is shown a proposal"
    TIME = "time: the other side is expected with a later file"


@dataclass(frozen=True, slots=True)
class _Cause:
    word: str
    mender: Mender
    meaning: str
    proposal: str


class Cause(Enum):
    """Why something is a break. The word is stable: reports, metrics and the API use it."""

    NOT_SETTLED_YET = _Cause(
        "not_settled_yet",
        Mender.TIME,
        "We have it, and the PSP's line may still come: its time for it is not over.",
        "Wait for the next report.",
    )
    MISSING_AT_PSP = _Cause(
        "missing_at_psp",
        Mender.PERSON,
        "We say that it happened, and no report of the PSP has it though its time is over.",
        "Ask the PSP for it by its reference; if it never happened, take the sale back.",
    )
    UNKNOWN_CHARGE = _Cause(
        "unknown_charge",
        Mender.PERSON,
        "The PSP charged somebody, and nothing of ours leads to that charge.",
        "Find out who made it; if nobody did, refund it at the PSP.",
    )
    CHARGED_BUT_OPEN = _Cause(
        "charged_but_open",
        Mender.ENGINE,
        "The PSP charged it, and our order does not know its outcome yet.",
        "Tell the order that it was charged.",
    )
    CHARGED_BUT_FAILED = _Cause(
        "charged_but_failed",
        Mender.ENGINE,
        "The PSP charged it, and our order failed.",
        "Give the charge back to the buyer.",
    )
    DUPLICATE_CHARGE = _Cause(
        "duplicate_charge",
        Mender.ENGINE,
        "An order that is paid by one charge was charged a second time.",
        "Give the second charge back to the buyer.",
    )
    SETTLED_TWICE = _Cause(
        "settled_twice",
        Mender.PERSON,
        "The same charge stands in the PSP's reports under two names.",
        "Ask the PSP which of the two lines is wrong.",
    )
    AMOUNT_DIFFERS = _Cause(
        "amount_differs",
        Mender.PERSON,
        "The PSP's amount is not ours.",
        "Compare with the PSP's own page of it, and book the difference as an adjustment.",
    )
    CURRENCY_DIFFERS = _Cause(
        "currency_differs",
        Mender.PERSON,
        "The PSP settled in another currency than ours.",
        "Check the settlement currency of the PSP's account.",
    )
    FEE_DIFFERS = _Cause(
        "fee_differs",
        Mender.PERSON,
        "The PSP's fee is not the one of the plan agreed with it.",
        "Claim it back, or put the new plan into the settings.",
    )
    STATUS_DIFFERS = _Cause(
        "status_differs",
        Mender.ENGINE,
        "The PSP took it back, and we still believe that it stands.",
        "Take it back in our books, too.",
    )
    SETTLEMENT_DECLINED = _Cause(
        "settlement_declined",
        Mender.ENGINE,
        "A charge that had succeeded was taken back by the PSP.",
        "Reverse the sale.",
    )
    UNKNOWN_REFUND = _Cause(
        "unknown_refund",
        Mender.ENGINE,
        "The PSP refunded a charge of ours without our asking: made in its dashboard.",
        "Take the refund into our books.",
    )
    REFUND_WITHOUT_ORDER = _Cause(
        "refund_without_order",
        Mender.PERSON,
        "The PSP refunded a charge that nothing of ours leads to.",
        "Find out whose it was.",
    )
    UNKNOWN_DISPUTE = _Cause(
        "unknown_dispute",
        Mender.PERSON,
        "The PSP withdrew money for a dispute that we were never told of.",
        "Ask the PSP for the dispute; its webhook will be taken up when it is sent again.",
    )
    UNEXPLAINED = _Cause(
        "unexplained",
        Mender.PERSON,
        "The PSP moved our balance for a reason that is none of a payment.",
        "Ask the PSP, and book it as an adjustment.",
    )
    ORDER_WITHOUT_LEDGER = _Cause(
        "order_without_ledger",
        Mender.PERSON,
        "An order succeeded, and the ledger has no entry of it over the same amount.",
        "Run clearhouse dead-letters list: its event waits there.",
    )
    LEDGER_WITHOUT_ORDER = _Cause(
        "ledger_without_order",
        Mender.PERSON,
        "The ledger has a sale that no order stands for.",
        "Reverse the entry.",
    )
    WALLET_DIFFERS = _Cause(
        "wallet_differs",
        Mender.PERSON,
        "A sale was not credited to its seller's wallet, or over another amount.",
        "Run clearhouse prove for its last movements.",
    )
    ATTEMPT_DIFFERS = _Cause(
        "attempt_differs",
        Mender.PERSON,
        "An order and its attempts at the PSP contradict each other.",
        "Run clearhouse prove for the order, and compare it with the PSP's own page.",
    )
    PAYOUT_RETURNED = _Cause(
        "payout_returned",
        Mender.PERSON,
        "A payout of the PSP to our bank came back.",
        "Check our bank details at the PSP.",
    )
    BANK_SHORT = _Cause(
        "bank_short",
        Mender.PERSON,
        "The bank booked less than the PSP says that it sent.",
        "Ask the bank for its charges; book them as an adjustment.",
    )
    BANK_OVER = _Cause(
        "bank_over",
        Mender.PERSON,
        "The bank booked more than the PSP says that it sent.",
        "Find the other payment in it.",
    )
    NOT_AT_BANK = _Cause(
        "not_at_bank",
        Mender.PERSON,
        "The PSP says that it paid us out, and no bank statement has it though its time is over.",
        "Ask the PSP for the payout's trace number.",
    )

    @property
    def word(self) -> str:
        """The stable word."""
        return self.value.word

    @property
    def mender(self) -> Mender:
        """Who closes it."""
        return self.value.mender

    @property
    def meaning(self) -> str:
        """What differs, in one sentence."""
        return self.value.meaning

    @property
    def proposal(self) -> str:
        """What is proposed, in one sentence."""
        return self.value.proposal


CAUSES: Final = {cause.word: cause for cause in Cause}
"""All causes by their word."""

FACT_KINDS: Final = {
    LineKind.CHARGE: "charge",
    LineKind.CHARGE_REVERSAL: "charge",
    LineKind.REFUND: "refund",
    LineKind.REFUND_REVERSAL: "refund",
    LineKind.DISPUTE: "dispute",
    LineKind.DISPUTE_REVERSAL: "dispute",
}
"""What kind of fact a line is to be matched with; other lines stand by themselves."""

_BACK: Final = frozenset(
    {LineKind.CHARGE_REVERSAL, LineKind.REFUND_REVERSAL, LineKind.DISPUTE_REVERSAL}
)


@dataclass(frozen=True, slots=True)
class Fact:
    """What we believe of one thing at a PSP; ``amount_minor`` is positive, in ``currency``."""

    kind: str
    reference: str
    amount_minor: int
    currency: str
    is_reversed: bool = False


@dataclass(frozen=True, slots=True)
class OrderState:
    """What an order is that a line names: its status and the charge that paid it."""

    status: str
    psp_reference: str | None


@dataclass(frozen=True, slots=True)
class FeePlan:
    """What a PSP takes by agreement, of each charge in one currency: basis points and a fixed part.

    A fee may be off by ``tolerance_minor`` before it is a break, for the PSP's own rounding.
    """

    basis_points: int
    fixed_minor: int
    tolerance_minor: int = 1

    def fits(self, gross_minor: int, fee_minor: int) -> bool:
        """Whether a charge's fee is the agreed one. Exact: compared in ten-thousandths."""
        agreed = gross_minor * self.basis_points + self.fixed_minor * 10_000
        return abs(fee_minor * 10_000 - agreed) <= self.tolerance_minor * 10_000


def plan_columns(
    plans: Mapping[str, FeePlan],
) -> tuple[list[str], list[int], list[int], list[int]]:
    """Fee plans by currency as columns: currencies, basis points, fixed parts, tolerances."""
    chosen = plans.values()
    return (
        list(plans),
        [plan.basis_points for plan in chosen],
        [plan.fixed_minor for plan in chosen],
        [plan.tolerance_minor for plan in chosen],
    )


def judge(line: SettlementLine, fact: Fact | None, plan: FeePlan | None = None) -> Cause | None:
    """The break that a line is beside the fact of its own reference, or None when both agree.

    A line that has no fact is judged by ``judge_alone``. The first difference counts, and the
    currency comes first, since amounts of two currencies cannot be compared.
    """
    if fact is None:
        return judge_alone(line, None, charge_is_known=False)
    if line.currency != fact.currency:
        return Cause.CURRENCY_DIFFERS
    if abs(line.gross_minor) != fact.amount_minor:
        return Cause.AMOUNT_DIFFERS
    if line.kind in _BACK and not fact.is_reversed:
        is_charge = line.kind is LineKind.CHARGE_REVERSAL
        return Cause.SETTLEMENT_DECLINED if is_charge else Cause.STATUS_DIFFERS
    if line.kind is LineKind.CHARGE and plan and not plan.fits(line.gross_minor, line.fee_minor):
        return Cause.FEE_DIFFERS
    return None


def judge_alone(
    line: SettlementLine, order: OrderState | None, *, charge_is_known: bool
) -> Cause | None:
    """The break that a line without a fact is, by the order that it names, if there is one."""
    match line.kind:
        case LineKind.CHARGE:
            return _charge_alone(order)
        case LineKind.REFUND | LineKind.REFUND_REVERSAL:
            return Cause.UNKNOWN_REFUND if charge_is_known else Cause.REFUND_WITHOUT_ORDER
        case LineKind.DISPUTE | LineKind.DISPUTE_REVERSAL:
            return Cause.UNKNOWN_DISPUTE
        case LineKind.PAYOUT_REVERSAL:
            return Cause.PAYOUT_RETURNED
        case LineKind.CHARGE_REVERSAL | LineKind.OTHER:
            return Cause.UNEXPLAINED
        case _:
            return None


def _charge_alone(order: OrderState | None) -> Cause:
    if order is None:
        return Cause.UNKNOWN_CHARGE
    match order.status:
        case "SUCCESS":
            return Cause.DUPLICATE_CHARGE
        case "FAILED":
            return Cause.CHARGED_BUT_FAILED
        case _:
            return Cause.CHARGED_BUT_OPEN
