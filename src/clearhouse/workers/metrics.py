"""What workers count, for Prometheus; every name stands in docs/reference/metrics.md."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

PSP_CALLS: Final = Counter(
    "clearhouse_psp_calls",
    "Calls to PSPs by PSP, kind of call and outcome.",
    ["psp", "call", "outcome"],
)
PSP_SECONDS: Final = Histogram(
    "clearhouse_psp_call_seconds",
    "How long PSPs take to answer.",
    ["psp"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
PSP_IN_FLIGHT: Final = Gauge(
    "clearhouse_psp_calls_in_flight", "Calls to a PSP that are under way now.", ["psp"]
)
BREAKER_STATE: Final = Gauge(
    "clearhouse_psp_breaker_state",
    "Whether a PSP is asked: 0 closed (yes), 1 half open (on trial), 2 open (no).",
    ["psp", "call"],
)
BREAKER_OPENINGS: Final = Counter(
    "clearhouse_psp_breaker_openings", "How often a PSP was put to rest.", ["psp", "call"]
)
FAILOVERS: Final = Counter(
    "clearhouse_failovers",
    "Payment orders that left a PSP for another one, by the PSP that was left and why.",
    ["psp", "why"],
)
DEAD_LETTERS: Final = Gauge(
    "clearhouse_dead_letters", "Dead letters that wait for a person.", ["service"]
)
LEASES_LOST: Final = Counter(
    "clearhouse_leases_lost", "Settlements refused because another executor held the order."
)
MATURED: Final = Counter(
    "clearhouse_sales_matured", "Sales whose money became available to their sellers."
)
PAYOUTS_PLANNED: Final = Counter(
    "clearhouse_payouts_planned", "Payouts created because a schedule was due."
)
PAYOUTS_WITHHELD: Final = Counter(
    "clearhouse_payouts_withheld",
    "Schedules that were due without a payout, by reason: held, debt, nothing, below_minimum or"
    " no_details.",
    ["reason"],
)
NOTICES: Final = Counter(
    "clearhouse_webhooks_taken",
    "Stored webhooks by PSP and what became of them: handled, parked, given_up or ignored.",
    ["psp", "state"],
)
NOTICE_SECONDS: Final = Histogram(
    "clearhouse_webhook_age_seconds",
    "How old webhooks are when they have been handled.",
    ["psp"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 600, 3600),
)
DELIVERIES: Final = Counter(
    "clearhouse_webhook_deliveries",
    "Tries to tell a merchant something: accepted, refused or unreachable.",
    ["result"],
)
DELIVERY_SECONDS: Final = Histogram(
    "clearhouse_webhook_delivery_seconds",
    "How long merchants' endpoints take to answer.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
DELIVERIES_WAITING: Final = Gauge(
    "clearhouse_webhook_deliveries_waiting", "Messages to merchants that are not delivered yet."
)
DELIVERY_AGE: Final = Gauge(
    "clearhouse_webhook_deliveries_oldest_seconds", "How long the oldest of them has waited."
)
ENDPOINTS_DISABLED: Final = Counter(
    "clearhouse_webhook_endpoints_disabled",
    "Endpoints of merchants that were switched off, since they took nothing any more.",
)
"""All counters of a working process; a registry of one process is never shared."""
PAGE_CALLS: Final = Counter(
    "clearhouse_payment_page_calls",
    "What was asked about payment pages, by PSP, kind of call and outcome.",
    ["psp", "call", "outcome"],
)
NIGHTS: Final = Counter(
    "clearhouse_reconciled_days",
    "Days of PSPs that were compared, or whose reports could not be fetched.",
    ["psp", "result"],
)
BREAKS: Final = Gauge(
    "clearhouse_breaks_open",
    "Open breaks by PSP, cause and currency.",
    ["psp", "cause", "currency"],
)
MATCHED: Final = Gauge(
    "clearhouse_reconciled_matched", "Lines of the last compared day that agree.", ["psp"]
)
UNMATCHED: Final = Gauge(
    "clearhouse_unmatched_basis_points",
    "Unmatched value of the last compared day, in ten-thousandths.",
    ["psp", "currency"],
)
OLDEST: Final = Gauge(
    "clearhouse_breaks_oldest_days", "Age of the oldest break that time will not mend.", ["psp"]
)
ALERTS: Final = Counter(
    "clearhouse_reconciliation_alerts",
    "Alerts that were told: too much that does not agree, or for too long.",
    ["psp", "kind"],
)
PAYOUTS_BATCHED: Final = Counter(
    "clearhouse_payouts_batched",
    "Payouts that were put into a batch of a rail, or refused by it.",
    ["rail"],
)
PAYOUTS_ANSWERED: Final = Counter(
    "clearhouse_payouts_answered",
    "What rails answered about payouts, by kind of call (submit, inquire) and outcome.",
    ["rail", "call", "outcome"],
)
PAYOUTS_STUCK: Final = Gauge(
    "clearhouse_payouts_stuck",
    "Payouts on their way that wait longer than they may, by rail.",
    ["rail"],
)
PAYOUT_NEWS: Final = Counter(
    "clearhouse_payout_news",
    "What rails told of payouts by themselves, of ours (known) and of others (foreign).",
    ["rail", "whose"],
)
