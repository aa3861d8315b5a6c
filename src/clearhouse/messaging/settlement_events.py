"""What reconciliation tells: what is to be booked, and what a settlement line proves."""

from clearhouse.messaging.event import Event


class SettlementBooked(Event, frozen=True, kw_only=True, tag="settlement.booked"):
    """A PSP's report, a bank statement or a person's decision moves money in the books.

    ``kind`` says between which accounts; ``amount_minor`` may be negative, which moves it the
    other way. ``bank_account`` is empty where no bank has part in it, ``reason`` is for people.
    Aggregate: the booking. Publisher: reconciliation; consumer: ledger.
    """

    kind: str
    psp: str
    bank_account: str
    currency: str
    amount_minor: int
    reference: str
    reason: str


class SettlementProved(Event, frozen=True, kw_only=True, tag="settlement.proved"):
    """A line of a PSP's report proves something that payments does not know.

    ``line_kind`` is ``charge``, ``charge_reversal`` or ``refund``; ``psp_reference`` its own
    reference and ``charge_reference`` its charge's. ``payment_order_id`` is ours as the report
    carries it, or empty. ``line_key`` is the line that proves it.
    Aggregate: the break. Publisher: reconciliation; consumer: payments.
    """

    psp: str
    line_kind: str
    psp_reference: str
    charge_reference: str
    payment_order_id: str
    amount_minor: int
    currency: str
    line_key: str


class ReconciliationAlert(Event, frozen=True, kw_only=True, tag="reconciliation.alert"):
    """Too much of a day does not agree, or something has not agreed for too long.

    ``kind`` is ``unmatched_value`` (of ``day``, in ``basis_points``) or ``age`` (of the oldest
    break of ``cause``, in ``age_days``, as of ``day``); ``amount_minor`` is what is at stake, and
    ``limit`` the setting that was passed.
    Aggregate: the alert. Publisher: reconciliation.
    """

    alert_id: str
    kind: str
    psp: str
    cause: str
    currency: str
    amount_minor: int
    day: str
    basis_points: int | None
    age_days: int | None
    limit: int
