"""What an adapter must be told, as data: names, meanings, and which of them are secret.

Why data: the documentation and ``clearhouse config`` list them without knowing any PSP,
and a missing or misspelt one is told in one sentence before anything is started.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from clearhouse.kernel.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Credential:
    """One value an adapter takes from ``PspConfig.credentials``.

    ``default`` holds for one that is not required; a ``secret`` is never shown or logged.
    """

    name: str
    meaning: str
    secret: bool
    required: bool = True
    default: str = ""


def read_credentials(
    psp: str, wanted: Iterable[Credential], given: Mapping[str, str]
) -> dict[str, str]:
    """All wanted values by name, defaults filled in, spaces around them taken off.

    Raises ConfigurationError that names (never shows) what is missing or not known, since a
    misspelt optional name would otherwise be ignored in silence.
    """
    known = {credential.name: credential for credential in wanted}
    found = {name: value.strip() for name, value in given.items() if value.strip()}
    missing = [c.name for c in known.values() if c.required and c.name not in found]
    if missing:
        raise ConfigurationError(
            f"The PSP {psp} lacks {_listed(missing)}.",
            hint=f"{missing[0]}: {known[missing[0]].meaning}",
        )
    strange = sorted(found.keys() - known.keys())
    if strange:
        raise ConfigurationError(
            f"The PSP {psp} does not know {_listed(strange)}.",
            hint=f"It takes {_listed(known)}.",
        )
    return {name: found.get(name, credential.default) for name, credential in known.items()}


@dataclass(frozen=True, slots=True)
class PerCurrency:
    """One account of a PSP per currency, for PSPs where the account implies the currency.

    Made from ``"USD=shop_us, EUR=shop_eu"``, or from a pattern for accounts that are named
    alike: ``"shop_{currency}"`` (usd) or ``"SHOP-{CURRENCY}"`` (USD).
    """

    by_currency: Mapping[str, str]
    pattern: str = ""

    @classmethod
    def parse(cls, psp: str, name: str, text: str) -> "PerCurrency":
        """Read either form; raises ConfigurationError for what is neither."""
        if "{currency}" in text.lower():
            return cls({}, text)
        accounts: dict[str, str] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            currency, equals, account = (piece.strip() for piece in part.partition("="))
            if not (equals and account and len(currency) == 3 and currency.isupper()):
                raise ConfigurationError(
                    f"The PSP {psp} cannot read {name}.",
                    hint='Write "USD=account, EUR=other", or one pattern with {currency}.',
                )
            accounts[currency] = account
        return cls(accounts)

    def of(self, currency: str) -> str | None:
        """The account that takes this currency, or None where there is none."""
        if self.pattern:
            account = self.pattern.replace("{currency}", currency.lower())
            return account.replace("{CURRENCY}", currency)
        return self.by_currency.get(currency)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
