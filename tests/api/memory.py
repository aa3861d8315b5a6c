"""A small payment service in memory and a fake wallet, for tests of HTTP alone."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prometheus_client import CollectorRegistry
from tests.api.memory_wallets import MemoryHolds, MemoryWallets

from clearhouse.access.model import ApiKey, Scope
from clearhouse.access.replay import IntakeAnswer
from clearhouse.api.dependencies import ApiDependencies
from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.errors import (
    Conflict,
    Fault,
    FileNotUnderstood,
    IdempotencyMismatch,
    NotFound,
    NotRefundable,
    PayoutRefused,
    Unauthenticated,
)
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.payments.disputes.answering import Answer, NewAnswer
from clearhouse.payments.disputes.model import Dispute, DisputePage
from clearhouse.payments.model import (
    Attempt,
    Intake,
    NewPayment,
    OrderFilter,
    OrderPage,
    OrderStatus,
    PaymentEvent,
    PaymentOrder,
)
from clearhouse.payments.operations.model import Kind, NewOperation, Operation
from clearhouse.payments.pages.model import NewPage, PaymentPage, new_token
from clearhouse.psp.disputes import DisputeStage
from clearhouse.psp.notices import NotAuthentic
from clearhouse.psp.rails import Destination
from clearhouse.reconciliation.model import Break, BreakDetail, Collected
from clearhouse.reconciliation.queue import Filters
from clearhouse.wallets.payouts.model import (
    BankDetails,
    NewPayout,
    Payout,
    PayoutFilter,
    PayoutPage,
)
from clearhouse.wallets.payouts.schedule import Schedule
from clearhouse.wallets.payouts.timetable import StoredSchedule
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

PSPS = frozenset({"stripe", "braintree", "square"})
CLOCK = SystemClock()
IDS = Ids(CLOCK, SystemRandomness())


class MemoryPayments:
    """The Payments protocol over dictionaries; ``fails`` is raised by every verb when set."""

    def __init__(self) -> None:
        self.accepted: list[Intake] = []
        self.fails: Exception | None = None
        self._answers: dict[tuple[UUID, str], Intake] = {}
        self._orders: dict[str, PaymentOrder] = {}

    def prepare(self, payment: NewPayment) -> PaymentEvent:
        now = CLOCK.now()
        orders = tuple(
            PaymentOrder(
                order_id=IDS.at(now),
                payment_order_id=order.payment_order_id,
                checkout_id=payment.checkout_id,
                seller_account=order.seller_account,
                amount=order.amount,
                psp=payment.psp,
                status=OrderStatus.NOT_STARTED,
                status_reason=None,
                failure_code=None,
                attempt=0,
                psp_reference=None,
                fee_minor=None,
                ledger_updated=False,
                wallet_updated=False,
                version=1,
                created_at=now,
                updated_at=now,
                finalized_at=None,
            )
            for order in payment.orders
        )
        return PaymentEvent(IDS.at(now), payment.checkout_id, payment.psp, False, now, orders)

    async def accept(self, intake: Intake) -> IntakeAnswer:
        if self.fails is not None:
            raise self.fails
        key = (intake.api_key_id, intake.idempotency_key)
        earlier = self._answers.get(key)
        if earlier is not None:
            if earlier.body_hash != intake.body_hash:
                raise IdempotencyMismatch("The idempotency key was used with another body.")
            return IntakeAnswer(earlier.answer, True)
        faults = [
            Fault(f"/payment_orders/{index}/payment_order_id", "already-used", "is already used")
            for index, order in enumerate(intake.event.orders)
            if order.payment_order_id in self._orders
        ]
        if faults:
            raise Conflict("A payment order exists already.", faults=faults)
        self._answers[key] = intake
        self.accepted.append(intake)
        self._orders.update({order.payment_order_id: order for order in intake.event.orders})
        return IntakeAnswer(intake.answer, False)

    async def order(self, payment_order_id: str) -> tuple[PaymentOrder, list[Attempt]]:
        if self.fails is not None:
            raise self.fails
        if payment_order_id not in self._orders:
            raise NotFound("There is no payment order with this id.")
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        attempt = Attempt(1, "stripe", payment_order_id, 2, None, None, moment, None)
        return self._orders[payment_order_id], [attempt]

    async def checkout(self, checkout_id: str) -> PaymentEvent:
        for intake in self.accepted:
            if intake.event.checkout_id == checkout_id:
                return intake.event
        raise NotFound("There is no checkout with this id.")

    async def list_orders(self, wanted: OrderFilter, before: UUID | None, limit: int) -> OrderPage:
        found = [
            order
            for order in sorted(self._orders.values(), key=lambda o: o.order_id, reverse=True)
            if (before is None or order.order_id < before)
            and wanted.seller_account in {None, order.seller_account}
            and wanted.status in {None, order.status}
        ]
        more = len(found) > limit
        return OrderPage(found[:limit], found[limit - 1].order_id if more else None)


class MemoryOperations:
    """Nobody has refunded anything."""

    async def accept(self, wanted: NewOperation) -> IntakeAnswer:
        raise NotRefundable("The payment order is NOT_STARTED.")

    async def refund(self, refund_id: str) -> Operation:
        raise NotFound("There is no refund with this id.")

    async def operations_of(
        self, payment_order_id: str, kinds: Sequence[Kind] = ()
    ) -> list[Operation]:
        return []


class MemoryDisputes:
    """No bank has asked for anything."""

    async def dispute(self, public_id: str) -> Dispute:
        raise NotFound("There is no dispute with this id.")

    async def list_disputes(
        self, before: UUID | None, stage: DisputeStage | None, limit: int
    ) -> DisputePage:
        return DisputePage([], None)

    async def answer(self, wanted: NewAnswer) -> IntakeAnswer:
        raise NotFound("There is no dispute with this id.")

    async def answers_of(self, public_id: str) -> list[Answer]:
        raise NotFound("There is no dispute with this id.")


class MemoryFiles:
    """Takes no file."""

    async def take(self, name: str, content: AsyncIterator[bytes]) -> Collected:
        async for _ in content:
            pass
        raise FileNotUnderstood(f"Nothing of {name} could be read.")


class MemoryBreaks:
    """Everything agrees."""

    async def list(self, filters: Filters, limit: int) -> Sequence[Break]:
        return []

    async def show(self, break_id: UUID) -> BreakDetail:
        raise NotFound("There is no such break.")

    async def decide(
        self, break_id: UUID, deed: str, actor: str, reason: str, amount_minor: int | None = None
    ) -> Break:
        raise NotFound("There is no such break.")

    async def assign(self, break_id: UUID, owner: str, actor: str) -> Break:
        raise NotFound("There is no such break.")

    async def comment(self, break_id: UUID, actor: str, note: str) -> Break:
        raise NotFound("There is no such break.")

    async def reopen(self, break_id: UUID, actor: str, reason: str) -> Break:
        raise NotFound("There is no such break.")


class MemoryPayouts:
    """Nobody is paid, and nobody has bank details."""

    async def accept(self, wanted: NewPayout) -> IntakeAnswer:
        raise PayoutRefused("The seller has no bank details.")

    async def approve(self, name: str, by: str) -> Payout:
        raise NotFound("There is no payout with this id.")

    async def cancel(self, name: str, by: str, reason: str) -> Payout:
        raise NotFound("There is no payout with this id.")

    async def payout(self, name: str) -> Payout:
        raise NotFound("There is no payout with this id.")

    async def list_payouts(
        self, wanted: PayoutFilter, before: UUID | None, limit: int
    ) -> PayoutPage:
        return PayoutPage((), None)

    async def put(
        self, seller_account: str, currency: str, destination: Destination, by: str
    ) -> BankDetails:
        raise NotFound("There is no such seller.")

    async def of(self, seller_account: str) -> Sequence[BankDetails]:
        raise NotFound("There are no bank details of this seller.")


class MemorySchedules:
    """What was put is told."""

    async def put(
        self,
        seller_account: str,
        currency: str,
        schedule: Schedule,
        by: str,
        *,
        is_paused: bool = False,
    ) -> StoredSchedule:
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        return StoredSchedule(
            seller_account, currency, schedule, is_paused, None, moment, by, moment
        )

    async def of(self, seller_account: str) -> Sequence[StoredSchedule]:
        return []


class MemoryKeys:
    """Tokens that are the words for what they may do."""

    tokens = {
        "all": frozenset(Scope),
        "other": frozenset(Scope),
        **{scope.value: frozenset({scope}) for scope in Scope},
    }

    def __init__(self) -> None:
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        self._keys = {
            token: ApiKey(UUID(int=number), token, "abcd", scopes, moment, None, None)
            for number, (token, scopes) in enumerate(self.tokens.items())
        }

    async def authenticate(self, token: str) -> ApiKey:
        if token not in self._keys:
            raise Unauthenticated("The API key is unknown, expired or revoked.")
        return self._keys[token]


class Readiness:
    """Ready until told otherwise."""

    def __init__(self) -> None:
        self.fails: Exception | None = None

    async def __call__(self) -> None:
        if self.fails is not None:
            raise self.fails


class MemoryWebhooks:
    """The WebhooksIn protocol: a PSP called plain whose signature is the word ``good``."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []

    async def receive(self, psp: str, headers: Mapping[str, str], body: bytes) -> bool:
        if psp != "plain":
            raise NotFound("No PSP of this name sends webhooks here.")
        if headers.get("signature") != "good":
            raise NotAuthentic("The signature does not hold.")
        new = body not in self.kept
        self.kept.append(body)
        return new

    async def challenge(self, psp: str, query: Mapping[str, str]) -> str:
        if psp != "plain":
            raise NotFound("No PSP of this name checks addresses here.")
        return f"answer to {query['challenge']}"


