"""Payouts to sellers, for the API, the workers and the commands."""

from datetime import timedelta

from clearhouse.bootstrap.encryption import field_cipher
from clearhouse.bootstrap.runtime import Runtime
from clearhouse.settings import Settings
from clearhouse.wallets.payouts.desk import PayoutDesk
from clearhouse.wallets.payouts.details import BankDetailsDesk
from clearhouse.wallets.payouts.policy import PayoutPolicy
from clearhouse.wallets.service import WalletService


def payout_policy(settings: Settings) -> PayoutPolicy:
    """What the platform has decided."""
    given = settings.payouts
    return PayoutPolicy(
        minimum=given.minimum,
        maximum=given.maximum or {},
        approval_above=given.approval_above or {},
        details_wait=timedelta(hours=given.details_wait_hours),
        statement_text=given.statement_text,
    )


def payout_desk(runtime: Runtime, settings: Settings) -> PayoutDesk:
    """What people and programs do to payouts."""
    return PayoutDesk(
        runtime.pool,
        runtime.clock,
        runtime.ids,
        WalletService(runtime.pool, runtime.ids, runtime.clock),
        payout_policy(settings),
        lifetime=settings.api.idempotency_lifetime,
    )


def bank_details_desk(runtime: Runtime, settings: Settings) -> BankDetailsDesk:
    """Where sellers are paid. Raises ConfigurationError when there is no key to seal it with."""
    return BankDetailsDesk(
        runtime.pool,
        runtime.clock,
        runtime.ids,
        field_cipher(settings, runtime.randomness),
        payout_policy(settings),
    )
