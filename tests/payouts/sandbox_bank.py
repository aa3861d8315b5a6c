"""The sandbox's bank over a folder, by a clock of its own."""

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.ledger.books import CLOCK
from tests.psp.rails.files import Stopped

from clearhouse.sandbox.app import create_app
from clearhouse.sandbox.core import Core
from clearhouse.sandbox.server import open_core


@dataclass
class Bank:
    """What a bank does with the files of its folder, and what it knows of them."""

    core: Core

    def work(self, **later: float) -> None:
        self.core.clock.advance(timedelta(**later))
        for chore in self.core.chores:
            chore()
        self.core.agenda.run_due()
        for chore in self.core.chores:
            chore()

    def payments(self) -> list[dict[str, str]]:
        rows = self.core.truth.execute(
            "SELECT body FROM objects WHERE psp = 'bank' AND kind = 'payment' ORDER BY seq"
        )
        return [json.loads(row[0]) for row in rows]


def core_over(folder: Path) -> Core:
    """A sandbox whose bank looks into a folder."""
    core = open_core(None, clock=Stopped(CLOCK.now()), bank_folder=folder)
    create_app(core)
    return core
