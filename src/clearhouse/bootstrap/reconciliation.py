"""Reconciliation: who brings files in, who compares, and who decides."""

from collections.abc import Mapping

from clearhouse.bootstrap.runtime import Runtime
from clearhouse.reconciliation.alerts import Alarm, Limits
from clearhouse.reconciliation.booking import Booking
from clearhouse.reconciliation.breaks import Breaks
from clearhouse.reconciliation.collecting import Collector
from clearhouse.reconciliation.diary import Diary
from clearhouse.reconciliation.large import LARGE_BYTES
from clearhouse.reconciliation.likeness import Likenesses
from clearhouse.reconciliation.loading import Loader
from clearhouse.reconciliation.matching import FeePlan
from clearhouse.reconciliation.mending import Mending
from clearhouse.reconciliation.office import Office, Rooms
from clearhouse.reconciliation.payouts import PayoutMatching
from clearhouse.reconciliation.queue import BreakQueue
from clearhouse.reconciliation.report import Reports
from clearhouse.reconciliation.service import Nights
from clearhouse.reconciliation.settled import SettledSales
from clearhouse.reconciliation.statements import Statements
from clearhouse.reconciliation.uploads import Uploads
from clearhouse.reconciliation.vault import Vault
from clearhouse.settings import Settings
from clearhouse.workers.nightly import NightlyJob


def collector_of(
    runtime: Runtime, settings: Settings, *, large_bytes: int = LARGE_BYTES
) -> Collector:
    """Who brings settlement files and bank statements in; larger files become partitions."""
    pool, clock, ids = runtime.pool, runtime.clock, runtime.ids
    vault = Vault(settings.reconciliation.vault)
    return Collector(
        Loader(pool, clock, ids, vault, _fee_plans(settings), large_bytes=large_bytes),
        Statements(pool, clock, ids, vault),
        settings.reconciliation.statement_columns,
    )


def office_of(runtime: Runtime, settings: Settings) -> Office:
    """Who compares days, and does what follows."""
    pool, clock, ids = runtime.pool, runtime.clock, runtime.ids
    patience = settings.reconciliation.patience_days
    rooms = Rooms(
        nights=Nights(pool, clock, ids, _fee_plans(settings), patience=patience),
        breaks=Breaks(clock, ids),
        booking=Booking(clock, ids),
        settled=SettledSales(pool, clock),
        mending=Mending(clock),
        payouts=PayoutMatching(clock, ids),
        likenesses=Likenesses(pool, clock),
    )
    return Office(pool, clock, rooms)


def uploads(runtime: Runtime, settings: Settings) -> Uploads:
    """Who takes files that are handed in."""
    return Uploads(
        runtime.pool,
        runtime.ids,
        collector_of(runtime, settings),
        Diary(runtime.pool, runtime.clock),
        settings.reconciliation.vault / "incoming",
    )


def break_queue(runtime: Runtime, settings: Settings) -> BreakQueue:
    """What persons see of breaks, and decide."""
    pool, clock, ids = runtime.pool, runtime.clock, runtime.ids
    limits = settings.reconciliation.decision_limit
    return BreakQueue(pool, clock, ids, Booking(clock, ids), Likenesses(pool, clock), limits)


def nightly_job(runtime: Runtime, settings: Settings, psps: Mapping[str, object]) -> NightlyJob:
    """Who does all of that by itself."""
    return NightlyJob(
        runtime.pool,
        runtime.clock,
        office_of(runtime, settings),
        collector_of(runtime, settings),
        Diary(runtime.pool, runtime.clock),
        psps,
        hour=settings.reconciliation.nightly_hour,
        drop_folder=settings.reconciliation.drop_folder,
        reports=Reports(runtime.pool, runtime.clock),
        alarm=Alarm(runtime.pool, runtime.clock, runtime.ids, _limits(settings)),
    )


def _limits(settings: Settings) -> Limits:
    given = settings.reconciliation
    return Limits(basis_points=given.alert_basis_points, age_days=given.alert_days)


def _fee_plans(settings: Settings) -> dict[str, dict[str, FeePlan]]:
    return {
        psp: {code: FeePlan(one.basis_points, one.fixed_minor) for code, one in plans.items()}
        for psp, plans in settings.reconciliation.fees.items()
    }
