"""The settings of payouts to sellers."""

from typing import Final

from clearhouse.settings import kinds
from clearhouse.settings.setting import Setting

PAYOUTS: Final = (
    Setting(
        "payouts.minimum",
        kinds.AMOUNTS,
        "EUR=1.00, USD=1.00, GBP=1.00",
        "The least that is worth a payout, by currency; less carries over.",
    ),
    Setting(
        "payouts.maximum",
        kinds.AMOUNTS,
        None,
        "The most in one payout, by currency; a schedule leaves the rest for its next run.",
    ),
    Setting(
        "payouts.approval_above",
        kinds.AMOUNTS,
        None,
        "Above these amounts, somebody else than who created a payout must approve it.",
    ),
    Setting(
        "payouts.details_wait_hours",
        kinds.number(0, 24 * 90),
        "72",
        "How long nothing is paid to bank details that were changed.",
    ),
    Setting(
        "payouts.lease_seconds",
        kinds.number(1, 86400),
        "300",
        "How long a batch belongs to the worker that took it; longer than its rail takes.",
    ),
    Setting(
        "payouts.retry_seconds",
        kinds.number(0.01, 86400),
        "5",
        "The wait before a rail is asked again whether a batch was sent; it doubles each time.",
    ),
    Setting(
        "payouts.retry_longest_seconds",
        kinds.number(0.01, 86400),
        "3600",
        "The longest such wait.",
    ),
    Setting(
        "payouts.poll_seconds",
        kinds.number(0.01, 86400),
        "900",
        "How often a rail is asked about payouts that are on their way.",
    ),
    Setting(
        "payouts.news_seconds",
        kinds.number(0.01, 86400),
        "60",
        "How often a rail is asked for news, such as a bank's files.",
    ),
    Setting(
        "payouts.doubt_hours",
        kinds.number(0.01, 24 * 365),
        "6",
        "How long nobody may know whether a payout was sent, before it is put before a person; one"
        " that may be sent and that nobody sends, as well.",
    ),
    Setting(
        "payouts.answer_days",
        kinds.number(0.01, 365),
        "10",
        "How long a bank or PSP may have a payout without an answer, before it is put before a"
        " person.",
    ),
    Setting(
        "payouts.statement_text",
        kinds.TEXT,
        "Payout",
        "What sellers read on their bank's statement.",
    ),
    Setting(
        "payouts.schedule",
        kinds.choice("none", "daily", "weekly", "monthly"),
        "none",
        "When sellers are paid who have bank details and no schedule of their own: on request"
        " alone, each business day, on Mondays, or on the 1st; each at 6:00.",
    ),
    Setting(
        "payouts.time_zone",
        kinds.ZONE,
        "UTC",
        "The time zone of that schedule, such as Europe/Berlin.",
    ),
)
"""A part of the one list of settings."""
