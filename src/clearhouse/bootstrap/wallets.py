"""What sellers are owed: the wallets and what lets them mature."""

from datetime import timedelta

from clearhouse.bootstrap.policies import wallet_terms
from clearhouse.bootstrap.runtime import Runtime
from clearhouse.settings import Settings
from clearhouse.wallets.holds.service import HoldDesk
from clearhouse.wallets.maturing.model import Terms
from clearhouse.wallets.maturing.service import Maturing
from clearhouse.wallets.service import PLATFORM_TERMS, WalletService
from clearhouse.wallets.write_offs.service import WriteOffDesk


def wallet_service(runtime: Runtime, terms: Terms = PLATFORM_TERMS) -> WalletService:
    """What sellers are owed; ``terms`` are those of sellers without terms of their own."""
    return WalletService(runtime.pool, runtime.ids, runtime.clock, terms)


def wallet_books(runtime: Runtime, settings: Settings) -> WalletService:
    """The same as whoever credits sellers with events has it."""
    return WalletService(
        runtime.pool,
        runtime.ids,
        runtime.clock,
        wallet_terms(settings),
        disputes_hold_payouts=settings.dispute.holds == "payouts",
    )


def hold_desk(runtime: Runtime, lifetime: timedelta) -> HoldDesk:
    """What stops payouts; ``lifetime`` is how long answers under idempotency keys are kept."""
    return HoldDesk(runtime.pool, runtime.clock, runtime.ids, lifetime=lifetime)


def maturing_service(runtime: Runtime) -> Maturing:
    """What lets sales mature; each is under the terms it was noted with."""
    return Maturing(runtime.pool, runtime.clock, wallet_service(runtime))


def write_off_desk(runtime: Runtime, settings: Settings) -> WriteOffDesk:
    """Who lets debts go."""
    limits = settings.wallets.write_off_limit
    wallets = wallet_service(runtime, wallet_terms(settings))
    return WriteOffDesk(runtime.pool, runtime.clock, runtime.ids, wallets, limits)
