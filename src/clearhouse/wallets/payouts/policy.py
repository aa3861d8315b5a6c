"""What the platform has decided about payouts, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from clearhouse.kernel.money import MAX_MINOR
from clearhouse.wallets.maturing.model import Terms
from clearhouse.wallets.payouts.amounts import Limits


@dataclass(frozen=True, slots=True)
class PayoutPolicy:
    """Amounts are in minor units by currency; a currency that is not named has no such limit.

    ``terms`` are the wallets' of sellers without terms of their own: they say what always stays.
    ``details_wait`` is how long nothing is paid to bank details that were changed,
    ``statement_text`` what sellers read on their statements.
    """

    minimum: Mapping[str, int] = field(default_factory=dict[str, int])
    maximum: Mapping[str, int] = field(default_factory=dict[str, int])
    approval_above: Mapping[str, int] = field(default_factory=dict[str, int])
    details_wait: timedelta = timedelta(days=3)
    statement_text: str = "Payout"
    terms: Terms = field(default_factory=Terms)

    def limits(self, currency: str, keep: int = 0) -> Limits:
        """What bounds a payout in a currency; a maximum below the minimum counts as that.

        ``keep`` is what always stays in the wallet.
        """
        least = min(max(self.minimum.get(currency, 1), 1), MAX_MINOR)
        most = min(self.maximum.get(currency, MAX_MINOR), MAX_MINOR)
        return Limits(
            minimum=least,
            maximum=max(most, least),
            keep=keep,
            approval_above=self.approval_above.get(currency),
        )
