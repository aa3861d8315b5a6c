"""The settings as one frozen value, handed to bootstrap, which hands each part what it needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from clearhouse.psp.contract import PspConfig
from clearhouse.psp.rails import RailConfig
from clearhouse.psp.routing import Rule


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where the books are; ``url`` None means the embedded PostgreSQL of the data directory."""

    url: str | None = field(repr=False)
    pool_size: int


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """The HTTP API; ``key_pepper`` None means the one kept in the data directory.

    ``public_url`` is how PSPs and buyers reach it, without a slash at the end.
    """

    host: str
    port: int
    public_url: str
    max_body_bytes: int
    key_pepper: str | None = field(repr=False)
    idempotency_lifetime: timedelta


@dataclass(frozen=True, slots=True)
class EncryptionSettings:
    """What fields are encrypted with; ``keys`` None means the one kept in the data directory."""

    keys: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class PageSettings:
    """Payment pages."""

    lifetime: timedelta
    drop_in_script: str


@dataclass(frozen=True, slots=True)
class ExecutorSettings:
    """How executors claim orders and how patiently they ask a PSP again."""

    lease_seconds: float
    batch: int
    retry_base_seconds: float
    retry_longest_seconds: float


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """How patiently declines are tried again and undecided payments asked about."""

    soft_declines: int
    decline_seconds: float
    card_declines: int
    failover_tries: int
    failover_declines: tuple[str, ...]
    poll_longest_seconds: float


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a PSP is taken for down, and how it is tried again."""

    window: int
    least_answers: int
    percent: int
    rest_seconds: float
    longest_rest_seconds: float
    trials: int


@dataclass(frozen=True, slots=True)
class WorkSettings:
    """Where a working process answers /metrics; ``metrics_port`` None: nowhere."""

    metrics_host: str
    metrics_port: int | None


@dataclass(frozen=True, slots=True)
class FeeSettings:
    """The platform's fee where a seller has no plan of its own.

    ``fixed_minor`` is in minor units by currency; a currency that is not named has none.
    """

    basis_points: int
    fixed_minor: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PayoutSettings:
    """Payouts to sellers; amounts are in minor units by currency, None where there are none."""

    minimum: Mapping[str, int]
    maximum: Mapping[str, int] | None
    approval_above: Mapping[str, int] | None
    details_wait_hours: float
    lease_seconds: float
    retry_seconds: float
    retry_longest_seconds: float
    poll_seconds: float
    news_seconds: float
    doubt_hours: float
    answer_days: float
    statement_text: str
    schedule: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class RefundSettings:
    """What refunds do to the platform's fee: ``keep`` or ``return``."""

    fee_policy: str


@dataclass(frozen=True, slots=True)
class DisputeSettings:
    """Who bears a dispute that is lost: ``seller`` or ``platform``; what an open one holds:
    its ``share`` or all ``payouts``.
    """

    borne_by: str
    holds: str


@dataclass(frozen=True, slots=True)
class PlannedFee:
    """What a PSP takes of each charge by agreement, in minor units of one currency."""

    basis_points: int
    fixed_minor: int


@dataclass(frozen=True, slots=True)
class ReconciliationSettings:
    """How the PSPs' and the bank's books are compared with ours.

    ``fees`` are by PSP and currency; what is not named is not checked. ``patience_days`` is how
    long a PSP has to report what happened. Files are kept in ``vault`` and taken from
    ``drop_folder``. ``nightly_hour`` is UTC's; ``decision_limit`` is in minor units by currency.
    """

    vault: Path
    drop_folder: Path
    upload_megabytes: int
    statement_columns: str | None
    nightly_hour: int
    alert_basis_points: int
    alert_days: int
    decision_limit: Mapping[str, int]
    patience_days: int
    fees: Mapping[str, Mapping[str, PlannedFee]]


@dataclass(frozen=True, slots=True)
class WalletSettings:
    """The terms of sellers without terms of their own, and who may write debts off.

    ``matures`` is ``after_delay`` or ``when_settled``. ``keep`` is what always stays in a wallet,
    ``write_off_limit`` what one person may write off alone, in minor units by currency.
    """

    matures: str
    delay: timedelta
    reserve_basis_points: int
    reserve_days: int
    keep: Mapping[str, int]
    write_off_limit: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Webhooks to merchants; ``private_destinations`` allows http and private addresses."""

    private_destinations: bool
    timeout_seconds: float
    concurrency: int
    endpoint_concurrency: int
    retention: timedelta


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """The PSP sandbox; ``seed`` None draws faults and latencies anew at each start."""

    host: str
    port: int
    seed: int | None
    bank_folder: Path
    latency_median_ms: float
    latency_p99_ms: float


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How much is logged, and whether for machines (json) or for people (console)."""

    level: str
    format: str


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked. ``psps`` and ``rails`` hold the enabled ones only, by name.

    ``limits`` says by status reason how long an order may wait before a person is told.
    """

    data_directory: Path
    database: DatabaseSettings
    api: ApiSettings
    encryption: EncryptionSettings
    pages: PageSettings
    psps: Mapping[str, PspConfig] = field(repr=False)
    rails: Mapping[str, RailConfig] = field(repr=False)
    executor: ExecutorSettings
    breaker: BreakerSettings
    routing: tuple[Rule, ...]
    retry: RetrySettings
    limits: Mapping[str, timedelta]
    work: WorkSettings
    fee: FeeSettings
    payouts: PayoutSettings
    refund: RefundSettings
    dispute: DisputeSettings
    reconciliation: ReconciliationSettings
    wallets: WalletSettings
    webhooks: WebhookSettings
    sandbox: SandboxSettings
    log: LogSettings
