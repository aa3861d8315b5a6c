"""What the API is handed: services behind small protocols, so that it is tested without them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from prometheus_client import CollectorRegistry

from clearhouse.access.model import ApiKey
from clearhouse.access.replay import IntakeAnswer
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.ids import Ids
from clearhouse.payments.disputes.answering import Answer, NewAnswer
from clearhouse.payments.disputes.model import Dispute, DisputePage
from clearhouse.payments.model import (
    Attempt,
    Intake,
    NewPayment,
    OrderFilter,
    OrderPage,
    PaymentEvent,
    PaymentOrder,
)
from clearhouse.payments.operations.model import Kind, NewOperation, Operation
from clearhouse.payments.pages.model import NewPage, PaymentPage
from clearhouse.psp.disputes import DisputeStage
from clearhouse.psp.rails import Destination
from clearhouse.reconciliation.model import Break, BreakDetail, Collected
from clearhouse.reconciliation.queue import Filters
from clearhouse.wallets.holds.model import Hold, HoldPage, NewHold
from clearhouse.wallets.margins.model import Margin, Span
from clearhouse.wallets.model import WalletStanding
from clearhouse.wallets.payouts.model import (
    BankDetails,
    NewPayout,
    Payout,
    PayoutFilter,
    PayoutPage,
)
from clearhouse.wallets.payouts.schedule import Schedule
from clearhouse.wallets.payouts.timetable import StoredSchedule
from clearhouse.wallets.statements.model import Statement
from clearhouse.webhooks.outgoing.lifecycle import DeliveryState
from clearhouse.webhooks.outgoing.model import (
    Delivery,
    DeliveryKey,
    DeliveryPage,
    Endpoint,
    EndpointPage,
    NewEndpoint,
    Try,
    Wanted,
)


class Payments(Protocol):
    """The verbs of payments; ``payments.service.PaymentService`` fulfils it."""

    def prepare(self, payment: NewPayment) -> PaymentEvent:
        """Give a checked payment its ids and its time, without any I/O."""
        ...

    async def accept(self, intake: Intake) -> IntakeAnswer:
        """Store a payment durably or replay its answer.

        Raises IdempotencyMismatch, KeyInUse, Conflict and UnavailableError.
        """
        ...

    async def order(self, payment_order_id: str) -> tuple[PaymentOrder, list[Attempt]]:
        """One order with its attempts. Raises NotFound."""
        ...

    async def checkout(self, checkout_id: str) -> PaymentEvent:
        """One payment event with its orders. Raises NotFound."""
        ...

    async def list_orders(self, wanted: OrderFilter, before: UUID | None, limit: int) -> OrderPage:
        """Orders, newest first."""
        ...


class Operations(Protocol):
    """The verbs of captures, voids and refunds; ``OperationService`` fulfils it."""

    async def accept(self, wanted: NewOperation) -> IntakeAnswer:
        """Store an operation durably or replay its answer.

        Raises as ``OperationIntake.accept`` does.
        """
        ...

    async def refund(self, refund_id: str) -> Operation:
        """One refund. Raises NotFound."""
        ...

    async def operations_of(
        self, payment_order_id: str, kinds: Sequence[Kind] = ...
    ) -> list[Operation]:
        """An order's operations of some kinds, oldest first. Raises NotFound."""
        ...


class Disputes(Protocol):
    """The verbs of disputes; ``DisputeService`` fulfils it."""

    async def dispute(self, public_id: str) -> Dispute:
        """One dispute. Raises NotFound."""
        ...

    async def list_disputes(
        self, before: UUID | None, stage: DisputeStage | None, limit: int
    ) -> DisputePage:
        """Disputes, newest first."""
        ...

    async def answer(self, wanted: NewAnswer) -> IntakeAnswer:
        """Store an answer durably or replay the API's own. Raises as ``AnswerIntake.accept``."""
        ...

    async def answers_of(self, public_id: str) -> list[Answer]:
        """All answers to a dispute, oldest first. Raises NotFound."""
        ...


class Wallets(Protocol):
    """The verbs of wallets that the API asks for."""

    async def standing(self, seller_account: str) -> Sequence[WalletStanding]:
        """A seller's wallets, one per currency, sorted by currency. Raises NotFound."""
        ...

    async def statement(
        self, seller_account: str, currency: str, begins: datetime, ends: datetime
    ) -> Statement:
        """A wallet's statement for a time. Raises NotFound and Archived."""
        ...

    async def margins(
        self, seller_account: str, span: Span, currency: str | None
    ) -> Sequence[Margin]:
        """What a seller's sales of a time brought the platform, by currency. Raises Archived."""
        ...


