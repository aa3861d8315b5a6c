"""The NACHA rail: what it is called, what it must be told, and its files and folders."""

import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from clearhouse.kernel.clock import Clock
from clearhouse.kernel.days import midnight
from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp.banks.files import FOLDER, FileRail, FileRules, folder_of
from clearhouse.psp.banks.inbox import KeysOf
from clearhouse.psp.banks.numbers import is_routing, is_us_account
from clearhouse.psp.credentials import Credential, read_credentials
from clearhouse.psp.nacha import returns
from clearhouse.psp.nacha.render import Originator, identity, render
from clearhouse.psp.rails import Batch, Instruction, PayoutNews, RailConfig, UsAccount

NAME: Final = "nacha"

SETTINGS: Final = (
    FOLDER,
    Credential("company_name", "the platform's name, as its bank knows it", secret=False),
    Credential("company_id", "the company id of 10 characters that the bank gave", secret=True),
    Credential("routing", "the routing number of the platform's bank", secret=False),
    Credential("bank_name", "the name of that bank", secret=False),
    Credential(
        "entry_class",
        "CCD for sellers that are companies, PPD for persons",
        secret=False,
        required=False,
        default="CCD",
    ),
)

MAX_BATCH: Final = 10_000
_LARGEST_MINOR: Final = 9_999_999_999
"""99,999,999.99 dollars: ten digits."""
_RETURN_DAYS: Final = 3
"""A bank has until the second banking day after settlement to return a credit; a day is added
for its file to reach us."""
_SHELF: Final = "identities"


def create(config: RailConfig) -> FileRail:
    """A rail; raises ConfigurationError for numbers that cannot be."""
    given = read_credentials(f"rail {NAME}", SETTINGS, config.values)
    if not is_routing(given["routing"]):
        raise ConfigurationError(
            "The rail nacha's routing number fails its check digit.",
            hint="Set CLEARHOUSE_RAILS_NACHA_ROUTING to the nine digits of the platform's bank.",
        )
    if not re.fullmatch(r"[0-9A-Za-z ]{1,10}", given["company_id"], re.ASCII):
        raise ConfigurationError(
            "The rail nacha's company_id is 1 to 10 letters and digits.",
            hint="It is what the bank gave for originating entries.",
        )
    if given["entry_class"] not in {"CCD", "PPD"}:
        raise ConfigurationError(
            "The rail nacha's entry_class is CCD or PPD.", hint="CCD is for companies."
        )
    originator = Originator(
        given["company_name"],
        given["company_id"],
        given["routing"],
        given["bank_name"],
        given["entry_class"],
    )
    folder = folder_of(given)
    return FileRail(NAME, MAX_BATCH, folder, NachaRules(originator, folder, config.clock))


class NachaRules(FileRules):
    """How a batch becomes a NACHA file, and how returns are read.

    A file has 15 characters for a key, so which key is behind them is written down before the
    file may leave: a line in one of 1,024 small files beside it.
    """

    suffix = ".ach"

    def __init__(self, originator: Originator, folder: Path, clock: Clock) -> None:
        self._originator, self._clock = originator, clock
        self._shelf = folder / _SHELF

    def refusal(self, instruction: Instruction) -> str | None:
        account = instruction.destination
        if not isinstance(account, UsAccount):
            return "NACHA pays to American accounts."
        if instruction.amount.currency != "USD":
            return f"NACHA pays dollars, not {instruction.amount.currency}."
        if not 0 < instruction.amount.minor <= _LARGEST_MINOR:
            return "NACHA pays from 0.01 to 99,999,999.99 dollars at a time."
        if not is_routing(account.routing):
            return "The routing number fails its check digit."
        if not is_us_account(account.account):
            return "The account number is not 1 to 17 letters and digits."
        return None

    def render(self, batch: Batch) -> bytes:
        return render(batch, self._originator)

    def identity(self, instruction: Instruction) -> str:
        return identity(instruction.key)

    def identities(self, data: bytes) -> list[str]:
        lines = data.decode("ascii").splitlines()
        return [line[39:54] for line in lines if line.startswith("6")]

    def prepare(self, batch: Batch) -> None:
        self._shelf.mkdir(mode=0o700, exist_ok=True)
        by_file: dict[str, list[str]] = {}
        for each in batch.instructions:
            short = identity(each.key)
            by_file.setdefault(short[:2], []).append(f"{short} {each.key}")
        for start, lines in by_file.items():
            descriptor = os.open(self._shelf / start, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                # Begun with a new line, so that one that was cut off spoils none after it.
                file.write(("\n" + "\n".join(lines) + "\n").encode("ascii"))
                file.flush()
                os.fsync(file.fileno())

    def read(self, data: bytes, name: str, keys_of: KeysOf) -> list[PayoutNews]:
        return returns.read(data, name, self._key_of)

    def paid(self, batch: Batch) -> datetime | None:
        """After the time for returns is over, silence means that the bank paid."""
        day, left = batch.execution_date, _RETURN_DAYS
        while left:
            day += timedelta(days=1)
            left -= day.weekday() < 5
        if self._clock.now() < midnight(day) + timedelta(days=1):
            return None
        return midnight(batch.execution_date)

    def _key_of(self, short: str) -> str | None:
        if not re.fullmatch(r"[A-Z2-7]{15}", short, re.ASCII):
            return None
        try:
            lines = (self._shelf / short[:2]).read_text("ascii").splitlines()
        except FileNotFoundError:
            return None
        pairs = (line.partition(" ") for line in lines)
        return next(
            (key for found, _, key in pairs if found == short and identity(key) == short), None
        )
