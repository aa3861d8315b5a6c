"""Payment pages for the tests: a service on a pool, payments that are paid on a page, outcomes."""

from datetime import datetime, timedelta

from tests.payments.rooms import POLICY, an_intake, intake_service

from clearhouse.kernel.clock import SystemClock
from clearhouse.kernel.ids import Ids
from clearhouse.kernel.money import Money
from clearhouse.kernel.randomness import SystemRandomness
from clearhouse.payments.fees.model import DefaultFee
from clearhouse.payments.learning import LearningService, RaisedStrays
from clearhouse.payments.model import Intake
from clearhouse.payments.pages.model import NewPage, new_token
from clearhouse.payments.pages.service import PageService
from clearhouse.postgres.connection import Pool
from clearhouse.psp.contract import Declined, DeclineReason, Retry, Succeeded
from clearhouse.psp.pages import OpenedPage

CLOCK, RANDOMNESS = SystemClock(), SystemRandomness()
IDS = Ids(CLOCK, RANDOMNESS)
OPENED = OpenedPage("cs_1", "https://psp.test/pay/cs_1", None)
OURS = OpenedPage("ours", "", None)
DECLINED = Declined(DeclineReason.INSUFFICIENT_FUNDS, Retry.CUSTOMER, "2001")


def paid(minor: int = 2001, reference: str = "pi_1") -> Succeeded:
    """What the PSP says once two orders of 10.00 and 10.01 USD are paid."""
    return Succeeded(reference, Money(minor, "USD"))


def page_service(pool: Pool, *, lease: timedelta = timedelta(seconds=30)) -> PageService:
    """A page service with the fees and waits of the tests' room."""
    learning = LearningService(
        CLOCK,
        RANDOMNESS,
        policy=POLICY,
        default_fee=DefaultFee(290, {"USD": 30}),
        strays=RaisedStrays(),
    )
    return PageService(pool, CLOCK, RANDOMNESS, learning=learning, lease=lease, policy=POLICY)


def a_page(*, lifetime: timedelta = timedelta(hours=1), now: datetime | None = None) -> NewPage:
    """A page that stays open for ``lifetime``."""
    moment = now or CLOCK.now()
    page_id = IDS.at(moment)
    token = new_token(page_id, RANDOMNESS)
    return NewPage(page_id, token, moment + lifetime, "https://shop.test/thanks", None)


async def accept(
    pool: Pool, name: str, *, orders: int = 2, lifetime: timedelta = timedelta(hours=1)
) -> Intake:
    """A payment that is stored and waits for its page."""
    service = intake_service(pool)
    plain = an_intake(service, name, orders=orders)
    intake = Intake(
        plain.api_key_id,
        plain.idempotency_key,
        plain.body_hash,
        plain.payment,
        plain.event,
        plain.answer,
        a_page(lifetime=lifetime),
    )
    await service.accept(intake)
    return intake


async def states(pool: Pool) -> list[tuple[str, str | None]]:
    """Status and reason of all orders."""
    rows = await pool.fetch(
        "select status, status_reason from payments.payment_orders order by order_id"
    )
    return [tuple(row) for row in rows]
