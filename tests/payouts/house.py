"""Payouts for tests: sellers with money and bank details, and the desks of payouts on a pool."""

from datetime import timedelta
from uuid import UUID

from tests.ledger.books import CLOCK, IDS

from clearhouse.access.encryption import FieldCipher
from clearhouse.access.replay import IntakeAnswer
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.messaging.events import Event, decode, type_of
from clearhouse.messaging.outbox import OutboxStream, Position
from clearhouse.postgres.audit import run_check
from clearhouse.postgres.connection import Connection, Pool, in_transaction
from clearhouse.psp.rails import BankAccount, Destination
from clearhouse.wallets import store as wallets
from clearhouse.wallets.audit import CHECKS
from clearhouse.wallets.model import Movement
from clearhouse.wallets.payouts.desk import PayoutDesk
from clearhouse.wallets.payouts.details import BankDetailsDesk
from clearhouse.wallets.payouts.model import NewPayout, Payout
from clearhouse.wallets.payouts.policy import PayoutPolicy
from clearhouse.wallets.service import WalletService

CIPHER = FieldCipher({"test": b"k" * 32}, SystemRandomness())
POLICY = PayoutPolicy(minimum={"EUR": 100}, maximum={"EUR": 50_000}, approval_above={"EUR": 10_000})
IBAN = "DE89370400440532013000"
KEY = UUID(int=1)


def an_account(holder: str = "Ann", iban: str = IBAN) -> BankAccount:
    return BankAccount(iban, "", holder)


def desk(pool: Pool, policy: PayoutPolicy = POLICY) -> PayoutDesk:
    return PayoutDesk(pool, CLOCK, IDS, WalletService(pool, IDS, CLOCK), policy)


def details_desk(pool: Pool, policy: PayoutPolicy = POLICY) -> BankDetailsDesk:
    return BankDetailsDesk(pool, CLOCK, IDS, CIPHER, policy)


async def earn(pool: Pool, seller: str, available: int, currency: str = "EUR") -> None:
    """Money that may be paid out, or (below zero) a debt."""
    movement = Movement(
        kind="test_earned",
        source_id=IDS.new(),
        reference="earned",
        seller_account=seller,
        currency=currency,
        event_at=CLOCK.now() - timedelta(seconds=1),
        available_minor=available,
    )

    async def work(connection: Connection) -> None:
        await wallets.move(connection, [movement], [IDS.new()], CLOCK.now())

    await in_transaction(pool, CLOCK, work)


async def seller(
    pool: Pool,
    name: str = "ann",
    available: int = 5_000,
    *,
    currency: str = "EUR",
    account: Destination | None = None,
) -> str:
    """A seller with bank details and money."""
    await details_desk(pool).put(name, currency, account or an_account(name), "key:office")
    if available:
        await earn(pool, name, available, currency)
    return name


def wanted(
    seller: str = "ann",
    amount: int | None = 1_000,
    *,
    currency: str = "EUR",
    key: str = "",
    by: str = "key:office",
    body: bytes = b"b" * 32,
) -> NewPayout:
    def render(payout: Payout) -> bytes:
        return payout.public_id.encode()

    return NewPayout(KEY, key or f"h:{IDS.new()}", body, seller, currency, amount, "", by, render)


async def ask(pool: Pool, what: NewPayout, policy: PayoutPolicy = POLICY) -> Payout:
    """The payout that was created for a request."""
    answer: IntakeAnswer = await desk(pool, policy).accept(what)
    return await desk(pool).payout(answer.body.decode())


async def left(pool: Pool, seller: str = "ann", currency: str = "EUR") -> int:
    """What a seller has available."""
    for found in await wallets.balances(pool, seller):
        if found.currency == currency:
            return found.available_minor
    return 0


async def told(pool: Pool, about: UUID | None = None) -> list[Event]:
    """The events of the wallets' outbox that are about payouts and details, in their order."""
    found: list[Event] = []
    for envelope in await OutboxStream(pool, "wallets").read(Position(0, 0), 10_000):
        event = decode(envelope.payload)
        if type_of(event) != "wallet.updated" and about in {None, event.aggregate_id}:
            found.append(event)
    return found


async def assert_sound(pool: Pool) -> None:
    """Every invariant of the wallets holds; a failure names the rows."""
    async with pool.acquire() as connection:
        results = [await run_check(connection, check) for check in CHECKS]
    assert [(one.name, one.offenders) for one in results if one.violations] == []
