"""The settings of reconciliation."""

from typing import Final

from clearhouse.settings import kinds
from clearhouse.settings.fees import read_fees
from clearhouse.settings.setting import Setting

RECONCILIATION: Final = (
    Setting(
        "reconciliation.vault",
        kinds.PATH,
        None,
        "Where settlement files and bank statements are kept as they came, under their hash; unset:"
        " settlement-files in the data directory.",
    ),
    Setting(
        "reconciliation.drop_folder",
        kinds.PATH,
        None,
        "Where settlement files and bank statements may be dropped to be read; unset:"
        " settlement-drop in the data directory.",
    ),
    Setting(
        "reconciliation.upload_megabytes",
        kinds.whole(1, 100_000),
        "1000",
        "The largest settlement file or bank statement that may be handed in over the API, in"
        " millions of bytes.",
    ),
    Setting(
        "reconciliation.statement_columns",
        kinds.TEXT,
        None,
        "The columns of the bank's CSV statements, such as `booked_on=Date, amount=Amount,"
        " currency=EUR`; unset: such files are refused.",
    ),
    Setting(
        "reconciliation.nightly_hour",
        kinds.whole(0, 23),
        "5",
        "The hour in UTC from which on the day before is fetched and compared.",
    ),
    Setting(
        "reconciliation.alert_basis_points",
        kinds.whole(0, 10_000),
        "10",
        "The unmatched share of a day's value, in hundredths of a percent, above which there is an"
        " alert.",
    ),
    Setting(
        "reconciliation.alert_days",
        kinds.whole(0, 365),
        "3",
        "The age in days above which there is an alert about an open difference.",
    ),
    Setting(
        "reconciliation.decision_limit",
        kinds.AMOUNTS,
        "USD=10.00, EUR=10.00, GBP=10.00, JPY=1000, KWD=3.000",
        "Up to how much one person may decide a difference alone, by currency; more, and a"
        " currency that is not named, needs a second person.",
    ),
    Setting(
        "reconciliation.patience_days",
        kinds.whole(0, 60),
        "5",
        "How many days a PSP has to report what happened before it is missing there.",
    ),
    Setting(
        "reconciliation.fees",
        kinds.Kind("fees by PSP and currency", read_fees),
        None,
        "What the PSPs take of each charge by agreement, such as `stripe USD 2.9% + 0.30, square"
        " USD 2.6% + 0.10`; what is not named is not checked.",
    ),
    Setting(
        "webhooks.private_destinations",
        kinds.choice("no", "yes"),
        "no",
        "Whether merchants' webhook endpoints may be http, private addresses and this machine; only"
        " for development: `clearhouse up` sets it.",
    ),
    Setting(
        "webhooks.timeout_seconds",
        kinds.number(1, 120),
        "15",
        "How long a merchant's endpoint may take to answer.",
    ),
    Setting(
        "webhooks.concurrency",
        kinds.whole(1, 1000),
        "64",
        "The most calls to merchants' endpoints in flight per process.",
    ),
    Setting(
        "webhooks.endpoint_concurrency",
        kinds.whole(1, 1000),
        "8",
        "How many of them one endpoint gets; one that took nothing last gets at most 2.",
    ),
    Setting(
        "webhooks.retention_days",
        kinds.whole(4, 3650),
        "90",
        "How long the log of deliveries to merchants is kept.",
    ),
)
