"""The Square adapter: what it is called, what it must be told, and its rooms put together."""

from typing import Final

from clearhouse.kernel.errors import ConfigurationError
from clearhouse.psp.contract import Capabilities, PspConfig
from clearhouse.psp.credentials import Credential, PerCurrency, read_credentials
from clearhouse.psp.square.books import Books
from clearhouse.psp.square.charges import ChargeCalls
from clearhouse.psp.square.connection import ENVIRONMENTS, Connection
from clearhouse.psp.square.disputes import DisputeCalls
from clearhouse.psp.square.operations import OperationCalls
from clearhouse.psp.square.pages import PageCalls
from clearhouse.psp.square.settlements import ReportCalls
from clearhouse.psp.square.walking import KEY_LIFETIME
from clearhouse.psp.square.webhooks import WebhookReader

NAME: Final = "square"

CREDENTIALS: Final = (
    Credential("access_token", "the access token", secret=True),
    Credential(
        "locations",
        'the location per currency: "USD=L123, EUR=L456", or a pattern such as "L{CURRENCY}";'
        " where there is none, the main location is charged, which takes one currency",
        secret=False,
        required=False,
    ),
    Credential(
        "webhook_signature_keys",
        "the signature keys of the webhook subscription, comma separated while one is replaced",
        secret=True,
        required=False,
    ),
    Credential(
        "environment",
        "sandbox or production; a base URL goes before it",
        secret=False,
        required=False,
        default="sandbox",
    ),
)

CAPABILITIES: Final = Capabilities(
    idempotency_key_length=45,
    idempotency_key_lifetime=KEY_LIFETIME,
    repeat_is_lookup=True,
)


def create(config: PspConfig) -> "SquarePsp":
    """An adapter; raises ConfigurationError for missing credentials or a wrong environment."""
    return SquarePsp(config)


class SquarePsp(
    ChargeCalls, OperationCalls, WebhookReader, DisputeCalls, PageCalls, Books, ReportCalls
):
    """Square as the contract has it.

    Each room it inherits holds one protocol: what it calls, and how it reads the replies.
    """

    name = NAME
    capabilities = CAPABILITIES

    def __init__(self, config: PspConfig) -> None:
        values = read_credentials(NAME, CREDENTIALS, config.credentials)
        if values["environment"] not in ENVIRONMENTS:
            raise ConfigurationError(
                "The PSP square does not know this environment.",
                hint="Write sandbox or production.",
            )
        self._connection = Connection(
            values["access_token"],
            values["environment"],
            PerCurrency.parse(NAME, "locations", values["locations"]),
            config,
        )
        keys = values["webhook_signature_keys"].split(",")
        self._signature_keys = tuple(key.strip() for key in keys if key.strip())

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()
