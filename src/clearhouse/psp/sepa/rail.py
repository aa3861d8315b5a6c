"""The SEPA rail: what it is called, what it must be told, and its files and folders."""

import re
from typing import Final

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp.banks.files import FOLDER, FileRail, FileRules, folder_of
from clearhouse.psp.banks.inbox import KeysOf
from clearhouse.psp.banks.numbers import SEPA_COUNTRIES, is_bic, is_iban
from clearhouse.psp.credentials import Credential, read_credentials
from clearhouse.psp.rails import BankAccount, Batch, Instruction, PayoutNews, RailConfig
from clearhouse.psp.sepa import answers, pain001

NAME: Final = "sepa"

SETTINGS: Final = (
    FOLDER,
    Credential("debtor_name", "the platform's name, as its bank knows it", secret=False),
    Credential("debtor_iban", "the platform's account, from which sellers are paid", secret=True),
    Credential(
        "debtor_bic", "the BIC of its bank, where the bank wants it", secret=False, required=False
    ),
)

MAX_BATCH: Final = 10_000
_LARGEST_MINOR: Final = 99_999_999_999
"""999,999,999.99 euros: the most that one SEPA credit transfer can say (EPC115-06)."""
_END_TO_END: Final = re.compile(rb"<EndToEndId>([^<]{1,35})</EndToEndId>")


def create(config: RailConfig) -> FileRail:
    """A rail; raises ConfigurationError for what cannot be an account or a folder."""
    given = read_credentials(f"rail {NAME}", SETTINGS, config.values)
    iban = given["debtor_iban"].replace(" ", "").upper()
    bic = given["debtor_bic"].upper()
    if not is_iban(iban):
        raise ConfigurationError(
            "The rail sepa's debtor_iban fails its check digits.",
            hint="Set CLEARHOUSE_RAILS_SEPA_DEBTOR_IBAN to the platform's own IBAN.",
        )
    if bic and not is_bic(bic):
        raise ConfigurationError(
            "The rail sepa's debtor_bic is no BIC.", hint="A BIC has 8 or 11 letters and digits."
        )
    rules = SepaRules(pain001.Debtor(given["debtor_name"], iban, bic))
    return FileRail(NAME, MAX_BATCH, folder_of(given), rules)


class SepaRules(FileRules):
    """How a batch becomes a pain.001, and how the bank's answers are read."""

    suffix = ".xml"

    def __init__(self, debtor: pain001.Debtor) -> None:
        self._debtor = debtor

    def refusal(self, instruction: Instruction) -> str | None:
        account = instruction.destination
        if not isinstance(account, BankAccount):
            return "SEPA pays to accounts that have an IBAN."
        if instruction.amount.currency != pain001.CURRENCY:
            return f"SEPA pays euros, not {instruction.amount.currency}."
        if not 0 < instruction.amount.minor <= _LARGEST_MINOR:
            return "SEPA pays from 0.01 to 999,999,999.99 euros at a time."
        if not is_iban(account.iban):
            return "The IBAN fails its check digits."
        if account.iban[:2] not in SEPA_COUNTRIES:
            return f"SEPA does not reach accounts of {account.iban[:2]}."
        if account.bic and not is_bic(account.bic):
            return "The BIC does not have the form of a BIC."
        return None

    def render(self, batch: Batch) -> bytes:
        return pain001.render(batch, self._debtor)

    def identities(self, data: bytes) -> list[str]:
        return [key.decode() for key in _END_TO_END.findall(data)]

    def identity(self, instruction: Instruction) -> str:
        return instruction.key

    def read(self, data: bytes, name: str, keys_of: KeysOf) -> list[PayoutNews]:
        return answers.read(data, name, self._debtor.iban, keys_of)