class SellersHolds(Protocol):
    """What stops payouts; ``wallets.holds.service.HoldDesk`` fulfils it."""

    async def accept(self, wanted: NewHold) -> IntakeAnswer:
        """Place a hold durably or replay its answer.

        Raises InvalidRequest, IdempotencyMismatch, KeyInUse and UnavailableError.
        """
        ...

    async def page(
        self, seller_account: str, *, open_only: bool, before: UUID | None, limit: int
    ) -> HoldPage:
        """A seller's holds, newest first."""
        ...

    async def release(
        self, hold_id: UUID, *, by: str, reason: str, seller_account: str | None = None
    ) -> Hold:
        """End a hold; again, it changes nothing. Raises NotFound and InvalidRequest."""
        ...


class Payouts(Protocol):
    """The verbs of payouts; ``wallets.payouts.desk.PayoutDesk`` fulfils it."""

    async def accept(self, wanted: NewPayout) -> IntakeAnswer:
        """Create a payout durably or replay its answer.

        Raises PayoutRefused, IdempotencyMismatch, KeyInUse and UnavailableError.
        """
        ...

    async def approve(self, name: str, by: str) -> Payout:
        """Let a payout go. Raises NotFound and PayoutRefused."""
        ...

    async def cancel(self, name: str, by: str, reason: str) -> Payout:
        """Take a payout back. Raises NotFound and PayoutRefused."""
        ...

    async def payout(self, name: str) -> Payout:
        """One payout. Raises NotFound."""
        ...

    async def list_payouts(
        self, wanted: PayoutFilter, before: UUID | None, limit: int
    ) -> PayoutPage:
        """Payouts, newest first."""
        ...


class BreakDesk(Protocol):
    """What persons do about breaks; ``reconciliation.queue.BreakQueue`` fulfils it."""

    async def list(self, filters: Filters, limit: int) -> Sequence[Break]:
        """Breaks, the most at stake first."""
        ...

    async def show(self, break_id: UUID) -> BreakDetail:
        """A break with all about it. Raises NotFound."""
        ...

    async def decide(
        self, break_id: UUID, deed: str, actor: str, reason: str, amount_minor: int | None = None
    ) -> Break:
        """Close it, or ask to. Raises NotFound, NotDecidable and SecondPersonNeeded."""
        ...

    async def assign(self, break_id: UUID, owner: str, actor: str) -> Break:
        """Give it to somebody. Raises NotFound."""
        ...

    async def comment(self, break_id: UUID, actor: str, note: str) -> Break:
        """Say something about it. Raises NotFound."""
        ...

    async def reopen(self, break_id: UUID, actor: str, reason: str) -> Break:
        """Open it again. Raises NotFound and Conflict."""
        ...


class FileDesk(Protocol):
    """Takes reports and statements; ``reconciliation.uploads.Uploads`` fulfils it."""

    async def take(self, name: str, content: AsyncIterator[bytes]) -> Collected:
        """Read a file. Raises FileNotUnderstood and UnavailableError."""
        ...


class PayoutSchedules(Protocol):
    """When sellers are paid; ``wallets.payouts.timetable.Timetable`` fulfils it."""

    async def put(
        self,
        seller_account: str,
        currency: str,
        schedule: Schedule,
        by: str,
        *,
        is_paused: bool = False,
    ) -> StoredSchedule:
        """Have a seller paid then from now on."""
        ...

    async def of(self, seller_account: str) -> Sequence[StoredSchedule]:
        """All schedules of a seller, by currency."""
        ...


class SellersBankDetails(Protocol):
    """Where sellers are paid; ``wallets.payouts.details.BankDetailsDesk`` fulfils it."""

    async def put(
        self, seller_account: str, currency: str, destination: Destination, by: str
    ) -> BankDetails:
        """Have a seller paid there from now on. Raises InvalidRequest."""
        ...

    async def of(self, seller_account: str) -> Sequence[BankDetails]:
        """A seller's details, by currency. Raises NotFound when there are none."""
        ...


