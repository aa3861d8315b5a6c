"""What the wallets tell of reserves."""

from datetime import datetime

from clearhouse.messaging.event import Event


class ReserveKept(Event, frozen=True, kw_only=True, tag="reserve.kept"):
    """A part of a sale that matured is kept back until ``release_at``.

    Aggregate: the sale, a payment order. Publisher: wallets; consumer: ledger.
    """

    payment_order_id: str
    seller_account: str
    amount_minor: int
    currency: str
    release_at: datetime


class ReserveReleased(Event, frozen=True, kw_only=True, tag="reserve.released"):
    """What was kept back of a sale is available: its days are over, or the seller was in debt.

    Aggregate: the sale, a payment order. Publisher: wallets; consumer: ledger.
    """

    payment_order_id: str
    seller_account: str
    amount_minor: int
    currency: str


class DebtWrittenOff(Event, frozen=True, kw_only=True, tag="debt.written_off"):
    """What a seller owed and nobody will pay is the platform's loss; the wallet is credited.

    Aggregate: the write-off. Publisher: wallets; consumer: ledger.
    """

    write_off_id: str
    seller_account: str
    amount_minor: int
    currency: str
    decided_by: str