class MemoryEndpoints:
    """Nobody is told anything."""

    async def create(
        self, actor: str, url: str, wanted: Wanted, seller_account: str | None = None
    ) -> NewEndpoint:
        raise Conflict("There is an endpoint with this URL already.")

    async def change(self, actor: str, endpoint_id: UUID, wanted: Wanted) -> Endpoint:
        return await self.endpoint(endpoint_id)

    async def enable(self, actor: str, endpoint_id: UUID, reason: str) -> Endpoint:
        return await self.endpoint(endpoint_id)

    async def disable(self, actor: str, endpoint_id: UUID, reason: str) -> Endpoint:
        return await self.endpoint(endpoint_id)

    async def delete(self, actor: str, endpoint_id: UUID) -> None:
        await self.endpoint(endpoint_id)

    async def rotate(self, actor: str, endpoint_id: UUID, overlap: timedelta) -> NewEndpoint:
        raise NotFound("There is no webhook endpoint with this id.")

    async def try_out(self, endpoint_id: UUID) -> DeliveryKey:
        raise NotFound("There is no webhook endpoint with this id.")

    async def endpoint(self, endpoint_id: UUID) -> Endpoint:
        raise NotFound("There is no webhook endpoint with this id.")

    async def endpoints(
        self, seller_account: str | None = None, before: UUID | None = None, limit: int = 50
    ) -> EndpointPage:
        return EndpointPage((), None)


