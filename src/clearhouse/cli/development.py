"""The development group: everything on one machine, from an embedded PostgreSQL to the API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clearhouse.bootstrap import migrate_all
from clearhouse.cli.embedded import database_url
from clearhouse.cli.supervisor import Group, Program
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.money import EXPONENTS
from clearhouse.settings import COMMAND_LINE, SETTINGS, Loaded, Settings

DATABASE: Final = Program("database", ("database",))
EXECUTOR: Final = Program("executor", ("work", "--only", "executor"))
BOOKS: Final = Program("books", ("work", "--only", "ledger,wallets,payments"))
API: Final = Program("api", ("serve",))

# What the sandbox takes for credentials: anything that looks like the PSP's own.
_SANDBOX_CREDENTIALS: Final[Mapping[str, Mapping[str, str]]] = {
    "stripe": {"secret_key": "sk_test_sandbox"},
    "braintree": {
        "merchant_id": "sandbox",
        "public_key": "sandbox",
        "private_key": "sandbox",
        "merchant_accounts": ", ".join(f"{code}={code.lower()}" for code in sorted(EXPONENTS)),
    },
    "square": {
        "access_token": "sandbox",
        "locations": ", ".join(f"{code}=L{code}" for code in sorted(EXPONENTS)),
    },
}


@dataclass(frozen=True, slots=True)
class Development:
    """One group to run: its settings, and what its sandbox is started with besides."""

    loaded: Loaded
    inherited: Mapping[str, str]
    """The environment to go on from."""
    config: Path | None = None
    sandbox_arguments: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        """The settings that all its processes share."""
        return self.loaded.settings

    @property
    def api_url(self) -> str:
        """Where the API is."""
        return f"http://{self.settings.api.host}:{self.settings.api.port}"

    @property
    def sandbox_url(self) -> str:
        """Where the sandbox is, without a slash at the end."""
        return f"http://{self.settings.sandbox.host}:{self.settings.sandbox.port}"

    @property
    def logs(self) -> Path:
        """The directory of the children's logs."""
        return self.settings.data_directory / "logs"

    def environment(self) -> dict[str, str]:
        """What the children are told; a PSP that has credentials of its own keeps them."""
        told = dict(self.inherited)
        if self.config is not None:
            told["CLEARHOUSE_CONFIG"] = str(self.config.absolute())
        for setting in SETTINGS:
            if self.loaded.sources[setting.name] == COMMAND_LINE:
                told[setting.variable] = str(self.loaded.raw[setting.name])
        told["CLEARHOUSE_DATA_DIRECTORY"] = str(self.settings.data_directory)
        told["PYTHONUNBUFFERED"] = "1"
        for psp, credentials in _SANDBOX_CREDENTIALS.items():
            own = self.settings.psps.get(psp)
            if own is not None and (own.credentials or own.base_url):
                continue
            told[f"CLEARHOUSE_PSP_{psp.upper()}_BASE_URL"] = self.sandbox_url
            for name, value in credentials.items():
                told[f"CLEARHOUSE_PSP_{psp.upper()}_{name.upper()}"] = value
        return told

    async def start(self, group: Group, tell: Callable[[str], None]) -> None:
        """Start everything, in the order in which each needs the one before.

        ``tell`` gets a word for each step before it begins. Raises UnavailableError when
        something does not come up; what is up already is the caller's to stop.
        """
        if self.settings.database.url is None:
            tell("PostgreSQL")
            await group.start(DATABASE)
        tell("schema")
        await migrate_all(database_url(self.settings))
        tell("PSP sandbox")
        await group.start(Program("sandbox", ("sandbox", *self.sandbox_arguments)))
        for word, program in (("executor", EXECUTOR), ("books", BOOKS), ("API", API)):
            tell(word)
            await group.start(program)

    def group(self, clock: Clock, say: Callable[[str], None]) -> Group:
        """The processes, none of them started yet."""
        return Group(clock, self.environment(), self.logs, say)
