"""The settings of what sellers are owed."""

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
)
