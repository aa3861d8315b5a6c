"""Settings as the policies that the rooms understand."""

from datetime import timedelta

from clearhouse.payments.model import StatusReason
from clearhouse.payments.patience import RetryPolicy
from clearhouse.psp.breaker import BreakerPolicy
from clearhouse.psp.contract import DeclineReason
from clearhouse.settings import Settings
from clearhouse.wallets.maturing.model import Matures, Terms


def retry_policy(settings: Settings) -> RetryPolicy:
    """How long is waited for what."""
    executor, retry = settings.executor, settings.retry
    return RetryPolicy(
        first=timedelta(seconds=executor.retry_base_seconds),
        longest=timedelta(seconds=executor.retry_longest_seconds),
        poll_longest=timedelta(seconds=retry.poll_longest_seconds),
        soft_declines=retry.soft_declines,
        decline_first=timedelta(seconds=retry.decline_seconds),
        card_declines=retry.card_declines,
        failover_tries=retry.failover_tries,
        failover_declines=frozenset(map(DeclineReason, retry.failover_declines)),
        limits={StatusReason(reason): limit for reason, limit in settings.limits.items()},
    )


def breaker_policy(settings: Settings) -> BreakerPolicy:
    """When a PSP is taken for down."""
    given = settings.breaker
    return BreakerPolicy(
        window=given.window,
        least=given.least_answers,
        percent=given.percent,
        rest=timedelta(seconds=given.rest_seconds),
        longest=timedelta(seconds=given.longest_rest_seconds),
        trials=given.trials,
    )


def wallet_terms(settings: Settings) -> Terms:
    """The terms of sellers without terms of their own."""
    given = settings.wallets
    return Terms(
        matures=Matures(given.matures),
        delay=given.delay,
        reserve_basis_points=given.reserve_basis_points,
        reserve_days=given.reserve_days,
        keep=given.keep,
    )