class WebhooksIn(Protocol):
    """Takes PSPs' webhooks; ``webhooks.incoming.door.WebhookDoor`` fulfils it."""

    async def receive(self, psp: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Store an authentic webhook; False for a repeat.

        Raises NotFound, NotAuthentic and UnavailableError.
        """
        ...

    async def challenge(self, psp: str, query: Mapping[str, str]) -> str:
        """Answer a PSP that checks the address. Raises NotFound and NotAuthentic."""
        ...


class Endpoints(Protocol):
    """The verbs of webhook endpoints; ``webhooks.outgoing.endpoints.EndpointService`` fulfils it.

    Each raises NotFound where it names an endpoint, and those that write name the ``actor``.
    """

    async def create(
        self, actor: str, url: str, wanted: Wanted, seller_account: str | None = ...
    ) -> NewEndpoint:
        """A new endpoint with its secret. Raises InvalidRequest and Conflict."""
        ...

    async def change(self, actor: str, endpoint_id: UUID, wanted: Wanted) -> Endpoint:
        """Change what is given. Raises InvalidRequest and Conflict."""
        ...

    async def enable(self, actor: str, endpoint_id: UUID, reason: str) -> Endpoint:
        """Call it again from now on."""
        ...

    async def disable(self, actor: str, endpoint_id: UUID, reason: str) -> Endpoint:
        """Stop calling it."""
        ...

    async def delete(self, actor: str, endpoint_id: UUID) -> None:
        """Forget it and its secrets."""
        ...

    async def rotate(self, actor: str, endpoint_id: UUID, overlap: timedelta) -> NewEndpoint:
        """A new secret. Raises InvalidRequest."""
        ...

    async def try_out(self, endpoint_id: UUID) -> DeliveryKey:
        """Send it a message that says nothing. Raises EndpointDisabled."""
        ...

    async def endpoint(self, endpoint_id: UUID) -> Endpoint:
        """One endpoint."""
        ...

    async def endpoints(
        self, seller_account: str | None = ..., before: UUID | None = ..., limit: int = ...
    ) -> EndpointPage:
        """Endpoints, newest first."""
        ...


class Deliveries(Protocol):
    """The log of what endpoints were sent; ``webhooks.outgoing.log.DeliveryLog`` fulfils it."""

    async def deliveries(
        self,
        endpoint_id: UUID,
        state: DeliveryState | None = ...,
        before: DeliveryKey | None = ...,
        limit: int = ...,
    ) -> DeliveryPage:
        """Deliveries to an endpoint, newest first."""
        ...

    async def delivery(self, key: DeliveryKey) -> tuple[Delivery, list[Try]]:
        """One delivery with its tries. Raises NotFound."""
        ...

    async def resend(self, actor: str, key: DeliveryKey) -> None:
        """Send it again now. Raises NotFound and EndpointDisabled."""
        ...

    async def resend_since(
        self,
        actor: str,
        endpoint_id: UUID,
        since: datetime,
        until: datetime | None = ...,
        states: Sequence[DeliveryState] = ...,
    ) -> int:
        """Send again what was told in a time. Raises NotFound and EndpointDisabled."""
        ...


class PaymentPages(Protocol):
    """The verbs of payment pages; ``payments.pages.desk.PageDesk`` fulfils it."""

    @property
    def names(self) -> Sequence[str]:
        """The PSPs with a payment page."""
        ...

    def choose(self, payment: NewPayment) -> NewPayment:
        """The payment with the PSP whose page it will be, unless it asks for one."""
        ...

    def prepare(self, event: PaymentEvent, payment: NewPayment) -> NewPage:
        """The page of a payment that is about to be stored, without any I/O."""
        ...

    async def page(self, token: str) -> PaymentPage:
        """The page that a link leads to. Raises NotFound."""
        ...

    async def wake(self, page: PaymentPage) -> None:
        """Have a page asked about at once."""
        ...

    async def client_token(self, page: PaymentPage) -> str:
        """What the PSP's fields are started with. Raises UnavailableError."""
        ...

    async def try_card(self, page: PaymentPage, nonce: str) -> bool:
        """Take a card; False while an earlier one is not declined. Raises UnavailableError."""
        ...


class Keys(Protocol):
    """Recognises callers; ``access.service.ApiKeys`` fulfils it."""

    async def authenticate(self, token: str) -> ApiKey:
        """The key of a token. Raises Unauthenticated and UnavailableError."""
        ...


@dataclass(frozen=True, slots=True)
class ApiDependencies:
    """Everything the API needs, wired by ``bootstrap``.

    ``psps`` are the names that ``credit_card_info.psp`` may have. ``ready`` raises
    UnavailableError when requests cannot be served. ``registry`` receives the API's metrics and
    is what ``/metrics`` shows. ``max_body_bytes`` bounds a request's body, ``max_file_bytes`` that
    of a file handed in. ``public_url`` is where buyers reach the API, and ``drop_in_script`` where
    a page of ours gets the PSP's fields from.
    """

    payments: Payments
    operations: Operations
    disputes: Disputes
    wallets: Wallets
    holds: SellersHolds
    payouts: Payouts
    bank_details: SellersBankDetails
    breaks: BreakDesk
    files: FileDesk
    schedules: PayoutSchedules
    webhooks: WebhooksIn
    endpoints: Endpoints
    deliveries: Deliveries
    pages: PaymentPages
    keys: Keys
    psps: AbstractSet[str]
    clock: Clock
    ids: Ids
    ready: Callable[[], Awaitable[None]]
    registry: CollectorRegistry
    max_body_bytes: int = 262_144
    max_file_bytes: int = 1_000_000_000
    public_url: str = "http://127.0.0.1:8080"
    drop_in_script: str = ""
