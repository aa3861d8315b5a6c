"""The development group: everything on one machine, from an embedded PostgreSQL to the API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from typing import Final

from clearhouse.bootstrap import migrate_all
from clearhouse.cli.embedded import database_url
from clearhouse.cli.options import GROUP_FILE
from clearhouse.cli.supervisor import Group, Program
from clearhouse.kernel.clock import Clock
from clearhouse.kernel.money import EXPONENTS
from clearhouse.sandbox.secrets import SECRETS
from clearhouse.settings import COMMAND_LINE, SETTINGS, Loaded, Settings

DATABASE: Final = Program("database", ("database",))
EXECUTOR: Final = Program("executor", ("work", "--only", "executor,reconciliation,payouts"))
BOOKS: Final = Program("books", ("work", "--only", "ledger,wallets,payments,webhooks"))
API: Final = Program("api", ("serve",))

# What the sandbox takes for credentials: anything that looks like the PSP's own. Braintree signs
# its webhooks with the API keys. Accounts and locations of currencies come with the group.
_SANDBOX_CREDENTIALS: Final[Mapping[str, Mapping[str, str]]] = {
    "stripe": {"secret_key": "sk_test_sandbox", "webhook_secrets": SECRETS["stripe"]},
    "braintree": {
        "merchant_id": "sandbox",
        "public_key": "sandbox",
        "private_key": "sandbox",
    },
    "square": {"access_token": "sandbox", "webhook_signature_keys": SECRETS["square"]},
}

# The platform's own accounts at the sandbox's bank.
_SANDBOX_ACCOUNTS: Final[Mapping[str, Mapping[str, str]]] = {
    "sepa": {"debtor_name": "Marketplace", "debtor_iban": "DE89370400440532013000"},
    "nacha": {
        "company_name": "Marketplace",
        "company_id": "1234567890",
        "routing": "021000021",
        "bank_name": "Sandbox Bank",
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
    currencies: tuple[str, ...] = tuple(sorted(EXPONENTS))
    """Those that the PSPs which the sandbox plays have an account or a location for."""

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
        for psp, parts in self.played().items():
            for name, value in parts.items():
                told[f"CLEARHOUSE_PSP_{psp.upper()}_{name.upper()}"] = value
        told.setdefault("CLEARHOUSE_WEBHOOKS_PRIVATE_DESTINATIONS", "yes")
        for rail, parts in self.banked().items():
            for name, value in parts.items():
                told[f"CLEARHOUSE_RAILS_{rail.upper()}_{name.upper()}"] = value
        if "braintree" in self.played():
            told.setdefault(
                "CLEARHOUSE_PAGES_DROP_IN_SCRIPT",
                f"{self.sandbox_url}/_sandbox/braintree/dropin.js",
            )
        return told

    def played(self) -> dict[str, dict[str, str]]:
        """The settings of the PSPs that the sandbox plays: those without any of their own."""
        places = {
            "braintree": {
                "merchant_accounts": ", ".join(f"{one}={one.lower()}" for one in self.currencies)
            },
            "square": {"locations": ", ".join(f"{one}=L{one}" for one in self.currencies)},
        }
        return {
            psp: {"base_url": self.sandbox_url, **credentials, **places.get(psp, {})}
            for psp, credentials in _SANDBOX_CREDENTIALS.items()
            if psp not in self.settings.psps
        }

    def banked(self) -> dict[str, dict[str, str]]:
        """The settings of the rails that end at the sandbox's bank: those without any."""
        folder = self.settings.sandbox.bank_folder
        return {
            rail: {"folder": str(folder / rail), **parts}
            for rail, parts in _SANDBOX_ACCOUNTS.items()
            if rail not in self.settings.rails
        }

    async def start(self, group: Group, tell: Callable[[str], None]) -> None:
        """Start everything, in the order in which each needs the one before.

        ``tell`` gets a word for each step before it begins. Raises UnavailableError when
        something does not come up; what is up already is the caller's to stop.
        """
        lines = ["# Written by a running `clearhouse up`, for the commands beside it."]
        for psp, parts in self.played().items():
            lines += [f"[psp.{psp}]", *(f"{name} = {dumps(text)}" for name, text in parts.items())]
        lines += ["[webhooks]", 'private_destinations = "yes"']
        self.settings.data_directory.mkdir(parents=True, exist_ok=True)
        self._group_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        if self.settings.database.url is None:
            tell("PostgreSQL")
            await group.start(DATABASE)
        tell("the schema")
        await migrate_all(database_url(self.settings))
        tell("the PSP sandbox, an executor, the books and the API")
        webhooks = self.settings.api.public_url or self.api_url
        sandbox = Program(
            "sandbox", ("sandbox", "--webhook-url", webhooks, *self.sandbox_arguments)
        )
        # In the order that stopping turns round: the API stops first, PostgreSQL last.
        await group.start(sandbox, EXECUTOR, BOOKS, API)

    async def stop(self, group: Group) -> None:
        """Stop everything, the API first and PostgreSQL last."""
        await group.stop()
        self._group_file.unlink(missing_ok=True)

    @property
    def _group_file(self) -> Path:
        return self.settings.data_directory / GROUP_FILE

    def group(self, clock: Clock, say: Callable[[str], None]) -> Group:
        """The processes, none of them started yet."""
        return Group(clock, self.environment(), self.logs, say)
