"""The one list of settings: name, kind, default, meaning, secret or not.

Why data: ``clearhouse config`` prints it, the reference is checked against it, and a
setting that is not in it does not exist.
"""

import os
from pathlib import Path
from typing import Final

from clearhouse.psp import rail_registry, registry
from clearhouse.psp.credentials import Credential
from clearhouse.psp.routing import ELSEWHERE
from clearhouse.settings import kinds
from clearhouse.settings.payouts import PAYOUTS
from clearhouse.settings.reconciliation import RECONCILIATION
from clearhouse.settings.routes import read_rules
from clearhouse.settings.setting import Setting
from clearhouse.settings.wallets import WALLETS


def default_data_directory(*, root: bool, home: Path, data_home: str | None) -> Path:
    """Where data is kept when nobody says: /var/lib for root, else the user's data directory.

    Root's home is closed to the user that PostgreSQL then runs as.
    """
    if root:
        return Path("/var/lib/clearhouse")
    return (Path(data_home) if data_home else home / ".local" / "share") / "clearhouse"


_DATA: Final = default_data_directory(
    root=os.geteuid() == 0, home=Path("~").expanduser(), data_home=os.environ.get("XDG_DATA_HOME")
)

_CORE: Final = (
    Setting(
        "data_directory",
        kinds.PATH,
        str(_DATA),
        "Where the embedded PostgreSQL, the sandbox's truth, logs and the development pepper are.",
    ),
    Setting(
        "database.url",
        kinds.POSTGRES_URL,
        None,
        "The PostgreSQL that holds the books; unset: the embedded one of the data directory.",
        secret=True,
    ),
    Setting(
        "database.pool_size",
        kinds.whole(2, 500),
        "10",
        "The most database connections one process opens.",
    ),
    Setting("api.host", kinds.TEXT, "127.0.0.1", "The address the API listens on."),
    Setting("api.port", kinds.PORT, "8080", "The port the API listens on."),
    Setting(
        "api.public_url",
        kinds.HTTP_URL,
        None,
        "The address under which PSPs and buyers reach this API; unset: its host and port.",
    ),
    Setting(
        "api.max_body_bytes",
        kinds.whole(1024, 64 * 1024 * 1024),
        "262144",
        "The largest request body; a larger one is answered with 413.",
    ),
    Setting(
        "api.key_pepper",
        kinds.LONG_SECRET,
        None,
        "What API keys are hashed with; unset: one is made and kept in the data directory, for"
        " the embedded PostgreSQL only. Changing it makes all API keys invalid.",
        secret=True,
    ),
    Setting(
        "api.idempotency_lifetime_hours",
        kinds.whole(1, 24 * 365),
        "72",
        "How long the answer to an idempotency key is kept and replayed.",
    ),
    Setting(
        "encryption.keys",
        kinds.TEXT,
        None,
        "The keys that secrets and bank details are encrypted with, as `name=<base64 of 32 bytes>`,"
        " comma separated, the current one first; unset: one is made and kept in the data"
        " directory, for the embedded PostgreSQL only.",
        secret=True,
    ),
    Setting(
        "pages.lifetime_minutes",
        kinds.whole(31, 23 * 60),
        "60",
        "How long a buyer may pay on a payment page; then it is closed and its orders fail.",
    ),
    Setting(
        "pages.drop_in_script",
        kinds.HTTP_URL,
        "https://js.braintreegateway.com/web/dropin/1.44.1/js/dropin.min.js",
        "Where a page of ours gets Braintree's Drop-in from.",
    ),
    Setting(
        "psp.enabled",
        kinds.words(registry.names),
        None,
        "The PSPs to offer; unset: all that have credentials or a base URL.",
    ),
    Setting(
        "rails.enabled",
        kinds.words(rail_registry.names),
        None,
        "The rails that sellers are paid by; unset: those that have settings or an enabled PSP.",
    ),
    Setting(
        "executor.lease_seconds",
        kinds.number(1, 3600),
        "60",
        "How long a claimed order belongs to its executor; must be longer than a PSP's timeout.",
    ),
    Setting(
        "executor.batch", kinds.whole(1, 1000), "64", "How many orders an executor claims at once."
    ),
    Setting(
        "executor.retry_base_seconds",
        kinds.number(0.01, 3600),
        "1",
        "The wait before an unknown outcome is asked again the first time; it doubles each time.",
    ),
    Setting(
        "executor.retry_longest_seconds",
        kinds.number(0.01, 86400),
        "300",
        "The longest such wait.",
    ),
    Setting(
        "retry.soft_declines",
        kinds.whole(0, 10),
        "2",
        "How often a soft decline is tried again with a new attempt; hard ones never are.",
    ),
    Setting(
        "retry.decline_seconds",
        kinds.number(0, 86400),
        "10",
        "The wait before the first of these attempts; it grows sixfold each time.",
    ),
    Setting(
        "retry.card_declines",
        kinds.whole(1, 100),
        "15",
        "How many declined attempts one payment method may have in 30 days before it is left"
        " alone; the card networks allow 15.",
    ),
    Setting(
        "retry.failover_tries",
        kinds.whole(0, 100),
        "2",
        "How often a PSP may take nothing before a payment that another PSP could take goes there;"
        " 0: never. Whatever the number, a PSP is left only when it is proven not to have charged.",
    ),
    Setting(
        "retry.failover_declines",
        kinds.words(lambda: tuple(sorted(ELSEWHERE))),
        ",".join(sorted(ELSEWHERE)),
        "The declines after which such a payment goes to another PSP; an empty list: none. What the"
        " card's own bank said is not among them, since it holds at every PSP.",
    ),
    Setting(
        "retry.poll_longest_seconds",
        kinds.number(0.01, 86400),
        "3600",
        "The longest wait between two looks at a payment that the PSP holds undecided.",
    ),
    Setting(
        "breaker.window",
        kinds.whole(5, 1000),
        "50",
        "How many of a PSP's last answers are looked at to tell whether it is down.",
    ),
    Setting(
        "breaker.least_answers",
        kinds.whole(1, 1000),
        "20",
        "How many answers there must be before it may be taken for down.",
    ),
    Setting(
        "breaker.percent",
        kinds.whole(1, 100),
        "50",
        "How many of 100 must be bad: lost, or charged nothing though asked to.",
    ),
    Setting(
        "breaker.rest_seconds",
        kinds.number(0.01, 3600),
        "5",
        "How long it is not asked then; doubled each time it is still down.",
    ),
    Setting(
        "breaker.longest_rest_seconds",
        kinds.number(0.01, 86400),
        "120",
        "The longest such rest.",
    ),
    Setting(
        "breaker.trials",
        kinds.whole(1, 100),
        "3",
        "How many calls must be answered after a rest before all are let through again.",
    ),
    Setting(
        "routing",
        kinds.Kind("routing rules", read_rules),
        None,
        "Rules to choose among PSPs: tables [[routing]] in the file, a JSON list in the variable.",
    ),
    Setting(
        "limit.processing_hours",
        kinds.number(0, 8760),
        "72",
        "How long an order may be processing at its PSP before a person is told.",
    ),
    Setting("limit.pending_review_hours", kinds.number(0, 8760), "120", "The same for reviews."),
    Setting(
        "limit.requires_action_hours",
        kinds.number(0, 8760),
        "24",
        "The same for buyers who must act.",
    ),
    Setting(
        "limit.authorized_hours",
        kinds.number(0, 8760),
        "192",
        "The same for money that is held and neither captured nor released.",
    ),
    Setting(
        "limit.unknown_outcome_hours",
        kinds.number(0, 8760),
        "1",
        "The same for answers that were lost.",
    ),
    Setting(
        "limit.psp_unavailable_hours",
        kinds.number(0, 8760),
        "1",
        "The same for orders that their PSP does not take.",
    ),
    Setting(
        "work.metrics_host",
        kinds.TEXT,
        "127.0.0.1",
        "The address `clearhouse work` is measured at.",
    ),
    Setting(
        "work.metrics_port",
        kinds.PORT,
        None,
        "The port where `clearhouse work` answers /metrics for Prometheus; unset: nowhere.",
    ),
    Setting(
        "fee.basis_points",
        kinds.whole(0, 10_000),
        "250",
        "The platform's share of each sale in hundredths of a percent, for sellers without a"
        " plan of their own; rounded half up.",
    ),
    Setting(
        "fee.fixed",
        kinds.AMOUNTS,
        "USD=0.30, EUR=0.25, GBP=0.20, JPY=30, KWD=0.100",
        "What is added to that share for each sale, by currency; a currency not named: nothing.",
    ),
    *PAYOUTS,
    Setting(
        "refund.fee_policy",
        kinds.choice("keep", "return"),
        "keep",
        "What becomes of the platform's fee when a sale is refunded: it is kept, or returned to"
        " the seller in the proportion of what is refunded.",
    ),
    Setting(
        "dispute.borne_by",
        kinds.choice("seller", "platform"),
        "seller",
        "Who bears a dispute that is lost, as far as the money was not refunded already; the"
        " platform's fee is kept either way.",
    ),
    Setting(
        "dispute.holds",
        kinds.choice("share", "payouts"),
        "share",
        "What an open dispute holds that its seller bears: the share in dispute, or all payouts to"
        " the seller in its currency too.",
    ),
    *RECONCILIATION,
    *WALLETS,
    Setting("sandbox.host", kinds.TEXT, "127.0.0.1", "The address the PSP sandbox listens on."),
    Setting("sandbox.port", kinds.PORT, "8090", "The port the PSP sandbox listens on."),
    Setting(
        "sandbox.seed",
        kinds.whole(0, 2**31),
        None,
        "Repeats the sandbox's faults and latencies; unset: new ones at each start.",
    ),
    Setting(
        "sandbox.bank_folder",
        kinds.PATH,
        None,
        "Where the sandbox's bank shares sepa/ and nacha/ with the rails of these names; unset:"
        " sandbox/bank in the data directory.",
    ),
    Setting(
        "sandbox.latency_median_ms",
        kinds.number(0, 60_000),
        "0",
        "How long the sandbox's PSPs take for half of the calls, in milliseconds.",
    ),
    Setting(
        "sandbox.latency_p99_ms",
        kinds.number(0, 60_000),
        "0",
        "How long they take at most for 99 of 100 calls, in milliseconds.",
    ),
    Setting("log.level", kinds.choice(*kinds.LEVELS), "info", "The least that is logged."),
    Setting(
        "log.format",
        kinds.choice("json", "console"),
        "console",
        "How: a JSON object per line for machines, or lines for people.",
    ),
)

