"""The settings of wallets: the terms of sellers without terms of their own."""

from typing import Final

from clearhouse.settings import kinds
from clearhouse.settings.setting import Setting

WALLETS: Final = (
    Setting(
        "wallets.matures",
        kinds.choice("after_delay", "when_settled"),
        "after_delay",
        "When a sale becomes available to a seller without terms of its own: some time after the"
        " sale, or when the PSP's report settles it.",
    ),
    Setting(
        "wallets.delay_hours",
        kinds.number(0, 87600),
        "168",
        "How long after the sale that is.",
    ),
    Setting(
        "wallets.reserve_basis_points",
        kinds.whole(0, 10_000),
        "0",
        "How much of what matures is kept back against refunds and disputes to come, in hundredths"
        " of a percent, for sellers without terms of their own.",
    ),
    Setting(
        "wallets.reserve_days",
        kinds.whole(0, 3650),
        "90",
        "For how many days it is kept back.",
    ),
    Setting(
        "wallets.keep",
        kinds.AMOUNTS,
        None,
        "What always stays in such a seller's wallet and is never paid out, by currency; a currency"
        " not named: nothing.",
    ),
    Setting(
        "wallets.write_off_limit",
        kinds.AMOUNTS,
        "USD=10.00, EUR=10.00, GBP=10.00, JPY=1000, KWD=3.000",
        "Up to how much of a seller's debt one person may write off alone, by currency; more, and a"
        " currency that is not named, needs a second person.",
    ),
)