class MemoryDeliveries:
    """Nothing was sent to anybody."""

    async def deliveries(
        self,
        endpoint_id: UUID,
        state: DeliveryState | None = None,
        before: DeliveryKey | None = None,
        limit: int = 50,
    ) -> DeliveryPage:
        return DeliveryPage((), False)

    async def delivery(self, key: DeliveryKey) -> tuple[Delivery, list[Try]]:
        raise NotFound("There is no such delivery.")

    async def resend(self, actor: str, key: DeliveryKey) -> None:
        raise NotFound("There is no such delivery.")

    async def resend_since(
        self,
        actor: str,
        endpoint_id: UUID,
        since: datetime,
        until: datetime | None = None,
        states: Sequence[DeliveryState] = (),
    ) -> int:
        return 0


class MemoryPages:
    """Payment pages by token, which every test changes to see what is shown.

    Asked again, a page is what ``later`` says, one after another.
    """

    names = ("braintree",)

    def __init__(self) -> None:
        self.pages: dict[str, PaymentPage] = {}
        self.later: list[PaymentPage] = []
        self.nonces: list[str] = []
        self.woken = 0
        self.fails: Exception | None = None
        self.broken: Exception | None = None

    def choose(self, payment: NewPayment) -> NewPayment:
        return payment if payment.psp else replace(payment, psp=self.names[0])

    def prepare(self, event: PaymentEvent, payment: NewPayment) -> NewPage:
        page_id = IDS.at(event.created_at)
        token = new_token(page_id, SystemRandomness())
        expires = event.created_at + timedelta(hours=1)
        return NewPage(page_id, token, expires, payment.return_url, payment.cancel_url)

    async def page(self, token: str) -> PaymentPage:
        if self.broken is not None:
            raise self.broken
        if token not in self.pages:
            raise NotFound("There is no payment page at this address.")
        found = self.pages[token]
        if self.later:
            self.pages[token] = self.later.pop(0)
        return found

    async def wake(self, page: PaymentPage) -> None:
        self.woken += 1

    async def client_token(self, page: PaymentPage) -> str:
        if self.fails is not None:
            raise self.fails
        return "client-token"

    async def try_card(self, page: PaymentPage, nonce: str) -> bool:
        self.nonces.append(nonce)
        return True


def memory_dependencies(
    payments: MemoryPayments, ready: Readiness, pages: MemoryPages | None = None
) -> ApiDependencies:
    return ApiDependencies(
        payments=payments,
        operations=MemoryOperations(),
        disputes=MemoryDisputes(),
        wallets=MemoryWallets(),
        holds=MemoryHolds(),
        payouts=MemoryPayouts(),
        breaks=MemoryBreaks(),
        files=MemoryFiles(),
        bank_details=MemoryPayouts(),
        schedules=MemorySchedules(),
        webhooks=MemoryWebhooks(),
        endpoints=MemoryEndpoints(),
        deliveries=MemoryDeliveries(),
        pages=pages or MemoryPages(),
        keys=MemoryKeys(),
        psps=PSPS,
        clock=CLOCK,
        ids=IDS,
        ready=ready,
        registry=CollectorRegistry(),
        max_body_bytes=65_536,
        public_url="https://pay.shop.test",
        drop_in_script="https://psp.test/dropin.js",
    )