PSP_PARTS: Final = (
    ("base_url", kinds.HTTP_URL, None, "The sandbox to talk to in place of {psp} itself."),
    ("timeout_seconds", kinds.number(1, 300), "30", "How long one call to {psp} may take."),
    ("concurrency", kinds.whole(1, 1000), "16", "The most calls to {psp} in flight per executor."),
)
"""What each PSP has besides its credentials, whose names the adapter declares."""


def psp_settings(psp: str) -> tuple[Setting, ...]:
    """The settings that every PSP has, for one of them."""
    return tuple(
        Setting(f"psp.{psp}.{part}", kind, default, meaning.format(psp=psp))
        for part, kind, default, meaning in PSP_PARTS
    )


def credential_settings(psp: str) -> tuple[Setting, ...]:
    """The credentials of one PSP as its adapter declares them; imports the PSP's SDK."""
    declared = registry.available()[psp].credentials
    return tuple(_declared(f"psp.{psp}", one) for one in declared)


def rail_settings(rail: str) -> tuple[Setting, ...]:
    """The settings of one rail as its ``rail.py`` declares them."""
    return tuple(_declared(f"rails.{rail}", one) for one in rail_registry.factory(rail).settings)


def _declared(place: str, one: Credential) -> Setting:
    meaning = f"{one.meaning[:1].upper()}{one.meaning[1:].rstrip('.')}."
    name, default = f"{place}.{one.name}", one.default or None
    return Setting(name, kinds.TEXT, default, meaning, secret=one.secret)


SETTINGS: Final[tuple[Setting, ...]] = (
    *_CORE,
    *(setting for psp in registry.names() for setting in psp_settings(psp)),
)
"""All settings but the PSPs' credentials and those of the rails."""
