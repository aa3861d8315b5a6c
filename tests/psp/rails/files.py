"""Batches and rails of files, as the tests of them share them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from clearhouse.kernel.money import Money
from clearhouse.psp import rail_registry
from clearhouse.psp.banks.files import FileRail
from clearhouse.psp.rails import (
    BankAccount,
    Batch,
    Destination,
    Instruction,
    RailConfig,
    UsAccount,
    UsAccountKind,
)

CREATED = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
DAY = date(2026, 11, 26)
DEBTOR = "DE89370400440532013000"
IBANS = ("FR1420041010050500013M02606", "NL91ABNA0417164300", "AT611904300234573201")
ROUTINGS = ("021000021", "011401533", "091000019")


class Stopped:
    """A clock that a test moves."""

    def __init__(self, now: datetime = CREATED) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Kind:
    """One rail of files: its settings, its currency, and where it pays to."""

    name: str
    settings: dict[str, str]
    currency: str
    destinations: tuple[Destination, ...]

    def rail(self, folder: Path, clock: Stopped | None = None) -> FileRail:
        values = {**self.settings, "folder": str(folder)}
        made = rail_registry.create(self.name, RailConfig(values, clock=clock or Stopped()))
        assert isinstance(made, FileRail)
        return made

    def instruction(self, number: int, minor: int = 12_345) -> Instruction:
        return Instruction(
            payout_id=f"payout-{number}",
            key=f"0198c0de7000{number:020d}",
            amount=Money(minor + number, self.currency),
            destination=self.destinations[number % len(self.destinations)],
            statement_text=f"Payout {number}",
            seller_account=f"seller-{number}",
        )

    def batch(self, count: int = 3, batch_id: str = "batch-0198c0de") -> Batch:
        return Batch(batch_id, CREATED, DAY, tuple(map(self.instruction, range(count))))


SEPA = Kind(
    "sepa",
    {"debtor_name": "Jörg & Töchter Marktplatz", "debtor_iban": DEBTOR, "debtor_bic": "COBADEFF"},
    "EUR",
    tuple(
        BankAccount(iban, bic, holder)
        for iban, bic, holder in zip(
            IBANS,
            ("", "ABNANL2A", ""),
            ("Société Œuvre", "Łukasz <Ltd> & Co", "Ä" * 90),
            strict=True,
        )
    ),
)
NACHA = Kind(
    "nacha",
    {
        "company_name": "Marketplace Inc",
        "company_id": "1234567890",
        "routing": "091000019",
        "bank_name": "First Bank",
    },
    "USD",
    tuple(
        UsAccount(routing, f"00012345{number}", holder, kind)
        for number, (routing, holder, kind) in enumerate(
            zip(
                ROUTINGS,
                ("Jane Doe", "Renée O’Neil", "A very long company name of many words"),
                (UsAccountKind.CHECKING, UsAccountKind.SAVINGS, UsAccountKind.CHECKING),
                strict=True,
            )
        )
    ),
)
KINDS = (SEPA, NACHA)


def taken_out(folder: Path) -> dict[str, bytes]:
    """What the bank's own programme finds, and takes away."""
    found = {path.name: path.read_bytes() for path in sorted((folder / "out").iterdir())}
    for name in found:
        (folder / "out" / name).unlink()
    return found
