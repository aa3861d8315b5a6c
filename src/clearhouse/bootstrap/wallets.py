"""What sellers are owed: the wallets and what lets them mature."""

from clearhouse.bootstrap.runtime import Runtime
from clearhouse.wallets.maturing.model import Terms
from clearhouse.wallets.maturing.service import Maturing
from clearhouse.wallets.service import PLATFORM_TERMS, WalletService


def wallet_service(runtime: Runtime, terms: Terms = PLATFORM_TERMS) -> WalletService:
    """What sellers are owed; ``terms`` are those of sellers without terms of their own."""
    return WalletService(runtime.pool, runtime.ids, runtime.clock, terms)


def maturing_service(runtime: Runtime) -> Maturing:
    """What lets sales mature; each is under the terms it was noted with."""
    return Maturing(runtime.pool, runtime.clock, wallet_service(runtime))
