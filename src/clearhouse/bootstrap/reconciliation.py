"""Reconciliation: who brings files in, and who compares."""

from clearhouse.bootstrap.runtime import Runtime
from clearhouse.reconciliation.collecting import Collector
from clearhouse.reconciliation.loading import Loader
from clearhouse.reconciliation.matching import FeePlan
from clearhouse.reconciliation.service import Nights
from clearhouse.reconciliation.vault import Vault
from clearhouse.settings import Settings


def collector_of(runtime: Runtime, settings: Settings) -> Collector:
    """Who brings settlement files in."""
    vault = Vault(settings.reconciliation.vault)
    return Collector(Loader(runtime.pool, runtime.clock, runtime.ids, vault, _fee_plans(settings)))


def nights_of(runtime: Runtime, settings: Settings) -> Nights:
    """Who compares days."""
    patience = settings.reconciliation.patience_days
    return Nights(runtime.pool, runtime.clock, runtime.ids, _fee_plans(settings), patience=patience)


def _fee_plans(settings: Settings) -> dict[str, dict[str, FeePlan]]:
    return {
        psp: {code: FeePlan(one.basis_points, one.fixed_minor) for code, one in plans.items()}
        for psp, plans in settings.reconciliation.fees.items()
    }
